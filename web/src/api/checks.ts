/** Connection checks: the named steps by which the server reaches a source, and what the last one said. */
import { queryOptions } from "@tanstack/react-query";
import { type Call, send } from "./client";
import type { CheckedStep, ConnectionCheck, LastChecks } from "./types";

export interface Step {
  name: string;
  title: string;
  state: "passed" | "failed" | "skipped" | "waiting";
  durationMs: number | null;
  message: string;
  advice: string;
  /** What works now and will not for long, or is odd. */
  warnings: string[];
}

export interface Health {
  state: "ok" | "warning" | "failing" | "never";
  /** Epoch milliseconds of the last check. */
  at: number | null;
  /** The step that failed. */
  failed: Step | null;
  warnings: string[];
}

export const UNCHECKED: Health = { state: "never", at: null, failed: null, warnings: [] };

const stepOf = (told: CheckedStep): Step => ({
  name: told.name,
  title: told.title,
  state: told.status,
  durationMs: told.status === "skipped" && told.message === "" ? null : told.ms,
  message: told.message,
  advice: told.advice ?? "",
  warnings: told.warnings,
});

export const checkCalls = {
  health: { method: "GET", path: "/v1/connections/health" } satisfies Call,
  of: (id: string): Call => ({ method: "POST", path: `/v1/connections/${encodeURIComponent(id)}/check` }),
  attempt: (body: unknown): Call => ({ method: "POST", path: "/v1/connections/check", body }),
};

export const healthQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["health", sandbox],
    queryFn: async ({ signal }) => {
      const { items } = await send<LastChecks>(checkCalls.health, sandbox, signal);
      return new Map<string, Health>(
        items.map((last) => [
          last.connectionId,
          {
            state: last.passed ? (last.warnings.length > 0 ? "warning" : "ok") : "failing",
            at: last.checkedAt,
            failed: last.failed ? stepOf(last.failed) : null,
            warnings: last.warnings,
          },
        ]),
      );
    },
  });

/** What came of each step. That one failed is a result; an error is thrown where no check could be made. */
export async function runCheck(call: Call, sandbox: string): Promise<Step[]> {
  return (await send<ConnectionCheck>(call, sandbox)).steps.map(stepOf);
}
