import { type FormEvent, useState } from "react";
import { send } from "../../api/client";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { RadioGroup } from "../../ui/choices";
import { ErrorPanel, toast } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { Dialog } from "../../ui/overlays";
import { calls } from "./queries";
import { sandboxTexts } from "./texts";

const T = sandboxTexts.create;

export function NewSandbox({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [title, setTitle] = useState("");
  const [type, setType] = useState("development");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const nameProblem = !name ? T.nameMissing : /^[a-z0-9-]+$/.test(name) ? "" : T.nameWrong;
  const titleProblem = title.trim() ? "" : T.displayMissing;
  const make = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (nameProblem || titleProblem) return;
    setBusy(true);
    setError(null);
    try {
      await send(calls.createSandbox({ name, title: title.trim(), type }), null);
      toast(T.done(title.trim()));
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={T.title} isOpen onClose={onClose}>
      <form className="form" noValidate onSubmit={(event) => void make(event)}>
        {error ? <ErrorPanel what={T.failed} error={error} /> : null}
        <TextField
          label={T.display}
          value={title}
          onChange={setTitle}
          required
          autoFocus
          help={T.displayHelp}
          error={tried && titleProblem ? titleProblem : undefined}
        />
        <TextField
          label={T.name}
          value={name}
          onChange={setName}
          required
          help={T.nameHelp}
          error={(tried || name) && nameProblem ? nameProblem : undefined}
        />
        <RadioGroup
          label={T.type}
          value={type}
          onChange={setType}
          options={["development", "production"].map((id) => ({
            id,
            name: sandboxTexts.types[id] ?? id,
            help: T.typeHelp[id],
          }))}
        />
        <div className="form-actions">
          <Button onPress={onClose}>{common.common.cancel}</Button>
          <Button type="submit" look="primary" isPending={busy}>
            {T.go}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
