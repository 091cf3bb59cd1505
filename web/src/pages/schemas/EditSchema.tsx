/** Title and description of a schema; on a conflict both versions stand side by side. */
import { type FormEvent, useState } from "react";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/fields";
import { Dialog } from "../../ui/overlays";
import { Hostile } from "../../ui/text";
import { Conflict, useChange } from "./change";
import { renamed } from "./edits";
import type { Resource } from "./queries";
import { texts } from "./texts";

const T = texts.edit;

export function EditSchema({ schema, onClose }: { schema: Resource; onClose: () => void }) {
  const [title, setTitle] = useState(schema.title);
  const [description, setDescription] = useState(schema.description ?? "");
  const steps = title.trim() ? renamed(schema, title.trim(), description.trim()) : [];
  const change = useChange({ kind: "schemas", resource: schema, steps, onSaved: onClose });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (change.ready) void change.save();
  };
  return (
    <Dialog title={T.title} isOpen onClose={onClose}>
      <form className="form" noValidate onSubmit={submit}>
        <TextField
          label={T.name}
          value={title}
          onChange={setTitle}
          required
          autoFocus
          error={title.trim() ? undefined : T.nameMissing}
        />
        <TextField
          label={T.description}
          value={description}
          onChange={setDescription}
          required={false}
          lines={3}
        />
        {change.conflict ? (
          <Conflict
            theirs={
              <>
                <Hostile>{schema.title}</Hostile>
                <br />
                <Hostile>{schema.description ?? ""}</Hostile>
              </>
            }
            yours={
              <>
                <Hostile>{title}</Hostile>
                <br />
                <Hostile>{description}</Hostile>
              </>
            }
          />
        ) : null}
        {change.report(null)}
        <div className="form-actions">
          <Button onPress={onClose}>{change.conflict ? texts.check.takeTheirs : common.common.cancel}</Button>
          <Button type="submit" look="primary" isPending={change.busy} isDisabled={!change.ready}>
            {change.conflict ? texts.check.keepYours : common.common.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
