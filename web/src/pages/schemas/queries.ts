/** What the pages of schemas ask the API for. */
import { queryOptions } from "@tanstack/react-query";
import { type Call, send } from "../../api/client";
import type { Node } from "./fields";

const REGISTRY = "/data/foundation/schemaregistry";
const PLAIN = "application/vnd.adobe.xed+json; version=1";
const FULL = "application/vnd.adobe.xed-full-desc+json; version=1";
const IDS = "application/vnd.adobe.xed-id+json";

export type Kind = "schemas" | "classes" | "fieldgroups";

export interface Resource extends Node {
  $id: string;
  "meta:altId": string;
  "meta:resourceType"?: string;
  "meta:class"?: string;
  "meta:containerId"?: string;
  "meta:extends"?: string[];
  "meta:intendedToExtend"?: string[];
  "meta:immutableTags"?: string[];
  "meta:registryMetadata"?: {
    "repo:createdDate": number;
    "repo:lastModifiedDate": number;
    "xdm:createdUserId": string;
    "xdm:createdClientId": string;
    eTag: string;
  };
  allOf?: { $ref: string }[];
  definitions?: Record<string, Node>;
  version: string;
  title: string;
}

interface Page {
  results: Resource[];
  _page: { next: string | null };
}

const get = (path: string, accept: string): Call => ({
  method: "GET",
  path: REGISTRY + path,
  headers: { accept },
});

export const calls = {
  list: (kind: Kind, container: "tenant" | "global" = "tenant") =>
    get(`/${container}/${kind}?limit=500`, PLAIN),
  ids: (kind: Kind, container: "tenant" | "global") => get(`/${container}/${kind}?limit=500`, IDS),
  one: (kind: Kind, id: string) => get(`/tenant/${kind}/${encodeURIComponent(id)}`, PLAIN),
  full: (kind: Kind, id: string) => get(`/tenant/${kind}/${encodeURIComponent(id)}`, FULL),
  stats: get("/stats", "application/json"),
  create: (kind: Kind, body: unknown): Call => ({ method: "POST", path: `${REGISTRY}/tenant/${kind}`, body }),
  change: (kind: Kind, id: string, etag: string, body: unknown, onlyCheck = false): Call => ({
    method: "PATCH",
    path: `${REGISTRY}/tenant/${kind}/${encodeURIComponent(id)}${onlyCheck ? "?validationOnly=true" : ""}`,
    headers: { "if-match": etag },
    body,
  }),
  remove: (kind: Kind, id: string): Call => ({
    method: "DELETE",
    path: `${REGISTRY}/tenant/${kind}/${encodeURIComponent(id)}`,
  }),
  describe: (body: unknown): Call => ({ method: "POST", path: `${REGISTRY}/tenant/descriptors`, body }),
  descriptor: (id: string): Call => ({
    method: "GET",
    path: `${REGISTRY}/tenant/descriptors/${encodeURIComponent(id)}`,
  }),
  redescribe: (id: string, etag: string, body: unknown): Call => ({
    method: "PUT",
    path: `${REGISTRY}/tenant/descriptors/${encodeURIComponent(id)}`,
    headers: { "if-match": etag },
    body,
  }),
  undescribe: (id: string, etag: string): Call => ({
    method: "DELETE",
    path: `${REGISTRY}/tenant/descriptors/${encodeURIComponent(id)}`,
    headers: { "if-match": etag },
  }),
  datasets: (ids: string[]): Call => ({
    method: "GET",
    path: `/data/foundation/catalog/dataSets?limit=100&properties=name&property=${encodeURIComponent(`schemaRef.id==${ids.join(",")}`)}`,
  }),
};

/** Resources of one kind, up to five thousand; the newest first. */
const listed = async (first: Call, sandbox: string, signal: AbortSignal) => {
  const found: Resource[] = [];
  let start: string | null = "";
  for (let page = 0; start !== null && page < 10; page++) {
    const path: string = start ? `${first.path}&start=${encodeURIComponent(start)}` : first.path;
    const answer: Page = await send<Page>({ ...first, path }, sandbox, signal);
    found.push(...answer.results);
    start = answer._page.next;
  }
  return found;
};

export const schemasQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["schemas", sandbox],
    queryFn: ({ signal }) => listed(calls.list("schemas"), sandbox, signal),
  });

/** The standard resources of a kind and the own ones. */
export const knownQuery = (sandbox: string, kind: Kind) =>
  queryOptions({
    queryKey: ["known", sandbox, kind],
    queryFn: async ({ signal }) => {
      const [own, standard] = await Promise.all([
        listed(calls.list(kind), sandbox, signal),
        listed(calls.list(kind, "global"), sandbox, signal),
      ]);
      return { own, standard };
    },
  });

export const schemaQuery = (sandbox: string, id: string) =>
  queryOptions({
    queryKey: ["schema", sandbox, id],
    queryFn: ({ signal }) => send<Resource>(calls.one("schemas", id), sandbox, signal),
  });

export const fullQuery = (sandbox: string, id: string, kind: Kind = "schemas") =>
  queryOptions({
    queryKey: ["schema", sandbox, id, "full"],
    queryFn: ({ signal }) => send<Resource>(calls.full(kind, id), sandbox, signal),
  });

export const tenantQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["tenant", sandbox],
    queryFn: ({ signal }) =>
      send<{ tenantId: string }>(calls.stats, sandbox, signal).then((stats) => `_${stats.tenantId}`),
    staleTime: 300_000,
  });

/** The datasets of a schema, whichever of its ids they name; up to a hundred. */
export const datasetsOfQuery = (sandbox: string, schema: Resource) =>
  queryOptions({
    queryKey: ["datasets", sandbox, "of", schema.$id],
    queryFn: ({ signal }) =>
      send<Record<string, { name: string }>>(
        calls.datasets([schema.$id, schema["meta:altId"]]),
        sandbox,
        signal,
      ).then((found) => Object.entries(found).map(([id, one]) => ({ id, name: one.name }))),
  });

export const etagOf = (resource: Resource) => resource["meta:registryMetadata"]?.eTag ?? "*";
