/** Keeping what is filled in on the server: one write after the other, guarded by the etag of the one before. */
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { ApiError, type Call, send } from "../../api/client";
import { type Draft, wizardCalls } from "./queries";
import { type StepName, stateOf, type WizardState } from "./state";
import { texts } from "./texts";

const STALE = 412;

export const draftName = (state: WizardState) =>
  state.details.flowName.trim() || state.table || texts.newDraft;

const bodyOf = (state: WizardState, step: StepName) => ({
  name: draftName(state).slice(0, 255),
  kind: "dataflow",
  step,
  body: state,
});

export function draftCall(state: WizardState, step: StepName, id: string): Call {
  const body = bodyOf(state, step);
  return id
    ? { method: "PUT", path: wizardCalls.draft(id).path, body, headers: { "If-Match": "*" } }
    : { method: "POST", path: wizardCalls.drafts.path, body };
}

export function useDraft(sandbox: string, opened: Draft | null) {
  const client = useQueryClient();
  const [id, setId] = useState(opened?.id ?? "");
  const held = useRef(opened ? { id: opened.id, etag: opened.etag } : null);
  // As this page would write it: another order of members is no change.
  const [saved, setSaved] = useState(() => (opened ? JSON.stringify(stateOf(opened.body)) : ""));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [conflict, setConflict] = useState(false);
  const line = useRef<Promise<unknown>>(Promise.resolve());

  /** The draft's id once it is kept; null where it could not be, which is told by `error` or `conflict`. */
  const save = useCallback(
    (state: WizardState, step: StepName, force = false): Promise<string | null> => {
      const write = async () => {
        setBusy(true);
        setError(null);
        try {
          const known = held.current;
          const call = draftCall(state, step, known?.id ?? "");
          if (known) call.headers = { "If-Match": force ? "*" : known.etag };
          const kept = await send<Draft>(call, sandbox);
          held.current = { id: kept.id, etag: kept.etag };
          setId(kept.id);
          setSaved(JSON.stringify(state));
          setConflict(false);
          void client.invalidateQueries({ queryKey: ["drafts", sandbox] });
          return kept.id;
        } catch (problem) {
          if (problem instanceof ApiError && problem.status === STALE) setConflict(true);
          else setError(problem);
          return null;
        } finally {
          setBusy(false);
        }
      };
      const next = line.current.then(write);
      line.current = next;
      return next;
    },
    [client, sandbox],
  );

  /** Deletes it as it was last known: what somebody else made of it meanwhile stays. */
  const discard = useCallback(async () => {
    await line.current;
    const known = held.current;
    if (!known) return;
    const path = wizardCalls.draft(known.id).path;
    await send({ method: "DELETE", path, headers: { "If-Match": known.etag } }, sandbox).catch((problem) => {
      if (!(problem instanceof ApiError && [404, STALE].includes(problem.status))) throw problem;
    });
    held.current = null;
    setId("");
    await client.invalidateQueries({ queryKey: ["drafts", sandbox] });
  }, [client, sandbox]);

  return { id, saved, busy, error, conflict, save, discard };
}
