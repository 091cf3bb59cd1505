/** What can be changed of a dataflow without the wizard: words, schedule, rejected rows; and what stops or ends it. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useEffect, useMemo, useState } from "react";
import { ApiError, send } from "../../api/client";
import { now } from "../../api/clock";
import type { Flow } from "../../api/types";
import { keptForm, useKeptForm } from "../../kept";
import { useSession } from "../../session";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button } from "../../ui/Button";
import { Checkbox, Select } from "../../ui/choices";
import { ErrorPanel, toast } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { focusInvalid } from "../../ui/invalid";
import { Hostile, Time } from "../../ui/text";
import { refresh } from "./acts";
import type { FlowProps } from "./Flow";
import { flowCalls, flowQuery } from "./queries";
import { T } from "./texts";

const S = T.settings;
const TYPING_MS = 400;
const SHOWN_SLOTS = 5;
type Unit = keyof typeof S.units;

interface Form {
  name: string;
  description: string;
  unit: Unit;
  interval: string;
  partial: boolean;
  percent: string;
  most: string;
}

function formOf(flow: Flow): Form {
  const schedule = flow.scheduleParams as { frequency?: string; interval?: number | string };
  const options = flow.options as { partialIngestionPercent?: number; maxRejectedRecords?: number };
  const { partialIngestionPercent: percent, maxRejectedRecords: most } = options;
  return {
    name: flow.name ?? "",
    description: flow.description ?? "",
    unit: (schedule.frequency ?? "day") as Unit,
    interval: String(schedule.interval ?? ""),
    partial: percent !== undefined || most !== undefined,
    percent: percent === undefined ? "" : String(percent),
    most: most === undefined ? "" : String(most),
  };
}

const isRecurring = (flow: Flow) => !["once", undefined].includes(flow.scheduleParams.frequency as string);
const whole = (text: string) => /^[1-9]\d{0,8}$/.test(text.trim());

function problemsOf(form: Form, recurring: boolean): Partial<Record<keyof Form, string>> {
  const percent = Number(form.percent);
  return {
    ...(form.name.trim() ? {} : { name: S.nameMissing }),
    ...(recurring && !whole(form.interval) ? { interval: S.intervalWrong } : {}),
    ...(form.partial && form.percent.trim() && !(percent > 0 && percent <= 100)
      ? { percent: S.percentWrong }
      : {}),
    ...(form.partial && form.most.trim() && !whole(form.most) ? { most: S.mostWrong } : {}),
    ...(form.partial && !form.percent.trim() && !form.most.trim() ? { percent: S.percentWrong } : {}),
  };
}

/** The schedule as the form says it; what else stands in it stays. */
const scheduleOf = (form: Form, flow: Flow) => ({
  ...flow.scheduleParams,
  frequency: form.unit,
  interval: Number(form.interval),
});

/** JSON Patch from what is stored to what the form says: only what differs. */
function changes(form: Form, flow: Flow): { op: "add"; path: string; value: unknown }[] {
  const before = formOf(flow);
  const {
    partialIngestionPercent: _percent,
    maxRejectedRecords: _most,
    ...others
  } = flow.options as Record<string, unknown>;
  const options = {
    ...others,
    ...(form.partial && form.percent.trim() ? { partialIngestionPercent: Number(form.percent) } : {}),
    ...(form.partial && form.most.trim() ? { maxRejectedRecords: Number(form.most) } : {}),
  };
  const differ = (...names: (keyof Form)[]) => names.some((name) => form[name] !== before[name]);
  const add = (path: string, value: unknown) => ({ op: "add" as const, path, value });
  return [
    ...(differ("name") ? [add("/name", form.name.trim())] : []),
    ...(differ("description") ? [add("/description", form.description.trim())] : []),
    ...(isRecurring(flow) && differ("unit", "interval")
      ? [add("/scheduleParams", scheduleOf(form, flow))]
      : []),
    ...(differ("partial", "percent", "most") ? [add("/options", options)] : []),
  ];
}

/** What was typed, and what it changes. */
interface Typed {
  base: Flow;
  form: Form;
}

interface SettingsProps extends FlowProps {
  onSwitch: (act: "pause" | "resume") => Promise<void>;
  switching: boolean;
  onDelete: () => void;
}

