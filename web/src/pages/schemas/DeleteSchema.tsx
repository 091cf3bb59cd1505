import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../api/client";
import { useSandbox } from "../../shell/page";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, toast } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { Hostile, visibly } from "../../ui/text";
import { calls, datasetsOfQuery, type Resource } from "./queries";
import { texts } from "./texts";

const T = texts.remove;

interface DeleteSchemaProps {
  schema: Resource;
  onClose: () => void;
  onDeleted: () => void;
}

/** Says what goes, and which datasets stand against it. */
export function DeleteSchema({ schema, onClose, onDeleted }: DeleteSchemaProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const datasets = useQuery(datasetsOfQuery(sandbox, schema));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const used = datasets.data ?? [];
  const remove = async () => {
    setBusy(true);
    setError(null);
    try {
      await send(calls.remove("schemas", schema.$id), sandbox);
      await client.invalidateQueries({ queryKey: ["schemas", sandbox] });
      toast(T.done);
      onDeleted();
    } catch (problem) {
      setError(problem);
      setBusy(false);
      void datasets.refetch();
    }
  };
  return (
    <Dialog
      title={T.title(visibly(schema.title))}
      isOpen
      onClose={onClose}
      role="alertdialog"
      footer={
        <>
          <Button onPress={onClose} autoFocus>
            {common.common.cancel}
          </Button>
          <Button
            look="danger"
            isPending={busy}
            isDisabled={used.length > 0 || datasets.isPending}
            onPress={() => void remove()}
          >
            {T.go}
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel what={T.failed} error={error} /> : null}
      {used.length > 0 ? (
        <>
          <p>{T.used(used.length)}</p>
          <ul className="plain-list">
            {used.map((one) => (
              <li key={one.id}>
                <Hostile>{one.name}</Hostile>
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p>{T.text}</p>
      )}
    </Dialog>
  );
}
