/** What is done with a dataflow by one call. */
import type { QueryClient } from "@tanstack/react-query";
import { type Call, send } from "../../api/client";
import { flowCalls, flowKeys } from "./queries";

export type Act = "run" | "pause" | "resume" | "remove";

export const actCall: Record<Act, (flow: string) => Call> = {
  run: flowCalls.runNow,
  pause: (flow) => flowCalls.switched(flow, false),
  resume: (flow) => flowCalls.switched(flow, true),
  remove: flowCalls.remove,
};

/** Do it; whoever shows the dataflow is told. The answer of the call. */
export async function perform(
  act: Act,
  flow: string,
  sandbox: string,
  client: QueryClient,
): Promise<{ id: string }> {
  const answer = await send<{ id: string }>(actCall[act](flow), sandbox);
  await refresh(client, sandbox, flow);
  return answer;
}

export async function refresh(client: QueryClient, sandbox: string, flow: string): Promise<void> {
  await Promise.all(flowKeys(sandbox, flow).map((queryKey) => client.invalidateQueries({ queryKey })));
}
