/** A change that the server checks while it is entered, and that is saved onto the version that is shown. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { ApiError, mayPass, send } from "../../api/client";
import { useSettled } from "../../settled";
import { useSandbox } from "../../shell/page";
import { ErrorPanel, StatusBadge, toast } from "../../ui/feedback";
import type { PatchStep } from "./edits";
import { calls, etagOf, type Kind, type Resource } from "./queries";
import { texts } from "./texts";

const T = texts.check;

export interface Change {
  /** Whether it may be saved: it is whole, and was not refused. */
  ready: boolean;
  busy: boolean;
  /** Somebody else came first; what they wrote is what the change is now put on. */
  conflict: boolean;
  save: () => Promise<void>;
  /** What the check says, and what went wrong. */
  report: (fits: ReactNode) => ReactNode;
}

interface ChangeOf {
  kind: Kind;
  resource: Resource;
  /** Nothing where what is entered is no change yet. */
  steps: PatchStep[];
  onSaved: () => void;
}

export function useChange({ kind, resource, steps, onSaved }: ChangeOf): Change {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [conflict, setConflict] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const written = JSON.stringify(steps);
  const settled = useSettled(written, 300);
  const etag = etagOf(resource);
  const whole = steps.length > 0;
  const check = useQuery({
    queryKey: ["check", sandbox, kind, resource.$id, etag, settled],
    queryFn: ({ signal }) =>
      send(calls.change(kind, resource.$id, etag, JSON.parse(settled), true), sandbox, signal).then(
        () => true,
      ),
    enabled: whole && settled === written,
    retry: false,
    staleTime: 0,
    gcTime: 0,
  });
  const overtaken = check.error instanceof ApiError && check.error.status === 412;
  const reload = useCallback(async () => {
    setConflict(true);
    await client.invalidateQueries({ queryKey: ["schema", sandbox] });
    await client.invalidateQueries({ queryKey: ["known", sandbox] });
  }, [client, sandbox]);
  useEffect(() => {
    if (overtaken) void reload();
  }, [overtaken, reload]);
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      await send(calls.change(kind, resource.$id, etag, steps), sandbox);
      await changed(client, sandbox);
      toast(T.saved);
      onSaved();
    } catch (problem) {
      if (problem instanceof ApiError && problem.status === 412) await reload();
      else setError(problem);
      setBusy(false);
    }
  };
  const checking = whole && (settled !== written || check.isFetching);
  return {
    ready: whole && !checking && check.isSuccess,
    busy,
    conflict,
    save,
    report: (fits) => (
      <section className="check-report" aria-label={T.title} aria-busy={checking}>
        {error ? <ErrorPanel what={T.failed} error={error} /> : null}
        {check.error && whole && !overtaken && !checking ? (
          <ErrorPanel
            what={mayPass(check.error) ? T.notChecked : T.refused}
            error={check.error}
            onRetry={() => void check.refetch()}
          />
        ) : null}
        <div role="status">
          {!whole ? <p className="muted">{T.idle}</p> : null}
          {checking ? <p className="muted">{T.checking}</p> : null}
          {whole && !checking && check.isSuccess ? (
            <div className="check-fits">
              <StatusBadge tone="good">{T.fits}</StatusBadge> {fits}
            </div>
          ) : null}
        </div>
      </section>
    ),
  };
}

/** What changed schemas change: their pages, and the columns and labels of datasets. */
export async function changed(client: ReturnType<typeof useQueryClient>, sandbox: string) {
  await Promise.all(
    ["schema", "schemas", "known", "labels"].map((key) =>
      client.invalidateQueries({ queryKey: [key, sandbox] }),
    ),
  );
}

/** Both versions beside each other, once somebody else came first. */
export function Conflict({ theirs, yours }: { theirs: ReactNode; yours: ReactNode }) {
  return (
    <section className="conflict" role="alert">
      <h3>{T.conflictTitle}</h3>
      <p>{T.conflict}</p>
      <dl className="facts">
        <dt>{T.theirs}</dt>
        <dd>{theirs}</dd>
        <dt>{T.yours}</dt>
        <dd>{yours}</dd>
      </dl>
    </section>
  );
}
