/** A field of one's own: into a field group that the schema has, or into a new one. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { send } from "../../api/client";
import { useSandbox } from "../../shell/page";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { Checkbox, Select } from "../../ui/choices";
import { ErrorPanel, toast } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { Dialog } from "../../ui/overlays";
import { visibly } from "../../ui/text";
import { Conflict, changed, useChange } from "./change";
import { type NewField, placed, withField, withGroups } from "./edits";
import { type Field, flat } from "./fields";
import { calls, datasetsOfQuery, etagOf, type Resource, schemasQuery, tenantQuery } from "./queries";
import { texts } from "./texts";

const T = texts.addField;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const NEW = "new";

interface AddFieldProps {
  schema: Resource;
  fields: Field[];
  /** The field groups of the schema that are one's own; null while they are on their way. */
  groups: Resource[] | null;
  onClose: () => void;
}

export function AddField({ schema, fields, groups, onClose }: AddFieldProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const tenant = useQuery(tenantQuery(sandbox)).data ?? "";
  const datasets = useQuery(datasetsOfQuery(sandbox, schema));
  const schemas = useQuery(schemasQuery(sandbox));
  const [name, setName] = useState("");
  const [inside, setInside] = useState("");
  const [type, setType] = useState("string");
  const [list, setList] = useState(false);
  const [title, setTitle] = useState("");
  const [description, setDescription] = useState("");
  const [required, setRequired] = useState(false);
  const [picked, setPicked] = useState<string | null>(null);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const own = groups ?? [];
  const groupId = picked ?? own[0]?.$id ?? NEW;
  const all = flat(fields);
  const place = inside || tenant;
  const holders = [
    tenant,
    ...all
      .filter((one) => one.path.startsWith(`${tenant}.`) && /^object(\[\])*$/.test(one.type))
      .map((one) => one.path),
  ];
  const taken = all.some((one) => one.path === `${place}.${name}`);
  const problem = !name ? T.nameMissing : !NAME.test(name) ? T.nameWrong : taken ? T.nameTaken : "";
  const field: NewField = {
    name,
    inside: place,
    type,
    list,
    title: title.trim(),
    description: description.trim(),
    required,
  };
  const group = own.find((one) => one.$id === groupId);
  const change = useChange({
    kind: "fieldgroups",
    resource: group ?? schema,
    steps: group && tenant && !problem ? withField(group, field) : [],
    onSaved: onClose,
  });
  const others = (schemas.data ?? []).filter(
    (one) => one.$id !== schema.$id && group && one["meta:extends"]?.includes(group.$id),
  ).length;

  /** The new group, and the schema with it; the group goes again if the schema does not take it. */
  const make = async () => {
    setBusy(true);
    setError(null);
    let made: Resource | null = null;
    try {
      const body = {
        title: T.newGroupTitle(schema.title),
        type: "object",
        ...(schema["meta:class"] ? { "meta:intendedToExtend": [schema["meta:class"]] } : {}),
        properties: placed({ properties: {} }, place.split("."), field).properties,
      };
      made = await send<Resource>(calls.create("fieldgroups", body), sandbox);
      await send(calls.change("schemas", schema.$id, etagOf(schema), withGroups([made.$id])), sandbox);
      await changed(client, sandbox);
      toast(texts.check.saved);
      onClose();
    } catch (failure) {
      if (made) await send(calls.remove("fieldgroups", made.$id), sandbox).catch(() => undefined);
      setError(failure);
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (problem || !tenant || !groups) return;
    if (!group) void make();
    else if (change.ready) void change.save();
  };

  return (
    <Dialog title={T.title} isOpen onClose={onClose} size="large">
      <form className="form" noValidate onSubmit={submit}>
        {error ? <ErrorPanel what={texts.check.failed} error={error} /> : null}
        <div className="form-pair">
          <TextField
            label={T.name}
            value={name}
            onChange={setName}
            required
            autoFocus
            help={T.nameHelp}
            error={(tried || name) && problem ? problem : undefined}
          />
          <Select
            label={T.inside}
            value={place}
            onChange={setInside}
            options={holders.map((path) => ({ id: path, name: visibly(path) }))}
          />
        </div>
        <div className="form-pair">
          <Select
            label={T.type}
            value={type}
            onChange={setType}
            options={Object.entries(T.types).map(([id, named]) => ({ id, name: named }))}
          />
          <Select
            label={T.group}
            value={groupId}
            onChange={setPicked}
            options={[
              ...own.map((one) => ({ id: one.$id, name: visibly(one.title) })),
              { id: NEW, name: T.newGroup },
            ]}
          />
        </div>
        <Checkbox value={list} onChange={setList}>
          {T.list}
        </Checkbox>
        <Checkbox value={required} onChange={setRequired} help={T.requiredHelp}>
          {T.required}
        </Checkbox>
        <TextField label={T.display} value={title} onChange={setTitle} required={false} />
        <TextField
          label={T.description}
          value={description}
          onChange={setDescription}
          required={false}
          lines={2}
        />
        {change.conflict ? (
          <Conflict theirs={visibly(group?.title ?? "")} yours={`${place}.${name}`} />
        ) : null}
        {group ? (
          change.report(
            <>
              {texts.check.added(datasets.data?.length ?? 0)}
              {others > 0 ? ` ${texts.check.others(others)}` : ""}
            </>,
          )
        ) : groups ? (
          <p className="muted">{texts.check.later}</p>
        ) : null}
        <div className="form-actions">
          <Button onPress={onClose}>{common.common.cancel}</Button>
          <Button
            type="submit"
            look="primary"
            isPending={busy || change.busy}
            isDisabled={!groups || (Boolean(group) && !problem && !change.ready)}
          >
            {T.go}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