export function Settings({ line, flow, onSwitch, switching, onDelete }: SettingsProps) {
  const sandbox = useSandbox();
  const session = useSession();
  const client = useQueryClient();
  const key = `settings ${sandbox} ${line.id}`;
  const [first] = useState(() => keptForm<Typed>(key) ?? { base: flow, form: formOf(flow) });
  const [base, setBase] = useState(first.base);
  const [form, setForm] = useState(first.form);
  const [shown, setShown] = useState<Partial<Record<keyof Form, string>>>({});
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [theirs, setTheirs] = useState<Flow | null>(null);
  const mayManage = session.permissions.includes("manage-sources");
  const recurring = isRecurring(flow);
  const type = (change: Partial<Form>) => {
    setForm({ ...form, ...change });
    setShown({});
  };
  const take = (now: Flow) => {
    setBase(now);
    setForm(formOf(now));
    setTheirs(null);
    setShown({});
  };
  // While nothing was typed, what others save is shown at once.
  const typed = changes(form, base).length > 0;
  useKeptForm<Typed>(
    key,
    useMemo(() => ({ base, form }), [base, form]),
    typed,
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another version is taken over
  useEffect(() => {
    if (!typed && flow.etag !== base.etag) take(flow);
  }, [flow.etag]);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const wrong = problemsOf(form, recurring);
    setShown(wrong);
    focusInvalid(event.currentTarget);
    setError(null);
    if (busy || Object.keys(wrong).length > 0) return;
    const on = theirs ?? base;
    const body = changes(form, on);
    if (body.length === 0) {
      toast(S.nothingChanged);
      return;
    }
    setBusy(true);
    try {
      await send(flowCalls.change(line.id, on.etag, body), sandbox);
      await refresh(client, sandbox, line.id);
      take(await client.fetchQuery(flowQuery(sandbox, line.id)));
      toast(S.saved);
    } catch (problem) {
      if (problem instanceof ApiError && problem.status === 412)
        setTheirs(await client.fetchQuery({ ...flowQuery(sandbox, line.id), staleTime: 0 }));
      else setError(problem);
    } finally {
      setBusy(false);
    }
  };

  return (
    <div className="stack settings">
      <form onSubmit={submit} noValidate className="form">
        {error ? <ErrorPanel what={S.notSaved} error={error} /> : null}
        {mayManage ? null : <p className="muted">{T.forbiddenManage}</p>}
        <fieldset className="form-section" disabled={!mayManage}>
          <legend>{S.title}</legend>
          <TextField
            label={S.name}
            name="name"
            value={form.name}
            onChange={(name) => type({ name })}
            error={shown.name}
            required
          />
          <TextField
            label={S.description}
            name="description"
            value={form.description}
            onChange={(description) => type({ description })}
            required={false}
            lines={3}
          />
        </fieldset>
        <fieldset className="form-section" disabled={!mayManage}>
          <legend>{S.schedule}</legend>
          {recurring ? (
            <>
              <div className="field-row">
                <TextField
                  label={S.every}
                  name="interval"
                  value={form.interval}
                  onChange={(interval) => type({ interval })}
                  error={shown.interval}
                  required
                />
                <Select
                  label={S.unit}
                  value={form.unit}
                  onChange={(unit) => type({ unit: unit as Unit })}
                  options={Object.entries(S.units).map(([id, name]) => ({ id, name }))}
                />
              </div>
              {line.schedule ? (
                <p className="muted">
                  {S.startStays} <Time at={line.schedule.startTime} exact />
                </p>
              ) : null}
              {whole(form.interval) ? <NextFive schedule={scheduleOf(form, base)} /> : null}
            </>
          ) : (
            <p className="muted">{S.once}</p>
          )}
        </fieldset>
        <fieldset className="form-section" disabled={!mayManage}>
          <legend>{S.partial}</legend>
          <Checkbox value={form.partial} onChange={(partial) => type({ partial })} help={S.partialHelp}>
            {S.partialOn}
          </Checkbox>
          {form.partial ? (
            <div className="field-row">
              <TextField
                label={S.percent}
                name="percent"
                value={form.percent}
                onChange={(percent) => type({ percent })}
                error={shown.percent}
                required={false}
              />
              <TextField
                label={S.most}
                name="most"
                value={form.most}
                onChange={(most) => type({ most })}
                error={shown.most}
                required={false}
              />
            </div>
          ) : null}
        </fieldset>
        {theirs ? <Conflict mine={form} theirs={formOf(theirs)} recurring={recurring} /> : null}
        {mayManage ? (
          <div className="form-actions">
            <p className="muted" role="status">
              {typed ? S.unsaved : ""}
            </p>
            {theirs ? <Button onPress={() => take(theirs)}>{S.takeTheirs}</Button> : null}
            <Button type="submit" look="primary" isPending={busy}>
              {theirs ? S.keepYours : S.save}
            </Button>
          </div>
        ) : null}
      </form>
      {mayManage ? (
        <section className="panel danger-zone" aria-labelledby="danger">
          <h2 id="danger">{S.danger}</h2>
          {line.state === "draft" ? null : (
            <DangerRow text={line.state === "enabled" ? S.pauseText : S.resumeText}>
              <Button
                isPending={switching}
                onPress={() => void onSwitch(line.state === "enabled" ? "pause" : "resume")}
              >
                {line.state === "enabled" ? T.acts.pause : T.acts.resume}
              </Button>
            </DangerRow>
          )}
          <DangerRow text={S.deleteText}>
            <Button look="danger" onPress={onDelete}>
              {T.acts.remove}
            </Button>
          </DangerRow>
        </section>
      ) : null}
    </div>
  );
}

