import { useQuery, useQueryClient } from "@tanstack/react-query";
import { send } from "../../api/client";
import { calls, flowsOfQuery, sandboxesQuery } from "../../api/queries";
import type { Connection } from "../../api/types";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { DeleteDialog } from "../../ui/DeleteDialog";
import { toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { visibly } from "../../ui/text";
import { nameOf } from "./Accounts";

const T = texts.account;

interface DeleteAccountProps {
  connection: Connection;
  onClose: () => void;
  onDeleted: () => void;
}

/** Says before what goes, and which dataflows stand against it. */
export function DeleteAccount({ connection, onClose, onDeleted }: DeleteAccountProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const { data: sandboxes } = useQuery(sandboxesQuery);
  const flows = useQuery(flowsOfQuery(sandbox, connection.id));
  const production = sandboxes?.find((one) => one.name === sandbox)?.type === "production";
  return (
    <DeleteDialog
      title={T.deleteTitle(visibly(nameOf(connection)))}
      go={T.deleteGo}
      failed={T.deleteFailed}
      users={flows.data?.map((flow) => ({
        id: flow.id,
        name: flow.name ?? flow.id,
        to: pathOf(sandbox, `flows/${encodeURIComponent(flow.id)}`),
      }))}
      usersError={flows.error}
      onAskUsers={() => void flows.refetch()}
      used={T.deleteUsed}
      usersFailed={T.flowsFailed}
      onDelete={async () => {
        await send({ method: "DELETE", path: calls.connection(connection.id).path }, sandbox);
        await client.invalidateQueries({ queryKey: ["connections", sandbox] });
        toast(T.deleted);
        onDeleted();
      }}
      onClose={onClose}
    >
      <p>{T.deleteText}</p>
      {production ? (
        <p className="banner warn">
          <Icon name="warn" />
          {T.deleteProduction}
        </p>
      ) : null}
    </DeleteDialog>
  );
}
