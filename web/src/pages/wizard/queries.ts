/** What the wizard asks the API for. */
import { queryOptions } from "@tanstack/react-query";
import { type Call, send } from "../../api/client";
import { now } from "../../api/clock";
import type { components } from "../../api/schema";
import type { TargetField } from "../mapping/rules";
import type { Tally } from "../runs/run";
import type { Schedule } from "./state";

type Schemas = components["schemas"];
export type Draft = Schemas["Draft"];
export type DraftLine = Schemas["DraftLine"];
export type SourceSchema = Schemas["SourceSchema"];
export type DryRun = Schemas["DryRun"];
export type SchedulePreview = Schemas["SchedulePreview"];

export const FLOW = "/data/foundation/flowservice";
export const REGISTRY = "/data/foundation/schemaregistry";
export const CATALOG = "/data/foundation/catalog";
export const PREP = "/data/foundation/conversion";
const PAGE = 100;
const PAGES = 10;
const part = encodeURIComponent;

const get = (path: string, accept?: string): Call => ({
  method: "GET",
  path,
  ...(accept ? { headers: { accept } } : {}),
});

export interface Column {
  name: string;
  /** As the source calls it. */
  type: string;
  /** The XDM type that it is read as. */
  kind: string;
  coverage: number | null;
  mixed: string[];
}

export interface Explored {
  columns: Column[];
  rows: Record<string, unknown>[];
  sampled: number;
  /** By which the source itself tells rows apart; none where it does not say. */
  keys: string[];
}

export interface TableNode {
  name: string;
  path: string;
  type: string;
}

export interface Dataset {
  id: string;
  name: string;
  description: string;
  schemaId: string;
}

export interface SchemaName {
  id: string;
  altId: string;
  title: string;
}

export const wizardCalls = {
  tables: (account: string) => get(`${FLOW}/connections/${part(account)}/explore?objectType=root`),
  table: (account: string, table: string, filters = "") =>
    get(
      `${FLOW}/connections/${part(account)}/explore?objectType=table&object=${part(table)}&preview=true${filters ? `&filters=${filters}` : ""}`,
    ),
  datasets: get(`${CATALOG}/dataSets?limit=${PAGE}&properties=name,description,schemaRef`),
  schemas: get(`${REGISTRY}/tenant/schemas?limit=500`, "application/vnd.adobe.xed-id+json"),
  plan: (account: string, body: object): Call => ({
    method: "POST",
    path: `/v1/connections/${part(account)}/schema`,
    body,
  }),
  slots: (scheduleParams: object): Call => ({
    method: "POST",
    path: "/v1/schedules/preview?count=5",
    body: { scheduleParams },
  }),
  drafts: get("/v1/drafts"),
  draft: (id: string) => get(`/v1/drafts/${part(id)}`),
  flow: (id: string) => get(`${FLOW}/flows/${part(id)}`),
  target: (id: string) => get(`${FLOW}/targetConnections/${part(id)}`),
  runsOf: (id: string) => get(`${FLOW}/runs?limit=1&property=${part(`flowId==${id}`)}`),
};

interface Table {
  schema: {
    columns: {
      name: string;
      type: string;
      "meta:xdmType": string;
      coverage?: number;
      mixedTypes?: string[];
    }[];
  };
  sampledRowCount: number;
  keyColumns?: string[];
  data?: Record<string, unknown>[];
}

export const tablesQuery = (sandbox: string, account: string) =>
  queryOptions({
    queryKey: ["tables", sandbox, account],
    queryFn: ({ signal }) => send<TableNode[]>(wizardCalls.tables(account), sandbox, signal),
    enabled: account !== "",
    retry: false,
  });

export const tableQuery = (sandbox: string, account: string, table: string, filters = "") =>
  queryOptions({
    queryKey: ["table", sandbox, account, table, filters],
    queryFn: async ({ signal }): Promise<Explored> => {
      const found = await send<Table>(wizardCalls.table(account, table, filters), sandbox, signal);
      return {
        columns: found.schema.columns.map((column) => ({
          name: column.name,
          type: column.type,
          kind: column["meta:xdmType"],
          coverage: column.coverage ?? null,
          mixed: column.mixedTypes ?? [],
        })),
        rows: found.data ?? [],
        sampled: found.sampledRowCount,
        keys: found.keyColumns ?? [],
      };
    },
    enabled: account !== "" && table !== "",
    staleTime: 300_000,
    retry: false,
  });

