/** A new account: the form comes from the source's spec, and nothing is kept unless the source can be reached. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useAddress } from "../../address";
import { checkCalls, runCheck, type Step } from "../../api/checks";
import { send } from "../../api/client";
import { connectionsQuery, type Source, sourcesQuery } from "../../api/queries";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { Page, useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button, Link } from "../../ui/Button";
import { CheckList } from "../../ui/CheckList";
import { Select } from "../../ui/choices";
import { ErrorSummary } from "../../ui/ErrorSummary";
import { EmptyState, ErrorPanel, Skeleton, toast } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { visibly } from "../../ui/text";
import { CredentialFields, useCredentials } from "./credentials";

const T = texts.newAccount;
const PATH = "/data/foundation/flowservice/connections";

export default function NewAccount() {
  const sandbox = useSandbox();
  const address = useAddress();
  const { data: sources, error, refetch } = useQuery(sourcesQuery(sandbox));
  const session = useSession();
  const wanted = address.get("source");
  const available = sources?.filter((source) => source.supported) ?? [];
  const source = wanted ? sources?.find((one) => one.id === wanted) : available[0];
  const crumbs = [{ name: texts.accounts.title, to: pathOf(sandbox, "sources/accounts") }];

  if (sources && source?.supported && session.permissions.includes("manage-secrets"))
    return (
      <AccountForm
        key={source.id}
        source={source}
        others={available}
        onSource={(id) => address.set({ source: id })}
        crumbs={crumbs}
      />
    );
  return (
    <Page title={T.title} crumbs={crumbs} calls={[]}>
      {error ? <ErrorPanel what={texts.catalog.failed} error={error} onRetry={() => void refetch()} /> : null}
      {!sources && !error ? <Skeleton rows={5} /> : null}
      {sources ? (
        <EmptyState
          icon="sources"
          title={session.permissions.includes("manage-secrets") ? T.notHereTitle : T.forbidden}
          action={
            <Link to={pathOf(sandbox, "sources")} className="button primary normal">
              {T.toCatalog}
            </Link>
          }
        >
          {session.permissions.includes("manage-secrets") ? T.notHere : texts.error.forbiddenNext}
        </EmptyState>
      ) : null}
    </Page>
  );
}

interface AccountFormProps {
  source: Source;
  others: Source[];
  onSource: (id: string) => void;
  crumbs: { name: string; to: string }[];
}

function AccountForm({ source, others, onSource, crumbs }: AccountFormProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const accounts = useQuery(connectionsQuery(sandbox));
  const credentials = useCredentials(source);
  const [name, setName] = useState("");
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

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const taken = accounts.data?.items.some((one) => one.name === name.trim());
    const wrong = !name.trim() ? T.nameMissing : taken ? T.nameTaken : "";
    setNameProblem(wrong);
    setAttempt(attempt + 1);
    setError(null);
    setSteps([]);
    if (wrong || Object.keys(credentials.checked()).length > 0) {
      credentials.checked();
      return;
    }
    setBusy(true);
    try {
      const body = bodyWith(credentials.content());
      const found = await runCheck(checkCalls.attempt(body), sandbox);
      setSteps(found);
      const failed = found.find((step) => step.state === "failed");
      if (failed) {
        credentials.blame(failed.message);
        panel.current?.focus();
        return;
      }
      const made = await send<{ id: string }>({ method: "POST", path: PATH, body }, sandbox);
      await client.invalidateQueries({ queryKey: ["connections", sandbox] });
      void client.invalidateQueries({ queryKey: ["health", sandbox] });
      toast(T.saved(name.trim()));
      navigate(pathOf(sandbox, `sources/accounts/${made.id}`));
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };

  const waiting: Step[] = source.checkSteps.map((step) => ({
    ...step,
    state: "waiting",
    durationMs: null,
    message: "",
    advice: "",
    warnings: [],
  }));
  const problems = [
    ...(nameProblem ? [{ field: "name", label: T.name, text: nameProblem }] : []),
    ...Object.entries(credentials.problems).map(([field, text]) => ({
      field,
      label: visibly(credentials.auth?.spec.properties?.[field]?.title ?? field),
      text,
    })),
  ];

  return (
    <Page
      title={T.titleFor(visibly(source.title))}
      lead={T.lead}
      crumbs={crumbs}
      calls={[
        { ...checkCalls.attempt(told), title: T.callCheck },
        { method: "POST", path: PATH, body: told, title: T.callSave },
      ]}
    >
      <form onSubmit={submit} noValidate className="two-columns">
        <div className="form">
          {error ? null : <ErrorSummary problems={problems} attempt={attempt} />}
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
              value={name}
              onChange={(next) => {
                setName(next);
                setNameProblem("");
              }}
              error={nameProblem || undefined}
              required
            />
            <TextField
              label={T.description}
              name="description"
              value={description}
              onChange={setDescription}
              required={false}
            />
          </fieldset>
          <fieldset className="form-section">
            <legend>{texts.account.credentials}</legend>
            <CredentialFields source={source} credentials={credentials} />
          </fieldset>
        </div>
        <section className="side-panel" ref={panel} tabIndex={-1} aria-label={T.checkTitle} aria-busy={busy}>
          <h2>{T.checkTitle}</h2>
          <p className="muted">{T.checkIdle}</p>
          <CheckList steps={steps.length > 0 ? steps : waiting} />
          <div className="form-actions">
            <Link to={pathOf(sandbox, "sources")} className="button plain normal">
              {texts.common.cancel}
            </Link>
            <Button type="submit" look="primary" isPending={busy}>
              {busy ? T.checking : T.go}
            </Button>
          </div>
        </section>
      </form>
    </Page>
  );
}
