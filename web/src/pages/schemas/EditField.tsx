/** Texts of a field of one's own, and whether rows need a value in it. */
import { type FormEvent, useState } from "react";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { Checkbox } from "../../ui/choices";
import { TextField } from "../../ui/fields";
import { Dialog } from "../../ui/overlays";
import { Hostile, visibly } from "../../ui/text";
import { Conflict, useChange } from "./change";
import { defines, withEdited } from "./edits";
import type { Field } from "./fields";
import type { Resource } from "./queries";
import { texts } from "./texts";

const T = texts.addField;

interface EditFieldProps {
  schema: Resource;
  field: Field;
  own: Resource[];
  onClose: () => void;
}

export function EditField({ schema, field, own, onClose }: EditFieldProps) {
  const group = own.find((one) => defines(one, field.path));
  const [title, setTitle] = useState(field.title);
  const [description, setDescription] = useState(field.description);
  const [required, setRequired] = useState(field.required);
  const edited = { title: title.trim(), description: description.trim(), required };
  const change = useChange({
    kind: "fieldgroups",
    resource: group ?? schema,
    steps: group ? withEdited(group, field.path, edited) : [],
    onSaved: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (change.ready) void change.save();
  };
  return (
    <Dialog title={texts.editField.title(visibly(field.name))} isOpen onClose={onClose}>
      <form className="form" noValidate onSubmit={submit}>
        <TextField label={T.display} value={title} onChange={setTitle} required={false} autoFocus />
        <TextField
          label={T.description}
          value={description}
          onChange={setDescription}
          required={false}
          lines={3}
        />
        <Checkbox value={required} onChange={setRequired} help={T.requiredHelp}>
          {T.required}
        </Checkbox>
        {change.conflict ? (
          <Conflict theirs={<Hostile>{field.title}</Hostile>} yours={<Hostile>{title}</Hostile>} />
        ) : null}
        {change.report(null)}
        <div className="form-actions">
          <Button onPress={onClose}>{common.common.cancel}</Button>
          <Button type="submit" look="primary" isPending={change.busy} isDisabled={!change.ready}>
            {texts.editField.go}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
