/** What pages ask the API for. Each query is told as the calls that it makes, which pages show. */
import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { type Call, send } from "./client";
import type { AuthSpec, Connection, FlowLines, ObjectSchema, SandboxPage, Spec } from "./types";

const FLOW = "/data/foundation/flowservice";
const PAGES = 10;

const get = (path: string): Call => ({ method: "GET", path });

interface Page<T> {
  items: T[];
  _links?: { next?: { href: string } | null } | null;
}

/** Up to a thousand items, page after page; `more` tells that there are others. */
async function all<T>(path: string, sandbox: string, signal: AbortSignal) {
  const items: T[] = [];
  let next: string | undefined = path;
  for (let page = 0; next && page < PAGES; page++) {
    const answer: Page<T> = await send<Page<T>>(get(next), sandbox, signal);
    items.push(...answer.items);
    const href = answer._links?.next?.href;
    next = href
      ? href.startsWith("/data")
        ? href
        : `${FLOW}${href.startsWith("/") ? "" : "/"}${href}`
      : undefined;
  }
  return { items, more: next !== undefined };
}

/** Asks again for what is on the page, but for what is read once: the document in a form, which is being changed. */
export const refreshShown = (client: QueryClient): void =>
  void client.refetchQueries({
    type: "active",
    predicate: ({ observers, state }) =>
      state.status === "error" ||
      observers.some(({ options }) => options.staleTime !== Number.POSITIVE_INFINITY),
  });

export const calls = {
  sandboxes: get("/data/foundation/sandbox-management/"),
  specs: get(`${FLOW}/connectionSpecs`),
  connections: get(`${FLOW}/connections?limit=100`),
  connection: (id: string) => get(`${FLOW}/connections/${encodeURIComponent(id)}`),
  newAccount: (source: { id: string; version: string }, name: string, specName: string): Call => ({
    method: "POST",
    path: `${FLOW}/connections`,
    body: {
      name,
      connectionSpec: { id: source.id, version: source.version },
      auth: { specName, params: {} },
    },
  }),
  oneFlow: get("/v1/flows?limit=1"),
  flowUses: get(`${FLOW}/flows?limit=100&property=id,name,state,inheritedAttributes`),
  flowsOf: (id: string) =>
    get(
      `${FLOW}/flows?limit=100&property=${encodeURIComponent(`inheritedAttributes.sourceConnections[].baseConnection.id==${id}`)}`,
    ),
};

export const sandboxesQuery = queryOptions({
  queryKey: ["sandboxes"],
  queryFn: ({ signal }) => send<SandboxPage>(calls.sandboxes, null, signal).then((page) => page.sandboxes),
  staleTime: 60_000,
});

export interface Source {
  id: string;
  name: string;
  title: string;
  version: string;
  /** Key of a category in the catalogue of texts. */
  category: string;
  kind: string;
  streaming: boolean;
  supported: boolean;
  own: boolean;
  /** It is part of the server: whoever wants to try something needs no account elsewhere. */
  sample: boolean;
  reason: string;
  auths: AuthSpec[];
  params: ObjectSchema;
  formats: string[];
  drafts: boolean;
  filter: { language: string; operators: string[] } | null;
  explores: string[];
  capabilities: Record<string, boolean>;
  checkSteps: { name: string; title: string }[];
  words: string;
}

// Spoken names by which people look for a source.
const ALIASES: Record<string, string> = {
  "azure-table-storage": "cosmos tables azurite nosql key value",
  "microsoft-sql-server": "mssql sqlserver",
  postgresql: "postgres pg",
  mysql: "my sql",
  "google-big-query": "bigquery gbq",
  "amazon-s3": "aws bucket minio",
  "sample-data": "demo example test try",
  "azure-data-lake-storage-gen2": "adls",
  "google-cloud-storage": "gcs bucket",
};

const KEYS: [RegExp, string][] = [
  [/^databases?$/i, "database"],
  [/cloud ?storage/i, "cloudStorage"],
  [/stream/i, "streaming"],
  [/^crm$/i, "crm"],
  [/success/i, "customerSuccess"],
  [/marketing/i, "marketingAutomation"],
  [/advert/i, "advertising"],
  [/analytics/i, "analytics"],
  [/commerce/i, "ecommerce"],
  [/payment/i, "payments"],
  [/loyalty/i, "loyalty"],
  [/consent/i, "consent"],
  [/protocol/i, "protocols"],
  [/^samples?$/i, "samples"],
];

