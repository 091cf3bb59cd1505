/** Health of the accounts of a sandbox, and checking one now. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { checkCalls, type Health, healthQuery, runCheck, type Step, UNCHECKED } from "../../api/checks";

export function useHealth(sandbox: string) {
  const client = useQueryClient();
  const { data } = useQuery(healthQuery(sandbox));
  const [checking, setChecking] = useState<ReadonlySet<string>>(new Set());
  const [refused, setRefused] = useState<unknown>(null);
  return {
    checking,
    /** Why the last check could not be made at all. */
    refused,
    healthOf: (id: string): Health => data?.get(id) ?? UNCHECKED,
    check: async (id: string): Promise<Step[]> => {
      setChecking((now) => new Set([...now, id]));
      setRefused(null);
      try {
        return await runCheck(checkCalls.of(id), sandbox);
      } catch (problem) {
        setRefused(problem);
        return [];
      } finally {
        await client.invalidateQueries({ queryKey: healthQuery(sandbox).queryKey });
        setChecking((now) => new Set([...now].filter((known) => known !== id)));
      }
    },
  };
}
