/** What the pages of datasets ask the API for. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { ApiError, answerOf, type Call, send } from "../../api/client";
import type { components } from "../../api/schema";

const CATALOG = "/data/foundation/catalog";
export const PAGE_SIZE = 50;
/** What stands in place of a value that labels hide. */
export const MARK = "********";

export interface Dataset {
  id: string;
  name: string;
  description?: string;
  created: number;
  updated: number;
  createdUser?: string;
  schemaRef: { id: string };
  lastBatchId?: string;
  lastBatchStatus?: string;
  lastSuccessfulBatch?: string;
  extensions?: {
    adobe_lakeHouse?: {
      metrics: { rowCount: number; storageSize: number };
      tableHealthMetrics: { noOfFilesTotal: number };
    };
  };
}

export type Row = Record<string, unknown>;
export type History = components["schemas"]["History"];
export type LabelsInForce = components["schemas"]["EffectiveLabelsTold"];
type Monitored = components["schemas"]["Monitored"];

export interface Wanted {
  text: string;
  /** A property that the catalog sorts by. */
  order: string;
  /** From 0. */
  page: number;
}

/** Any text as a regular expression that finds it, in any letter case; without the commas that part conditions. */
const finding = (text: string) =>
  `(?i)${text.replace(/[^\p{L}\p{N}_]/gu, (one) => {
    const code = one.codePointAt(0) ?? 0;
    return code < 128 ? `\\x${code.toString(16).padStart(2, "0")}` : ".";
  })}`;

const get = (path: string): Call => ({ method: "GET", path });

export const calls = {
  list: ({ text, order, page }: Wanted) => {
    const asked = new URLSearchParams({
      // One more than is shown tells whether there is another page.
      limit: String(PAGE_SIZE + 1),
      start: String(page * PAGE_SIZE),
      orderBy: order,
    });
    if (text) asked.set("property", `name~${finding(text)}`);
    return get(`${CATALOG}/dataSets?${asked}`);
  },
  one: (id: string) => get(`${CATALOG}/dataSets/${encodeURIComponent(id)}`),
  change: (id: string, body: unknown): Call => ({
    method: "PATCH",
    path: `${CATALOG}/dataSets/${encodeURIComponent(id)}`,
    body,
  }),
  remove: (id: string): Call => ({ method: "DELETE", path: `${CATALOG}/dataSets/${encodeURIComponent(id)}` }),
  batches: (ids: string[]) =>
    get(
      `${CATALOG}/batches?limit=100&properties=completed&property=${encodeURIComponent(`id==${ids.join(",")}`)}`,
    ),
  labels: (ids: string[]) =>
    get(`/v1/datasets/labels?${ids.map((id) => `dataSet=${encodeURIComponent(id)}`).join("&")}`),
  rows: (id: string) => get(`/data/foundation/export/datasets/${encodeURIComponent(id)}/preview`),
  snapshots: (id: string) => get(`/v1/datasets/${encodeURIComponent(id)}/snapshots?limit=100`),
  writers: get("/v1/monitoring?buckets=1&limit=1000"),
  ownLabels: (id: string) => get(`/data/foundation/dataset/datasets/${encodeURIComponent(id)}/labels`),
  putLabels: (id: string, etag: string, labels: string[]): Call => ({
    method: "PUT",
    path: `/data/foundation/dataset/datasets/${encodeURIComponent(id)}/labels`,
    headers: { "if-match": etag },
    body: { labels },
  }),
  labelNames: (kind: "core" | "custom") => get(`/data/foundation/dulepolicy/labels/${kind}?limit=100`),
};

export const datasetsQuery = (sandbox: string, wanted: Wanted) =>
  queryOptions({
    queryKey: ["datasets", sandbox, wanted],
    queryFn: async ({ signal }) => {
      const found = await send<Record<string, Omit<Dataset, "id">>>(calls.list(wanted), sandbox, signal);
      const items: Dataset[] = Object.entries(found).map(([id, one]) => ({ ...one, id }));
      return { items: items.slice(0, PAGE_SIZE), more: items.length > PAGE_SIZE };
    },
    // While another page or search is on its way, the old one stays.
    placeholderData: keepPreviousData,
  });

export const datasetQuery = (sandbox: string, id: string) =>
  queryOptions({
    queryKey: ["dataset", sandbox, id],
    queryFn: async ({ signal }) => {
      const found = await send<Record<string, Omit<Dataset, "id">>>(calls.one(id), sandbox, signal);
      return { ...(found[id] as Omit<Dataset, "id">), id };
    },
  });

/** When batches ended, epoch milliseconds by id. */
export const writtenQuery = (sandbox: string, ids: string[]) =>
  queryOptions({
    queryKey: ["written", sandbox, ids],
    queryFn: async ({ signal }) => {
      const found = await send<Record<string, { completed?: number }>>(calls.batches(ids), sandbox, signal);
      return new Map(
        Object.entries(found).flatMap(([id, one]) => (one.completed ? [[id, one.completed]] : [])),
      );
    },
    enabled: ids.length > 0,
  });

export const labelsQuery = (sandbox: string, ids: string[]) =>
  queryOptions({
    queryKey: ["labels", sandbox, ids],
    queryFn: async ({ signal }) => {
      const { dataSets } = await send<{ dataSets: LabelsInForce[] }>(calls.labels(ids), sandbox, signal);
      return new Map(dataSets.map((one) => [one.dataSetId, one]));
    },
    enabled: ids.length > 0,
  });

export const rowsQuery = (sandbox: string, id: string) =>
  queryOptions({
    queryKey: ["rows", sandbox, id],
    queryFn: async ({ signal }): Promise<Row[]> => {
      try {
        return (await send<{ data: Row[] }>(calls.rows(id), sandbox, signal)).data;
      } catch (error) {
        // A dataset without rows is no error to who looks at it.
        if (error instanceof ApiError && error.code === "nothing-landed") return [];
        throw error;
      }
    },
  });

export const snapshotsQuery = (sandbox: string, id: string) =>
  queryOptions({
    queryKey: ["snapshots", sandbox, id],
    queryFn: ({ signal }) => send<History>(calls.snapshots(id), sandbox, signal),
  });

/** The dataflows that write into a dataset. */
export const writersQuery = (sandbox: string, id: string) =>
  queryOptions({
    queryKey: ["writers", sandbox, id],
    queryFn: async ({ signal }) =>
      (await send<Monitored>(calls.writers, sandbox, signal)).flows.filter((flow) => flow.datasetId === id),
  });

/** The labels that were put on the dataset itself, with their etag; `*` where there are none yet. */
export async function ownLabels(sandbox: string, id: string): Promise<{ etag: string; labels: string[] }> {
  try {
    const answer = await answerOf(calls.ownLabels(id), sandbox);
    const body = (await answer.json()) as Record<string, { labels: string[] }>;
    return { etag: answer.headers.get("etag") ?? "*", labels: Object.values(body)[0]?.labels ?? [] };
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { etag: "*", labels: [] };
    throw error;
  }
}

export interface LabelName {
  name: string;
  friendlyName: string;
  description: string;
  category: string;
}

/** Every label that there is. */
export const labelNamesQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["labelNames", sandbox],
    queryFn: async ({ signal }) => {
      const [core, own] = await Promise.all(
        (["core", "custom"] as const).map((kind) =>
          send<{ children: LabelName[] }>(calls.labelNames(kind), sandbox, signal),
        ),
      );
      return [...(core?.children ?? []), ...(own?.children ?? [])];
    },
    staleTime: 300_000,
  });
