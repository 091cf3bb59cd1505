import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import type { FlowLine } from "../../api/types";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, toast } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { visibly } from "../../ui/text";
import { isActive } from "../runs/run";
import { perform } from "./acts";
import { nameOf } from "./badges";
import { T } from "./texts";

/** Says which rows the run takes and whether a window moves, starts it, and leads to it. */
export function RunNow({ line, onClose }: { line: FlowLine; onClose: () => void }) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const start = async () => {
    setBusy(true);
    setError(null);
    try {
      const run = await perform("run", line.id, sandbox, client);
      toast(T.flow.done.run);
      onClose();
      navigate(pathOf(sandbox, `runs/${encodeURIComponent(run.id)}`));
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={T.runNow.title(visibly(nameOf(line)))}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{texts.common.cancel}</Button>
          <Button look="primary" isPending={busy} onPress={start} autoFocus>
            {T.runNow.go}
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel what={T.flow.notDone.run} error={error} /> : null}
      <p>{line.schedule?.frequency === "once" ? T.runNow.once : T.runNow.recurring}</p>
      {line.recentRuns.some(isActive) ? <p className="muted">{T.runNow.waits}</p> : null}
    </Dialog>
  );
}
