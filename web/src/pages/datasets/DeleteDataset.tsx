import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../api/client";
import { useSandbox } from "../../shell/page";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, toast } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { Dialog } from "../../ui/overlays";
import { Hostile, visibly } from "../../ui/text";
import { calls, type Dataset, writersQuery } from "./queries";
import { texts } from "./texts";

const T = texts.remove;

interface DeleteDatasetProps {
  dataset: Dataset;
  onClose: () => void;
  onDeleted: () => void;
}

/** Says how many rows go, and which dataflows stand against it; asks for the name. */
export function DeleteDataset({ dataset, onClose, onDeleted }: DeleteDatasetProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const writers = useQuery(writersQuery(sandbox, dataset.id));
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const used = writers.data ?? [];
  const name = visibly(dataset.name);
  const remove = async () => {
    setBusy(true);
    setError(null);
    try {
      await send(calls.remove(dataset.id), sandbox);
      await client.invalidateQueries({ queryKey: ["datasets", sandbox] });
      toast(T.done);
      onDeleted();
    } catch (problem) {
      setError(problem);
      setBusy(false);
      void writers.refetch();
    }
  };
  return (
    <Dialog
      title={T.title(name)}
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
            isDisabled={used.length > 0 || typed.trim() !== name.trim()}
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
            {used.map((flow) => (
              <li key={flow.flowId}>
                <Hostile>{flow.name}</Hostile>
              </li>
            ))}
          </ul>
        </>
      ) : (
        <>
          <p>{T.text(dataset.extensions?.adobe_lakeHouse?.metrics.rowCount ?? null)}</p>
          <TextField label={T.type(name)} value={typed} onChange={setTyped} />
        </>
      )}
    </Dialog>
  );
}
