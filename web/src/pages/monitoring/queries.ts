/** What the page of monitoring asks the API for. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type Call, send } from "../../api/client";
import { now } from "../../api/clock";
import type { components } from "../../api/schema";
import type { RunError, Tally } from "../runs/run";

const FLOW = "/data/foundation/flowservice";

type Schemas = components["schemas"];
export type Monitored = Schemas["Monitored"];
export type Activity = Schemas["FlowActivityTold"];
export type Bucket = Schemas["ActivityBucket"];

/** How many runs there were, however they are or ended. */
export const runsIn = ({ scheduled, inProgress, success, partialSuccess, failed }: Schemas["RunCounts"]) =>
  scheduled + inProgress + success + partialSuccess + failed;

/** A span of time; without `until` it ends now, and moves. */
export interface Span {
  lengthMs: number;
  since: number | null;
  until: number | null;
  buckets: number;
}

export interface Run {
  id: string;
  flowId: string;
  createdAt: number;
  state: string;
  metrics: {
    durationSummary?: { startedAtUTC?: number | null; completedAtUTC?: number | null };
    recordSummary?: {
      inputRecordCount?: number;
      outputRecordCount?: number;
      failedRecordCount?: number;
      failedInfo?: Tally[];
    };
    statusSummary?: { errors?: RunError[] };
  };
}

interface FlowSource {
  id: string;
  name?: string;
  inheritedAttributes?: {
    sourceConnections?: { baseConnection?: { id?: string; connectionSpec?: { id?: string } } }[];
  };
}

const get = (path: string): Call => ({ method: "GET", path });
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const SPANS: Record<string, Omit<Span, "since" | "until">> = {
  "24h": { lengthMs: DAY, buckets: 24 },
  "7d": { lengthMs: 7 * DAY, buckets: 28 },
  "30d": { lengthMs: 30 * DAY, buckets: 30 },
};

/** When the span begins and ends, epoch milliseconds, if it is now `now`. */
export const ends = (span: Span, now: number) => ({
  since: span.since ?? now - span.lengthMs,
  until: span.until ?? now,
});

export const calls = {
  overview: (span: Span, now: number) => {
    const { since, until } = ends(span, now);
    // Without an end, the server's own clock says when now is.
    const end = span.until === null ? "" : `&until=${until}`;
    return get(`/v1/monitoring?since=${since}${end}&buckets=${span.buckets}&limit=1000`);
  },
  runs: (span: Span, now: number, flow: string, state: string) => {
    const { since, until } = ends(span, now);
    const conditions = [
      `createdAt>=${since}`,
      ...(span.until === null ? [] : [`createdAt<${until}`]),
      ...(flow ? [`flowId==${flow}`] : []),
      ...(state ? [`state==${state}`] : []),
    ];
    const asked = conditions.map((one) => `property=${encodeURIComponent(one)}`).join("&");
    return get(`${FLOW}/runs?limit=100&${asked}`);
  },
  flows: get(`${FLOW}/flows?limit=100&property=id,name,inheritedAttributes`),
};

interface Live {
  /** How often to ask again; false: not by itself. */
  every: number | false;
}

export const overviewQuery = (sandbox: string, span: Span, { every }: Live) =>
  queryOptions({
    queryKey: ["monitoring", sandbox, span],
    queryFn: ({ signal }) => send<Monitored>(calls.overview(span, now()), sandbox, signal),
    refetchInterval: every,
    // The next look is soon enough.
    retry: false,
    placeholderData: keepPreviousData,
  });

export const runsQuery = (sandbox: string, span: Span, flow: string, state: string, { every }: Live) =>
  queryOptions({
    queryKey: ["monitoring", sandbox, "runs", span, flow, state],
    queryFn: async ({ signal }) => {
      const page = await send<{ items: Run[]; _links?: { next?: unknown } }>(
        calls.runs(span, now(), flow, state),
        sandbox,
        signal,
      );
      return { runs: page.items, more: Boolean(page._links?.next) };
    },
    refetchInterval: every,
    retry: false,
    placeholderData: keepPreviousData,
  });

/** Through which account each dataflow reads: its id by the dataflow's. */
export const accountsOfFlowsQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["monitoring", sandbox, "accounts"],
    queryFn: async ({ signal }) => {
      const found = new Map<string, string>();
      let path: string | undefined = calls.flows.path;
      for (let page = 0; path && page < 10; page++) {
        const answer: { items: FlowSource[]; _links?: { next?: { href: string } | null } } = await send(
          get(path),
          sandbox,
          signal,
        );
        for (const flow of answer.items) {
          const id = flow.inheritedAttributes?.sourceConnections?.[0]?.baseConnection?.id;
          if (id) found.set(flow.id, id);
        }
        const href: string | undefined = answer._links?.next?.href;
        path = href ? (href.startsWith("/data") ? href : `${FLOW}${href}`) : undefined;
      }
      return found;
    },
  });
