import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../api/client";
import { sandboxesQuery } from "../../api/queries";
import type { FlowLine } from "../../api/types";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button, Link } from "../../ui/Button";
import { ErrorPanel, toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Dialog } from "../../ui/overlays";
import { visibly } from "../../ui/text";
import { isActive } from "../runs/run";
import { perform } from "./acts";
import { nameOf } from "./badges";
import { FLOW } from "./queries";
import { T } from "./texts";

interface DeleteFlowProps {
  line: FlowLine;
  onClose: () => void;
  onDeleted: () => void;
}

/** Says before what stops, what stays and what is gone. */
export function DeleteFlow({ line, onClose, onDeleted }: DeleteFlowProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const { data: sandboxes } = useQuery(sandboxesQuery);
  const runs = useQuery({
    queryKey: ["flow", sandbox, line.id, "count"],
    queryFn: ({ signal }) =>
      send<{ count: number }>(
        { method: "GET", path: `${FLOW}/runs?property=flowId==${encodeURIComponent(line.id)}&count=true` },
        sandbox,
        signal,
      ),
  });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const production = sandboxes?.find((one) => one.name === sandbox)?.type === "production";
  const remove = async () => {
    setBusy(true);
    setError(null);
    try {
      await perform("remove", line.id, sandbox, client);
      toast(T.flow.done.remove);
      onDeleted();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={T.remove.title(visibly(nameOf(line)))}
      isOpen
      onClose={onClose}
      role="alertdialog"
      footer={
        <>
          <Button onPress={onClose} autoFocus>
            {texts.common.cancel}
          </Button>
          <Button look="danger" isPending={busy} onPress={remove}>
            {T.remove.go}
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel what={T.flow.notDone.remove} error={error} /> : null}
      <ul className="plain-list">
        <li>{T.remove.keep}</li>
        {line.recentRuns.some(isActive) ? <li>{T.remove.active}</li> : null}
        {runs.data ? <li>{T.remove.runs(runs.data.count)}</li> : null}
        <li>{T.remove.gone}</li>
      </ul>
      {line.recentRuns.length > 0 ? (
        <p className="muted">
          {T.remove.rows}{" "}
          <Link to={pathOf(sandbox, `flows/${encodeURIComponent(line.id)}?tab=activity`)}>
            {T.remove.rowsLink}
          </Link>
        </p>
      ) : null}
      {production ? (
        <p className="banner warn">
          <Icon name="warn" />
          {T.remove.production}
        </p>
      ) : null}
    </Dialog>
  );
}