/** Up to a thousand. */
export const datasetsQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["wizard-datasets", sandbox],
    queryFn: async ({ signal }): Promise<Dataset[]> => {
      type Told = Record<string, { name?: string; description?: string; schemaRef?: { id?: string } }>;
      const all: Dataset[] = [];
      for (let page = 0; page < PAGES; page++) {
        const { path } = wizardCalls.datasets;
        const found = Object.entries(await send<Told>(get(`${path}&start=${page * PAGE}`), sandbox, signal));
        for (const [id, one] of found)
          all.push({
            id,
            name: one.name ?? "",
            description: one.description ?? "",
            schemaId: one.schemaRef?.id ?? "",
          });
        if (found.length < PAGE) break;
      }
      return all;
    },
  });

export const schemasQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["wizard-schemas", sandbox],
    queryFn: async ({ signal }): Promise<SchemaName[]> => {
      type Told = { results: { $id: string; "meta:altId": string; title?: string }[] };
      const { results } = await send<Told>(wizardCalls.schemas, sandbox, signal);
      return results.map((one) => ({ id: one.$id, altId: one["meta:altId"], title: one.title ?? one.$id }));
    },
  });

export interface Planned {
  title: string;
  object: string;
  columns: string[] | null;
}

/** What makes a schema of a table; `added` are fields beside those of the columns, which mappings feed. */
export const planBody = ({ title, object, columns }: Planned, added: TargetField[] | null = null) => ({
  object,
  title,
  ...(columns ? { columns } : {}),
  ...(added && added.length > 0
    ? { newFields: Object.fromEntries(added.map((one) => [one.path.split(".").pop(), one.type])) }
    : {}),
  mapping: false,
  ...(added ? {} : { dryRun: true }),
});

/** The fields that a schema of the source would have. Nothing is made. */
export const planQuery = (sandbox: string, account: string, planned: Planned) =>
  queryOptions({
    queryKey: ["wizard-plan", sandbox, account, planned],
    queryFn: ({ signal }) =>
      send<SourceSchema>(wizardCalls.plan(account, planBody(planned)), sandbox, signal),
    enabled: account !== "" && planned.object !== "" && planned.title !== "",
    staleTime: 300_000,
    retry: false,
  });

/** `scheduleParams` of a flow. */
export function scheduleParams(schedule: Schedule): Record<string, unknown> {
  const at = schedule.start === "later" ? new Date(schedule.startAt).getTime() : now();
  const startTime = Math.floor(at / 1000);
  if (schedule.kind === "once") return { startTime, frequency: "once" };
  return {
    startTime,
    frequency: schedule.unit,
    interval: Number(schedule.every),
    backfill: schedule.backfill,
  };
}

export const slotsQuery = (sandbox: string, schedule: Schedule, minute: number) =>
  queryOptions({
    // A start of now is another one as time passes.
    queryKey: ["wizard-slots", sandbox, schedule, schedule.start === "now" ? minute : 0],
    queryFn: ({ signal }) =>
      send<SchedulePreview>(wizardCalls.slots(scheduleParams(schedule)), sandbox, signal),
    retry: false,
  });

export const draftsQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["drafts", sandbox],
    queryFn: async ({ signal }) =>
      (await send<{ items: DraftLine[] }>(wizardCalls.drafts, sandbox, signal)).items,
  });

export interface RunLine {
  id: string;
  state: string;
  metrics?: {
    durationSummary?: { startedAtUTC?: number; completedAtUTC?: number };
    recordSummary?: {
      inputRecordCount?: number;
      outputRecordCount?: number;
      failedRecordCount?: number;
      failedInfo?: Tally[];
      skippedRecordCount?: number;
    };
    statusSummary?: { errors?: { code: string; message: string; advice?: string }[] };
  };
}

const ENDED = new Set(["success", "partialSuccess", "failed"]);
export const hasEnded = (run: RunLine) => ENDED.has(run.state);
const POLL_MS = 1_000;

/** The newest run of a flow; asked for again until it has ended. */
export const firstRunQuery = (sandbox: string, flow: string) =>
  queryOptions({
    queryKey: ["wizard-run", sandbox, flow],
    queryFn: async ({ signal }) => {
      const { items } = await send<{ items: RunLine[] }>(wizardCalls.runsOf(flow), sandbox, signal);
      return items[0] ?? null;
    },
    refetchInterval: ({ state }) => (state.data && hasEnded(state.data) ? false : POLL_MS),
    enabled: flow !== "",
  });
