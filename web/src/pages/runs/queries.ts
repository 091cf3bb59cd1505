/** What the page of a run asks the API for. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Call, send } from "../../api/client";
import type { Rejects, ReplayTrial, Run } from "../../api/types";
import { isActive, readRun } from "./run";

const FLOW = "/data/foundation/flowservice";
const id = encodeURIComponent;
const get = (path: string): Call => ({ method: "GET", path });
const post = (path: string, body?: unknown): Call => ({
  method: "POST",
  path,
  ...(body === undefined ? {} : { body }),
});

/** Which rejected rows; what is empty limits nothing. */
export interface WantedRejects {
  code: string;
  field: string;
  state: string;
}

/** Which rows a replay takes, as the API reads it. */
const chosen = ({ code, field }: WantedRejects) => ({
  ...(code ? { codes: [code] } : {}),
  ...(field ? { fields: [field] } : {}),
});

export const runCalls = {
  run: (run: string) => get(`${FLOW}/runs/${id(run)}`),
  retry: (run: string) => post(`${FLOW}/runs/${id(run)}/action?op=re-trigger`),
  cancel: (run: string) => post(`/v1/runs/${id(run)}/cancel`),
  undo: (run: string) => post(`/v1/runs/${id(run)}/undo`),
  rejects: (run: string, wanted: WantedRejects, limit: number, after = "") => {
    const params = new URLSearchParams({ limit: String(limit) });
    for (const [name, value] of Object.entries(wanted)) if (value) params.set(name, value);
    if (after) params.set("after", after);
    return get(`/v1/runs/${id(run)}/rejects?${params}`);
  },
  trial: (run: string, wanted: WantedRejects) =>
    post(`/v1/runs/${id(run)}/replay`, { ...chosen(wanted), dryRun: true }),
  replay: (run: string, wanted: WantedRejects) => post(`/v1/runs/${id(run)}/replay`, chosen(wanted)),
};

const LIVE_MS = 1_000;

export const runQuery = (sandbox: string, run: string) =>
  queryOptions({
    queryKey: ["run", sandbox, run],
    queryFn: async ({ signal }) =>
      readRun((await send<{ items: [Run] }>(runCalls.run(run), sandbox, signal)).items[0]),
    refetchInterval: ({ state }) => (state.data && isActive(state.data) ? LIVE_MS : false),
  });

export const REJECTS_A_PAGE = 50;

export const rejectsQuery = (sandbox: string, run: string, wanted: WantedRejects) =>
  infiniteQueryOptions({
    queryKey: ["rejects", sandbox, run, wanted],
    queryFn: ({ signal, pageParam }) =>
      send<Rejects>(runCalls.rejects(run, wanted, REJECTS_A_PAGE, pageParam), sandbox, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next || undefined,
  });

export const tryAgain = (sandbox: string, run: string, wanted: WantedRejects) =>
  send<ReplayTrial>(runCalls.trial(run, wanted), sandbox);
