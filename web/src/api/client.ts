/** Calls to the public API, as any client makes them; the session's cookie stands for the token. */

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
export class Unreachable extends Error {}

export interface Call {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: unknown;
  /** Headers besides those that every call has. */
  headers?: Record<string, string>;
}

type Listener = (event: "unauthorized" | "offline" | "online") => void;
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

/** Asks every few seconds until the server answers. */
export async function whenReachable(): Promise<void> {
  do await new Promise((passed) => setTimeout(passed, PAUSE_MS));
  while (!(await isReachable()));
}

// The browser may know before a call is made.
window.addEventListener("offline", () => tell("offline"));
window.addEventListener("online", () => void isReachable());

export function keepToken(token: string): void {
  csrfToken = token;
}

export async function answerOf(call: Call, sandbox: string | null, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json", ...call.headers };
  if (csrfToken) headers["x-csrf-token"] = csrfToken;
  if (sandbox) headers["x-sandbox-name"] = sandbox;
  if (call.body !== undefined) headers["content-type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(call.path, {
      method: call.method,
      headers,
      credentials: "same-origin",
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    tell("offline");
    throw new Unreachable();
  }
  tell("online");
  if (!answer.ok) {
    const refused = await refusal(answer);
    if (answer.status === 401 && call.path !== "/v1/session") tell("unauthorized");
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
