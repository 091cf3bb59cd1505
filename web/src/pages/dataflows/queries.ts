/** What the pages of dataflows ask the API for. */
import { queryOptions } from "@tanstack/react-query";
import { type Call, send } from "../../api/client";
import type { Flow, FlowLine, FlowLines, Run } from "../../api/types";
import { isActive, readRun } from "../runs/run";

export const FLOW = "/data/foundation/flowservice";

export const PAGE = 50;

const get = (path: string): Call => ({ method: "GET", path });
const post = (path: string, body?: unknown): Call => ({
  method: "POST",
  path,
  ...(body === undefined ? {} : { body }),
});
const id = encodeURIComponent;

/** What a list of dataflows is narrowed to; empty members narrow nothing. */
export interface Wanted {
  q: string;
  state: string[];
  lastRun: string[];
  source: string[];
  account: string[];
  dataset: string[];
  late: boolean;
  sort: string;
  page: number;
}

export function linesPath(wanted: Wanted): string {
  const params = new URLSearchParams();
  if (wanted.q) params.set("q", wanted.q);
  for (const name of ["state", "lastRun", "source", "account", "dataset"] as const)
    for (const value of wanted[name]) params.append(name, value);
  if (wanted.late) params.set("late", "true");
  params.set("orderby", wanted.sort);
  if (wanted.page > 1) params.set("offset", String((wanted.page - 1) * PAGE));
  params.set("limit", String(PAGE));
  return `/v1/flows?${params}`;
}

export const flowCalls = {
  lines: (wanted: Wanted) => get(linesPath(wanted)),
  line: (flow: string) => get(`/v1/flows/${id(flow)}`),
  flow: (flow: string) => get(`${FLOW}/flows/${id(flow)}`),
  runs: (flow: string, properties: string[] = [], limit = 50) =>
    get(
      `${FLOW}/runs?limit=${limit}${[`flowId==${flow}`, ...properties].map((one) => `&property=${id(one)}`).join("")}`,
    ),
  runNow: (flow: string) => post(`/v1/flows/${id(flow)}/run`),
  runOver: (flow: string, params: Record<string, unknown>) => post(`${FLOW}/runs`, { flowId: flow, params }),
  switched: (flow: string, on: boolean) =>
    post(`${FLOW}/flows/${id(flow)}/action?op=${on ? "enable" : "disable"}`),
  remove: (flow: string): Call => ({ method: "DELETE", path: `${FLOW}/flows/${id(flow)}` }),
  change: (flow: string, etag: string, body: unknown): Call => ({
    method: "PATCH",
    path: `${FLOW}/flows/${id(flow)}`,
    headers: { "if-match": etag },
    body,
  }),
  preview: (scheduleParams: unknown) => post("/v1/schedules/preview?count=6", { scheduleParams }),
  versions: (flow: string, below = 0) =>
    get(`/v1/flows/${id(flow)}/versions?limit=50${below ? `&below=${below}` : ""}`),
  revert: (flow: string, version: number, etag?: string): Call => ({
    ...post(`/v1/flows/${id(flow)}/versions/${version}/revert`),
    ...(etag ? { headers: { "if-match": etag } } : {}),
  }),
  mapping: (set: string, version: number) =>
    get(`/data/foundation/conversion/mappingSets/${id(set)}${version > 0 ? `?version=${version}` : ""}`),
};

/** Where another dataflow begins as this one is. */
export const duplicateOf = (flow: string) => `flows/new?from=${id(flow)}&step=details`;

/** Where something is at work the list is asked for often, else now and then. */
const BUSY_MS = 2_000;
const CALM_MS = 15_000;
const paused = (error: unknown) => error !== null;

const hasActive = (line: FlowLine) => line.recentRuns.some(isActive);

export const linesQuery = (sandbox: string, wanted: Wanted) =>
  queryOptions({
    queryKey: ["flows", sandbox, linesPath(wanted)],
    queryFn: ({ signal }) => send<FlowLines>(flowCalls.lines(wanted), sandbox, signal),
    refetchInterval: ({ state }) =>
      paused(state.error) ? CALM_MS : state.data?.items.some(hasActive) ? BUSY_MS : CALM_MS,
    // What was shown stays while another page or order comes.
    placeholderData: (before) => before,
  });

export const lineQuery = (sandbox: string, flow: string) =>
  queryOptions({
    queryKey: ["flow", sandbox, flow, "line"],
    queryFn: ({ signal }) => send<FlowLine>(flowCalls.line(flow), sandbox, signal),
    refetchInterval: ({ state }) =>
      paused(state.error) ? CALM_MS : state.data && hasActive(state.data) ? BUSY_MS : CALM_MS,
  });

export const flowQuery = (sandbox: string, flow: string) =>
  queryOptions({
    queryKey: ["flow", sandbox, flow, "definition"],
    queryFn: async ({ signal }) =>
      (await send<{ items: [Flow] }>(flowCalls.flow(flow), sandbox, signal)).items[0],
  });

/** Its newest runs that ended, for the chart; the newest first. */
export const endedRunsQuery = (sandbox: string, flow: string) =>
  queryOptions({
    queryKey: ["flow", sandbox, flow, "ended"],
    queryFn: async ({ signal }) =>
      (await send<{ items: Run[] }>(flowCalls.runs(flow, [], 30), sandbox, signal)).items
        .map(readRun)
        .filter((run) => !isActive(run)),
  });

/** Everything that is known of one dataflow, and the lists that show it. */
export const flowKeys = (sandbox: string, flow: string) => [
  ["flow", sandbox, flow],
  ["flows", sandbox],
];
