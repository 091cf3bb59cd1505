/** A new schema: a title, a class and field groups. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { send } from "../../api/client";
import { useSandbox } from "../../shell/page";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/choices";
import { ErrorPanel, toast } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { Dialog } from "../../ui/overlays";
import { visibly } from "../../ui/text";
import { changed } from "./change";
import { GroupPicker } from "./GroupPicker";
import { calls, knownQuery, type Resource } from "./queries";
import { texts } from "./texts";

const T = texts.create;
const PROFILE = "https://ns.adobe.com/xdm/context/profile";
const ADHOC = "https://ns.adobe.com/xdm/data/adhoc";

export function NewSchema({ onClose, onMade }: { onClose: () => void; onMade: (id: string) => void }) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const classes = useQuery(knownQuery(sandbox, "classes"));
  const [title, setTitle] = useState("");
  const [description, setDescription] = useState("");
  const [classId, setClassId] = useState(PROFILE);
  const [groups, setGroups] = useState<string[]>([]);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const offered = [...(classes.data?.standard ?? []), ...(classes.data?.own ?? [])].filter(
    (one) => !one["meta:extends"]?.includes(ADHOC),
  );
  const body = {
    title: title.trim(),
    ...(description.trim() ? { description: description.trim() } : {}),
    type: "object",
    allOf: [classId, ...groups].map((id) => ({ $ref: id })),
  };
  const make = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!title.trim()) return;
    setBusy(true);
    setError(null);
    try {
      const made = await send<Resource>(calls.create("schemas", body), sandbox);
      await changed(client, sandbox);
      toast(T.done);
      onMade(made["meta:altId"]);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={T.title} isOpen onClose={onClose} size="large">
      <form className="form" noValidate onSubmit={(event) => void make(event)}>
        {error ? <ErrorPanel what={T.failed} error={error} /> : null}
        <TextField
          label={T.name}
          value={title}
          onChange={setTitle}
          required
          autoFocus
          help={T.nameHelp}
          error={tried && !title.trim() ? T.nameMissing : undefined}
        />
        <TextField
          label={T.description}
          value={description}
          onChange={setDescription}
          required={false}
          lines={2}
        />
        <Select
          label={T.class}
          help={T.classHelp}
          value={classId}
          onChange={setClassId}
          options={
            offered.length > 0
              ? offered.map((one) => ({ id: one.$id, name: visibly(one.title) }))
              : [{ id: PROFILE, name: "XDM Individual Profile" }]
          }
        />
        <fieldset className="field">
          <legend className="field-label">{T.groups}</legend>
          <GroupPicker chosen={groups} without={[]} onChange={setGroups} />
        </fieldset>
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