function DangerRow({ text, children }: { text: string; children: ReactNode }) {
  return (
    <div className="danger-row">
      <p>{text}</p>
      {children}
    </div>
  );
}

/** The next runs of a schedule as it would be; refused as it would be saved. */
function NextFive({ schedule }: { schedule: Record<string, unknown> }) {
  const sandbox = useSandbox();
  const told = JSON.stringify(schedule);
  const [asked, setAsked] = useState(told);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(told), TYPING_MS);
    return () => clearTimeout(timer);
  }, [told]);
  const next = useQuery({
    queryKey: ["preview", sandbox, asked],
    queryFn: ({ signal }) => send<{ runs: number[] }>(flowCalls.preview(JSON.parse(asked)), sandbox, signal),
  });
  if (next.error) return <ErrorPanel what={T.activity.upcomingFailed} error={next.error} />;
  if (!next.data) return null;
  // The first one of a schedule whose start has passed would be now, as of a new dataflow.
  const slots = next.data.runs.filter((at) => at > now() + TYPING_MS).slice(0, SHOWN_SLOTS);
  return (
    <div className="next-five">
      <h3>{S.nextFive}</h3>
      <ul>
        {slots.map((at) => (
          <li key={at}>
            <Time at={at} exact />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Both versions, field by field, where somebody else saved in between. */
function Conflict({ mine, theirs, recurring }: { mine: Form; theirs: Form; recurring: boolean }) {
  const partial = (form: Form) =>
    form.partial
      ? T.overview.tolerated(form.percent ? Number(form.percent) : null, form.most ? Number(form.most) : null)
      : T.overview.tolerated(null, null);
  const rows: [string, string, string][] = [
    [S.name, theirs.name, mine.name],
    [S.description, theirs.description, mine.description],
    ...(recurring
      ? [
          [
            S.schedule,
            `${theirs.interval} ${S.units[theirs.unit]}`,
            `${mine.interval} ${S.units[mine.unit]}`,
          ] as [string, string, string],
        ]
      : []),
    [S.partial, partial(theirs), partial(mine)],
  ];
  return (
    <section className="conflict" role="alert">
      <h3>{S.conflictTitle}</h3>
      <p>{S.conflict}</p>
      <table>
        <thead>
          <tr>
            <td />
            <th scope="col">{S.theirs}</th>
            <th scope="col">{S.yours}</th>
          </tr>
        </thead>
        <tbody>
          {rows
            .filter(([, stored, typed]) => stored !== typed)
            .map(([name, stored, typed]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  <Hostile>{stored || texts.common.none}</Hostile>
                </td>
                <td>
                  <Hostile>{typed || texts.common.none}</Hostile>
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  );
}
