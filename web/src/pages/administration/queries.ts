/** What the pages of administration ask the API for. */
import { queryOptions } from "@tanstack/react-query";
import { type Call, send } from "../../api/client";
import type { components } from "../../api/schema";
import type { Sandbox, SandboxPage } from "../../api/types";

const SANDBOXES = "/data/foundation/sandbox-management/sandboxes";
const FLOW = "/data/foundation/flowservice";

export type Credential = components["schemas"]["Credential"];
export type CredentialSecret = components["schemas"]["CredentialSecret"];

const get = (path: string): Call => ({ method: "GET", path });
const sandboxPath = (name: string) => `${SANDBOXES}/${encodeURIComponent(name)}`;
const credentialPath = (id: string) => `/v1/credentials/${encodeURIComponent(id)}`;

export const calls = {
  sandboxes: get(SANDBOXES),
  createSandbox: (body: { name: string; title: string; type: string }): Call => ({
    method: "POST",
    path: SANDBOXES,
    body,
  }),
  renameSandbox: (name: string, title: string): Call => ({
    method: "PATCH",
    path: sandboxPath(name),
    body: { title },
  }),
  resetSandbox: (name: string, onlyCheck = false): Call => ({
    method: "PUT",
    path: `${sandboxPath(name)}${onlyCheck ? "?validationOnly=true" : ""}`,
    body: { action: "reset" },
  }),
  deleteSandbox: (name: string, onlyCheck = false): Call => ({
    method: "DELETE",
    path: `${sandboxPath(name)}${onlyCheck ? "?validationOnly=true" : ""}`,
  }),
  credentials: get("/v1/credentials"),
  createCredential: (body: { name: string; permissions: string[] }): Call => ({
    method: "POST",
    path: "/v1/credentials",
    body,
  }),
  changeCredential: (id: string, body: { name: string; permissions: string[] }): Call => ({
    method: "PATCH",
    path: credentialPath(id),
    body,
  }),
  rotate: (id: string): Call => ({ method: "POST", path: `${credentialPath(id)}/rotate` }),
  revoke: (id: string): Call => ({ method: "DELETE", path: credentialPath(id) }),
};

const SOON_MS = 1_500;

export const allSandboxesQuery = queryOptions({
  queryKey: ["sandboxes", "all"],
  queryFn: ({ signal }) =>
    send<SandboxPage>(calls.sandboxes, null, signal).then((page) => page.sandboxes as Sandbox[]),
  // What is being made or emptied is soon done.
  refetchInterval: (query) => (query.state.data?.some((one) => one.state !== "active") ? SOON_MS : false),
});

export interface Contents {
  accounts: number;
  flows: number;
  runs: number;
  datasets: number;
  /** There are more datasets than were counted. */
  more: boolean;
  rows: number;
  schemas: number;
}

const MOST = 100;

/** What a sandbox holds: what a reset removes. */
export const contentsQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["contents", sandbox],
    queryFn: async ({ signal }): Promise<Contents> => {
      const count = async (collection: string) =>
        (await send<{ count: number }>(get(`${FLOW}/${collection}?count=true`), sandbox, signal)).count;
      const [accounts, flows, runs, datasets, stats] = await Promise.all([
        count("connections"),
        count("flows"),
        count("runs"),
        send<Record<string, { extensions?: { adobe_lakeHouse?: { metrics: { rowCount: number } } } }>>(
          get(`/data/foundation/catalog/dataSets?limit=${MOST}&properties=extensions`),
          sandbox,
          signal,
        ),
        send<{ counts: { schemas: number } }>(get("/data/foundation/schemaregistry/stats"), sandbox, signal),
      ]);
      const found = Object.values(datasets);
      return {
        accounts,
        flows,
        runs,
        datasets: found.length,
        more: found.length === MOST,
        rows: found.reduce((sum, one) => sum + (one.extensions?.adobe_lakeHouse?.metrics.rowCount ?? 0), 0),
        schemas: stats.counts.schemas,
      };
    },
    staleTime: 0,
  });

export const credentialsQuery = queryOptions({
  queryKey: ["credentials"],
  queryFn: ({ signal }) =>
    send<{ credentials: Credential[] }>(calls.credentials, null, signal).then((page) => page.credentials),
});

export const SCOPES = "openid,AdobeID,read_organizations,additional_info.projectedProductContext,session";
