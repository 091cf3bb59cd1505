/** Starting a run again, stopping and undoing it: each says before what happens. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { type Call, send } from "../../api/client";
import { sandboxesQuery } from "../../api/queries";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Dialog } from "../../ui/overlays";
import { runCalls } from "./queries";
import { isActive, type ReadRun } from "./run";
import { T } from "./texts";

export type RunAct = "retry" | "cancel" | "undo";

const LANDED = ["success", "partialSuccess"];

/** What the server may agree to. Whether it does, its answer tells. */
export const offered: Record<RunAct, (run: ReadRun) => boolean> = {
  retry: (run) =>
    run.undoes === null &&
    run.replays === null &&
    (run.state === "failed" ||
      run.undoneBy !== null ||
      (run.state === "success" && run.counts.written === 0)),
  cancel: (run) => isActive(run) && run.cancelledBy === null,
  undo: (run) =>
    LANDED.includes(run.state) &&
    run.undoneBy === null &&
    run.undoes === null &&
    run.counts.written + (run.counts.rejected ?? 0) > 0,
};

const CALLS: Record<RunAct, (run: string) => Call> = {
  retry: runCalls.retry,
  cancel: runCalls.cancel,
  undo: runCalls.undo,
};

const WORDS = {
  retry: { title: T.acts.retryTitle, go: T.acts.retryGo, done: T.acts.retried, failed: T.acts.retryFailed },
  cancel: {
    title: T.acts.cancelTitle,
    go: T.acts.cancelGo,
    done: T.acts.cancelled,
    failed: T.acts.cancelFailed,
  },
  undo: { title: T.acts.undoTitle, go: T.acts.undoGo, done: T.acts.undone, failed: T.acts.undoFailed },
};

export function ActDialog({ run, act, onClose }: { run: ReadRun; act: RunAct; onClose: () => void }) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const { data: sandboxes } = useQuery(sandboxesQuery);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const words = WORDS[act];
  const production = sandboxes?.find((one) => one.name === sandbox)?.type === "production";
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      const made = await send<{ id: string }>(CALLS[act](run.id), sandbox);
      await client.invalidateQueries({ queryKey: ["run", sandbox, run.id] });
      void client.invalidateQueries({ queryKey: ["flow", sandbox, run.flowId] });
      void client.invalidateQueries({ queryKey: ["flows", sandbox] });
      toast(words.done);
      onClose();
      if (made.id !== run.id) navigate(pathOf(sandbox, `runs/${encodeURIComponent(made.id)}`));
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  const rejected = run.counts.rejected ?? 0;
  return (
    <Dialog
      title={words.title}
      isOpen
      onClose={onClose}
      role={act === "retry" ? "dialog" : "alertdialog"}
      footer={
        <>
          <Button onPress={onClose} autoFocus>
            {act === "cancel" ? T.acts.cancelKeep : texts.common.cancel}
          </Button>
          <Button look={act === "retry" ? "primary" : "danger"} isPending={busy} onPress={go}>
            {words.go}
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel what={words.failed} error={error} /> : null}
      {act === "retry" ? <p>{T.acts.retryText}</p> : null}
      {act === "cancel" ? <p>{T.acts.cancelText}</p> : null}
      {act === "undo" ? (
        <ul className="plain-list">
          <li>{T.acts.undoText(run.counts.written)}</li>
          <li>{T.acts.undoUpsert}</li>
          {run.replays !== null ? (
            <li>{T.acts.undoReplay}</li>
          ) : (
            <>
              {rejected > 0 ? <li>{T.acts.undoRejects(rejected)}</li> : null}
              <li>{T.acts.undoWindow}</li>
            </>
          )}
          <li>{T.acts.undoRun}</li>
        </ul>
      ) : null}
      {production && act !== "retry" ? (
        <p className="banner warn">
          <Icon name="warn" />
          {T.acts.production}
        </p>
      ) : null}
    </Dialog>
  );
}
