import { type FormEvent, useState } from "react";
import { send } from "../../api/client";
import type { Sandbox } from "../../api/types";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, toast } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { Dialog } from "../../ui/overlays";
import { calls } from "./queries";
import { sandboxTexts } from "./texts";

const T = sandboxTexts.rename;

export function RenameSandbox({ sandbox, onClose }: { sandbox: Sandbox; onClose: () => void }) {
  const [title, setTitle] = useState(sandbox.title);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (!title.trim()) return;
    setBusy(true);
    setError(null);
    try {
      await send(calls.renameSandbox(sandbox.name, title.trim()), null);
      toast(T.done);
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
          label={sandboxTexts.create.display}
          value={title}
          onChange={setTitle}
          required
          autoFocus
          help={sandboxTexts.create.displayHelp}
          error={title.trim() ? undefined : sandboxTexts.create.displayMissing}
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
