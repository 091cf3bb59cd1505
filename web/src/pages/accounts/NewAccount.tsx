/** A new account: the form comes from the source's spec, and nothing is kept unless the source can be reached. */
import { useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { useLocation } from "wouter";
import { useAddress } from "../../address";
import { type Source, sourcesQuery } from "../../api/queries";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { Page, useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button, Link } from "../../ui/Button";
import { EmptyState, ErrorPanel, Skeleton } from "../../ui/feedback";
import { visibly } from "../../ui/text";
import { AccountCheck, AccountFields, useAccountForm } from "./accountForm";

const T = texts.newAccount;

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
  const [, navigate] = useLocation();
  const form = useAccountForm(source);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const id = await form.submit();
    if (id) navigate(pathOf(sandbox, `sources/accounts/${id}`));
  };
  return (
    <Page title={T.titleFor(visibly(source.title))} lead={T.lead} crumbs={crumbs} calls={form.calls}>
      <form onSubmit={submit} noValidate className="two-columns">
        <AccountFields form={form} others={others} onSource={onSource} />
        <AccountCheck form={form} idle={T.checkIdle}>
          <div className="form-actions">
            <Link to={pathOf(sandbox, "sources")} className="button plain normal">
              {texts.common.cancel}
            </Link>
            <Button type="submit" look="primary" isPending={form.busy}>
              {form.busy ? T.checking : T.go}
            </Button>
          </div>
        </AccountCheck>
      </form>
    </Page>
  );
}
