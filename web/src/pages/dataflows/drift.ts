/** Changes of a source's columns, and decisions about those that hold runs. */
import { queryOptions } from "@tanstack/react-query";
import { type Call, send } from "../../api/client";
import type { Drift } from "../../api/types";

const path = (flow: string) => `/v1/flows/${encodeURIComponent(flow)}/drift`;

export const driftCalls = {
  read: (flow: string): Call => ({ method: "GET", path: path(flow) }),
  decide: (flow: string, decision: "accept" | "ignore", id: string): Call => ({
    method: "POST",
    path: `${path(flow)}/${decision}`,
    body: { id },
  }),
};

export const driftQuery = (sandbox: string, flow: string) =>
  queryOptions({
    queryKey: ["flow", sandbox, flow, "drift"],
    queryFn: ({ signal }) => send<Drift>(driftCalls.read(flow), sandbox, signal),
  });
