import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../api/client";
import { calls, flowsOfQuery, sandboxesQuery } from "../../api/queries";
import type { Connection } from "../../api/types";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Dialog } from "../../ui/overlays";
import { Hostile, visibly } from "../../ui/text";
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
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const production = sandboxes?.find((one) => one.name === sandbox)?.type === "production";
  const users = flows.data ?? [];
  const remove = async () => {
    setBusy(true);
    setError(null);
    try {
      await send({ method: "DELETE", path: calls.connection(connection.id).path }, sandbox);
      await client.invalidateQueries({ queryKey: ["connections", sandbox] });
      toast(T.deleted);
      onDeleted();
    } catch (problem) {
      setError(problem);
      setBusy(false);
      void flows.refetch();
    }
  };
  return (
    <Dialog
      title={T.deleteTitle(visibly(nameOf(connection)))}
      isOpen
      onClose={onClose}
      role="alertdialog"
      footer={
        <>
          <Button onPress={onClose} autoFocus>
            {texts.common.cancel}
          </Button>
          <Button look="danger" isPending={busy} isDisabled={users.length > 0} onPress={remove}>
            {T.deleteGo}
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel what={T.deleteFailed} error={error} /> : null}
      {users.length > 0 ? (
        <>
          <p>{T.deleteUsed(users.length)}</p>
          <ul className="plain-list">
            {users.map((flow) => (
              <li key={flow.id}>
                <Hostile>{flow.name ?? flow.id}</Hostile>
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p>{T.deleteText}</p>
      )}
      {production ? (
        <p className="banner warn">
          <Icon name="warn" />
          {T.deleteProduction}
        </p>
      ) : null}
    </Dialog>
  );
}
