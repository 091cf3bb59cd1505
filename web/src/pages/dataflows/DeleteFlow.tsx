import { useQuery, useQueryClient } from "@tanstack/react-query";
import { send } from "../../api/client";
import { sandboxesQuery } from "../../api/queries";
import type { FlowLine } from "../../api/types";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { Link } from "../../ui/Button";
import { DangerDialog } from "../../ui/DangerDialog";
import { toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
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
  const production = sandboxes?.find((one) => one.name === sandbox)?.type === "production";
  const remove = async () => {
    await perform("remove", line.id, sandbox, client);
    toast(T.flow.done.remove);
    onDeleted();
  };
  return (
    <DangerDialog
      title={T.remove.title(visibly(nameOf(line)))}
      go={T.remove.go}
      failed={T.flow.notDone.remove}
      onGo={remove}
      onClose={onClose}
    >
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
    </DangerDialog>
  );
}