type Attributes = Record<string, unknown> & {
  capabilities?: Record<string, boolean>;
  checkSteps?: { name: string; title: string }[];
  filterAtSource?: { enabled?: boolean; queryLanguage?: string; comparisonOperators?: string[] };
};

function sourceOf(spec: Spec): Source {
  const attributes = spec.attributes as Attributes;
  const said = spec as unknown as {
    authSpec?: AuthSpec[];
    version?: string;
    type?: string;
    createdAt?: number;
    sourceSpec?: {
      spec?: ObjectSchema;
      attributes?: { formats?: string[]; uiAttributes?: { frequency?: { key?: string } } };
    };
    exploreSpec?: { requestSpec?: { properties?: { objectType?: { enum?: string[] } } } };
  };
  const wanted = String(attributes.category ?? "");
  const category = KEYS.find(([pattern]) => pattern.test(wanted))?.[1] ?? "other";
  const title = String(attributes.displayName ?? spec.name);
  const filter = attributes.filterAtSource;
  return {
    id: spec.id,
    name: spec.name,
    title,
    version: said.version ?? "1.0",
    category,
    kind: said.type ?? "",
    streaming: said.sourceSpec?.attributes?.uiAttributes?.frequency?.key === "streaming",
    supported: attributes.isSupported === true,
    own: said.createdAt !== undefined,
    sample: attributes.isSampleData === true,
    reason: String(attributes.unsupportedReason ?? ""),
    auths: said.authSpec ?? [],
    params: said.sourceSpec?.spec ?? {},
    formats: said.sourceSpec?.attributes?.formats ?? [],
    drafts: attributes.isDraftModeSupported === true,
    filter: filter?.enabled
      ? { language: filter.queryLanguage ?? "", operators: filter.comparisonOperators ?? [] }
      : null,
    explores: (said.exploreSpec?.requestSpec?.properties?.objectType?.enum ?? []).filter(
      (kind) => kind !== "root",
    ),
    capabilities: attributes.capabilities ?? {},
    checkSteps: attributes.checkSteps ?? [],
    words: `${title} ${spec.name} ${ALIASES[spec.name] ?? ""} ${wanted}`.toLowerCase(),
  };
}

const isSource = (spec: Spec) =>
  (spec.attributes as Attributes).isSource === true ||
  (spec as { createdAt?: number }).createdAt !== undefined;

export const sourcesQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["sources", sandbox],
    queryFn: async ({ signal }) => {
      const { items } = await all<Spec>(calls.specs.path, sandbox, signal);
      const sources = items.filter(isSource).map(sourceOf);
      // What works here comes first, the rest by name.
      return sources.sort(
        (a, b) => Number(b.supported) - Number(a.supported) || a.title.localeCompare(b.title),
      );
    },
    staleTime: 300_000,
  });

export const connectionsQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["connections", sandbox],
    queryFn: ({ signal }) => all<Connection>(calls.connections.path, sandbox, signal),
  });

export const connectionQuery = (sandbox: string, id: string) =>
  queryOptions({
    queryKey: ["connection", sandbox, id],
    queryFn: async ({ signal }) => {
      const page = await send<Page<Connection>>(calls.connection(id), sandbox, signal);
      return page.items[0] as Connection;
    },
  });

/** How many dataflows the sandbox has. */
export const flowCountQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["flows", sandbox, "count"],
    queryFn: async ({ signal }) => (await send<FlowLines>(calls.oneFlow, sandbox, signal)).count,
  });

interface FlowUse {
  id: string;
  name?: string;
  state?: string;
  inheritedAttributes?: { sourceConnections?: { baseConnection?: { id?: string } }[] };
}

/** How many dataflows read through each account. */
export const flowUsesQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["flowUses", sandbox],
    queryFn: async ({ signal }) => {
      const found = await all<FlowUse>(calls.flowUses.path, sandbox, signal);
      const counts = new Map<string, number>();
      for (const flow of found.items)
        for (const id of new Set(
          flow.inheritedAttributes?.sourceConnections?.map((one) => one.baseConnection?.id),
        ))
          if (id) counts.set(id, (counts.get(id) ?? 0) + 1);
      return { counts, more: found.more };
    },
  });

export const flowsOfQuery = (sandbox: string, id: string) =>
  queryOptions({
    queryKey: ["flowsOf", sandbox, id],
    queryFn: async ({ signal }) => (await all<FlowUse>(calls.flowsOf(id).path, sandbox, signal)).items,
  });
