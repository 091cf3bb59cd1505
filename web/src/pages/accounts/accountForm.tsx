/** What a new account is made of: fields, the check in steps, and the calls. Its own page and the wizard share it. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, type RefObject, useRef, useState } from "react";
import { checkCalls, runCheck, type Step } from "../../api/checks";
import { send } from "../../api/client";
import { connectionsQuery, type Source } from "../../api/queries";
import { type NamedCall, useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { CheckList } from "../../ui/CheckList";
import { Select } from "../../ui/choices";
import { ErrorSummary } from "../../ui/ErrorSummary";
import { ErrorPanel, toast } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { visibly } from "../../ui/text";
import { CredentialFields, useCredentials } from "./credentials";

const T = texts.newAccount;
const PATH = "/data/foundation/flowservice/connections";

/** `first` is the name that the field begins with. */
export function useAccountForm(source: Source, first = "") {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const accounts = useQuery(connectionsQuery(sandbox));
  const credentials = useCredentials(source);
  const [name, setName] = useState(first);
  const [description, setDescription] = useState("");
  const [nameProblem, setNameProblem] = useState("");
  const [attempt, setAttempt] = useState(0);
  const [steps, setSteps] = useState<Step[]>([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const panel = useRef<HTMLElement>(null);

  const bodyWith = (auth: unknown) => ({
    name: name.trim(),
    ...(description.trim() ? { description: description.trim() } : {}),
    connectionSpec: { id: source.id, version: source.version },
    auth,
  });
  const told = bodyWith(credentials.told());
  const calls: NamedCall[] = [
    { ...checkCalls.attempt(told), title: T.callCheck },
    { method: "POST", path: PATH, body: told, title: T.callSave },
  ];

  /** The id of the account, made if its check passed; null where something is wrong, which is shown then. */
  const submit = async (): Promise<string | null> => {
    if (busy) return null;
    const taken = accounts.data?.items.some((one) => one.name === name.trim());
    const wrong = !name.trim() ? T.nameMissing : taken ? T.nameTaken : "";
    setNameProblem(wrong);
    setAttempt(attempt + 1);
    setError(null);
    setSteps([]);
    if (Object.keys(credentials.checked()).length > 0 || wrong) return null;
    setBusy(true);
    try {
      const body = bodyWith(credentials.content());
      const found = await runCheck(checkCalls.attempt(body), sandbox);
      setSteps(found);
      const failed = found.find((step) => step.state === "failed");
      if (failed) {
        credentials.blame(failed.message);
        panel.current?.focus();
        return null;
      }
      const made = await send<{ id: string }>({ method: "POST", path: PATH, body }, sandbox);
      await client.invalidateQueries({ queryKey: ["connections", sandbox] });
      void client.invalidateQueries({ queryKey: ["health", sandbox] });
      toast(T.saved(name.trim()));
      return made.id;
    } catch (problem) {
      setError(problem);
      return null;
    } finally {
      setBusy(false);
    }
  };
  return {
    source,
    credentials,
    name,
    setName: (next: string) => {
      setName(next);
      setNameProblem("");
    },
    description,
    setDescription,
    nameProblem,
    attempt,
    steps,
    busy,
    error,
    panel,
    calls,
    submit,
  };
}

export type AccountForm = ReturnType<typeof useAccountForm>;

interface FieldsProps {
  form: AccountForm;
  others: Source[];
  onSource: (id: string) => void;
}

export function AccountFields({ form, others, onSource }: FieldsProps) {
  const { source, credentials, nameProblem, error } = form;
  const problems = [
    ...(nameProblem ? [{ field: "name", label: T.name, text: nameProblem }] : []),
    ...Object.entries(credentials.problems).map(([field, text]) => ({
      field,
      label: visibly(credentials.auth?.spec.properties?.[field]?.title ?? field),
      text,
    })),
  ];
  return (
    <div className="form">
      {error ? null : <ErrorSummary problems={problems} attempt={form.attempt} />}
      {error ? <ErrorPanel what={T.failed} error={error} /> : null}
      <fieldset className="form-section">
        <legend>{T.about}</legend>
        {others.length > 1 ? (
          <Select
            label={texts.accounts.source}
            value={source.id}
            onChange={onSource}
            options={others.map((one) => ({ id: one.id, name: visibly(one.title) }))}
          />
        ) : null}
        <TextField
          label={T.name}
          name="name"
          help={T.nameHelp}
          value={form.name}
          onChange={form.setName}
          error={nameProblem || undefined}
          required
        />
        <TextField
          label={T.description}
          name="description"
          value={form.description}
          onChange={form.setDescription}
          required={false}
        />
      </fieldset>
      <fieldset className="form-section">
        <legend>{texts.account.credentials}</legend>
        <CredentialFields source={source} credentials={credentials} />
      </fieldset>
    </div>
  );
}

interface CheckProps {
  form: AccountForm;
  idle: string;
  children?: ReactNode;
}

/** The steps of the check, as far as they were taken; below them what `children` offers. */
export function AccountCheck({ form, idle, children }: CheckProps) {
  const waiting: Step[] = form.source.checkSteps.map((step) => ({
    ...step,
    state: "waiting",
    durationMs: null,
    message: "",
    advice: "",
    warnings: [],
  }));
  return (
    <section
      className="side-panel"
      ref={form.panel as RefObject<HTMLElement>}
      tabIndex={-1}
      aria-label={T.checkTitle}
      aria-busy={form.busy}
    >
      <h2>{T.checkTitle}</h2>
      <p className="muted">{idle}</p>
      <CheckList steps={form.steps.length > 0 ? form.steps : waiting} />
      {children}
    </section>
  );
}
