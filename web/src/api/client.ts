/** Calls to the public API, as any client makes them; the session's cookie stands for the token. */
import { learnTime } from "./clock";

export class ApiError extends Error {
  constructor(
    /** Why, in the server's words. */
    message: string,
    readonly status: number,
    readonly code: string,
    readonly advice: string,
    readonly requestId: string,
    readonly retryAfterS: number | null,
  ) {
    super(message);
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {
  /** Whether it was told to do something, and may have done it. */
  isOpen = false;
}

/** Refusals that others may end: a session, somebody else's work, a pause that was asked for. */
const ENDS = [401, 408, 409, 425, 429];

/** Whether the same may go well later. What was refused for what it says, or for want of a right, will be again. */
export const mayPass = (error: unknown): boolean =>
  !(error instanceof ApiError) ||
  error.status >= 500 ||
  ENDS.includes(error.status) ||
  // That was said by the system that is read from, where somebody may mend it.
  error.code.startsWith("source-");

export interface Call {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: unknown;
  /** Headers besides those that every call has. */
  headers?: Record<string, string>;
}

type Listener = (event: "unauthorized" | "offline" | "overdue" | "online") => void;
const listeners = new Set<Listener>();
let csrfToken = "";

/** Tells when a call was refused for want of a session, and when the server is (un)reachable. */
export function onConnection(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const tell = (event: Parameters<Listener>[0]) => {
  for (const listener of listeners) listener(event);
};

/** Whether the server answers now; whoever listens is told. */
export async function isReachable(): Promise<boolean> {
  const reachable = await fetch("/health").then(
    (answer) => answer.ok,
    () => false,
  );
  tell(reachable ? "online" : "offline");
  return reachable;
}

const PAUSE_MS = 3_000;
const passed = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Asks every few seconds until the server answers. */
export async function whenReachable(): Promise<void> {
  do await passed(PAUSE_MS);
  while (!(await isReachable()));
}

// The browser may know before a call is made.
window.addEventListener("offline", () => tell("offline"));
window.addEventListener("online", () => void isReachable());

export function keepToken(token: string): void {
  csrfToken = token;
}

/** Which run of the server answered last. */
let serverRun = "";

interface Sent {
  path: string;
  method: string;
  headers: Record<string, string>;
  body?: string;
}

const OVERDUE_MS = 5_000;

async function attempt({ path, ...sent }: Sent, signal?: AbortSignal): Promise<Response> {
  const askedAt = Date.now();
  let answer: Response;
  // What is done may take its time; what is read shows how things stand.
  const overdue = sent.method === "GET" ? setTimeout(() => tell("overdue"), OVERDUE_MS) : undefined;
  try {
    answer = await fetch(path, { ...sent, credentials: "same-origin", ...(signal ? { signal } : {}) });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    tell("offline");
    throw new Unreachable();
  } finally {
    clearTimeout(overdue);
  }
  serverRun = answer.headers.get("x-server-run") ?? serverRun;
  learnTime(answer, askedAt);
  tell("online");
  return answer;
}

const ANEW_MS = [1_000, 2_000, 4_000];
const SUPERSEDED = 409;

interface Name {
  key: string;
  run: string;
}

/** Of writes whose answer was lost, by what was sent: whoever sends the same again does not do it twice. */
const unanswered = new Map<string, Name>();

function newName(): Name {
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  return { key: key.join(""), run: serverRun };
}

/** Sends a write, and once more under the same name where its answer is lost: the server does it once. */
async function written(sent: Sent): Promise<Response> {
  const what = JSON.stringify([sent.method, sent.path, sent.body, sent.headers]);
  let isFirst = !unanswered.has(what);
  let name = unanswered.get(what) ?? newName();
  for (let failures = 0; ; ) {
    const headers: Record<string, string> = { ...sent.headers, "idempotency-key": name.key };
    // Changes are guarded by their etag; what is made anew is made once by the run of the server that was asked first.
    if (sent.method === "POST" && name.run) headers["x-server-run"] = name.run;
    try {
      const answer = await attempt({ ...sent, headers });
      unanswered.delete(what);
      const isRefused = answer.status === SUPERSEDED && "x-server-run" in headers && serverRun !== name.run;
      if (!(isRefused && isFirst)) return answer;
      // It was sent for the first time, and whoever refused it is a run of the server that this page had not heard of.
      name = { ...newName(), run: "" };
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      unanswered.set(what, name);
      isFirst = false;
      const pause = ANEW_MS[failures++];
      if (pause === undefined) {
        error.isOpen = true;
        throw error;
      }
      await passed(pause);
    }
  }
}

const SESSION = "/v1/session";

/** What is asked under a signal, or by GET, changes nothing. */
const changes = (call: Call, signal?: AbortSignal) =>
  call.method !== "GET" && call.path !== SESSION && signal === undefined;

export async function answerOf(call: Call, sandbox: string | null, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json", ...call.headers };
  if (csrfToken) headers["x-csrf-token"] = csrfToken;
  if (sandbox) headers["x-sandbox-name"] = sandbox;
  if (call.body !== undefined) headers["content-type"] = "application/json";
  const sent: Sent = {
    path: call.path,
    method: call.method,
    headers,
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  };
  const answer = await (changes(call, signal) ? written(sent) : attempt(sent, signal));
  if (!answer.ok) {
    const refused = await refusal(answer);
    if (answer.status === 401 && call.path !== SESSION) tell("unauthorized");
    throw refused;
  }
  return answer;
}

/** The JSON that a call answers; nothing for 204. */
export async function send<T>(call: Call, sandbox: string | null, signal?: AbortSignal): Promise<T> {
  const answer = await answerOf(call, sandbox, signal);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

/** The services word their problems differently; this reads each of them. */
async function refusal(answer: Response): Promise<ApiError> {
  let body: Record<string, unknown> = {};
  try {
    body = (await answer.json()) as Record<string, unknown>;
  } catch {
    // A proxy between may answer with a page of its own.
  }
  const report = (body.report ?? {}) as Record<string, unknown>;
  const text = (...values: unknown[]) =>
    (values.find((value) => typeof value === "string" && value !== "") as string) ?? "";
  const wait = Number(answer.headers.get("retry-after"));
  return new ApiError(
    text(
      report["detailed-message"],
      body.detail,
      body.errorMessage,
      body.message,
      body.title,
      answer.statusText,
    ),
    answer.status,
    text(body.errorCode, body.code, body.error_code, `http-${answer.status}`),
    text(body.advice),
    text(answer.headers.get("x-request-id"), report["request-id"]),
    Number.isFinite(wait) && wait > 0 ? wait : null,
  );
}

/** `value` as one word of a POSIX shell. */
const quoted = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;

/** Text that stands for the shell variable NAME inside a body; `curl` opens the quotes around it. */
export const variable = (name: string) => `\u0000${name}\u0000`;

export interface Caller {
  clientId: string;
  orgId: string;
}

/** The same call for a terminal. The token, and every `variable` of the body, stays a $VARIABLE. */
export function curl(call: Call, caller: Caller, sandbox: string | null, origin: string): string {
  const headers: Record<string, string> = { "x-api-key": caller.clientId, "x-gw-ims-org-id": caller.orgId };
  if (sandbox) headers["x-sandbox-name"] = sandbox;
  if (call.body !== undefined) headers["content-type"] = "application/json";
  Object.assign(headers, call.headers);
  const lines = [
    `curl ${call.method === "GET" ? "" : `-X ${call.method} `}${quoted(origin + call.path)}`,
    '-H "Authorization: Bearer $ACCESS_TOKEN"',
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
  ];
  if (call.body !== undefined) {
    // JSON writes the marks of a variable as \u0000: there the single quotes are left and taken up again.
    const body = quoted(JSON.stringify(call.body));
    lines.push(`-d ${body.replace(/\\u0000(\w+)\\u0000/g, `'"$$$1"'`)}`);
  }
  return lines.join(" \\\n  ");
}
