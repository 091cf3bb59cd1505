/** Name and description of a dataset. */
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { send } from "../../api/client";
import { useSandbox } from "../../shell/page";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, toast } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { Dialog } from "../../ui/overlays";
import { calls, type Dataset } from "./queries";
import { texts } from "./texts";

const T = texts.edit;

export function EditDataset({ dataset, onClose }: { dataset: Dataset; onClose: () => void }) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const [name, setName] = useState(dataset.name);
  const [description, setDescription] = useState(dataset.description ?? "");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!name.trim()) return;
    setBusy(true);
    setError(null);
    // Only what was changed: what somebody else wrote into the other field meanwhile stays.
    const change = {
      ...(name.trim() === dataset.name ? {} : { name: name.trim() }),
      ...(description.trim() === (dataset.description ?? "") ? {} : { description: description.trim() }),
    };
    try {
      if (Object.keys(change).length > 0) await send(calls.change(dataset.id, change), sandbox);
      await client.invalidateQueries({ queryKey: ["dataset", sandbox, dataset.id] });
      void client.invalidateQueries({ queryKey: ["datasets", sandbox] });
      toast(T.saved);
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={T.title} isOpen onClose={onClose}>
      <form className="form" noValidate onSubmit={(event) => void save(event)}>
        {error ? <ErrorPanel what={T.failed} error={error} /> : null}
        <TextField
          label={T.name}
          value={name}
          onChange={setName}
          required
          autoFocus
          error={tried && !name.trim() ? T.nameMissing : undefined}
        />
        <TextField
          label={T.description}
          value={description}
          onChange={setDescription}
          required={false}
          lines={3}
        />
        <div className="form-actions">
          <Button onPress={onClose}>{common.common.cancel}</Button>
          <Button type="submit" look="primary" isPending={busy}>
            {common.common.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
