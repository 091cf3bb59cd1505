/** The first step: an account that exists, or a new one whose check passes. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useAddress } from "../../address";
import { send } from "../../api/client";
import { connectionsQuery, flowUsesQuery, type Source, sourcesQuery } from "../../api/queries";
import { free } from "../../names";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { texts as shared } from "../../texts";
import { Button, IconButton, Link } from "../../ui/Button";
import { RadioGroup } from "../../ui/choices";
import { EmptyState, ErrorPanel, Skeleton, toast } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { RadioRows } from "../../ui/RadioRows";
import { SearchField } from "../../ui/SearchField";
import { Hostile, Time, visibly } from "../../ui/text";
import { HealthBadge } from "../accounts/Accounts";
import { AccountCheck, AccountFields, useAccountForm } from "../accounts/accountForm";
import { useHealth } from "../accounts/health";
import { type DraftLine, draftsQuery } from "./queries";
import { isStep } from "./state";
import { texts } from "./texts";
import type { StepProps } from "./Wizard";

const T = texts.account;
const MOST = 50;

export function AccountStep(props: StepProps) {
  const { state, change, problemOf, before } = props;
  const sandbox = useSandbox();
  const session = useSession();
  const sources = useQuery(sourcesQuery(sandbox));
  const accounts = useQuery(connectionsQuery(sandbox));
  const available = sources.data?.filter((one) => one.supported) ?? [];
  const mayAdd = session.permissions.includes("manage-secrets");
  const usable = (accounts.data?.items ?? []).filter((one) =>
    available.some((source) => source.id === one.connectionSpec.id),
  );
  const [chosen, setChosen] = useState<"existing" | "fresh" | null>(null);
  const mode =
    chosen ?? (accounts.data && sources.data && usable.length === 0 && mayAdd ? "fresh" : "existing");
  const source = available.find((one) => one.id === state.source) ?? available[0];

  // There is nothing to choose between.
  const only = usable.length === 1 && mode === "existing" ? usable[0]?.id : undefined;
  useEffect(() => {
    if (only && !state.account) change({ account: only });
  }, [only, state.account, change]);

  if (accounts.error && !accounts.data)
    return <ErrorPanel what={T.listFailed} error={accounts.error} onRetry={() => void accounts.refetch()} />;
  if (sources.error && !sources.data)
    return (
      <ErrorPanel what={shared.catalog.failed} error={sources.error} onRetry={() => void sources.refetch()} />
    );
  if (!accounts.data || !sources.data) return <Skeleton rows={5} />;
  if (usable.length === 0 && !mayAdd)
    return (
      <EmptyState icon="key" title={T.noneHere}>
        {shared.error.forbiddenNext}
      </EmptyState>
    );
  return (
    <>
      <Drafts />
      {usable.length > 0 && mayAdd ? (
        <RadioGroup
          label={T.choice}
          hideLabel
          segmented
          value={mode}
          onChange={(next) => setChosen(next as "existing" | "fresh")}
          options={[
            { id: "existing", name: T.existing },
            { id: "fresh", name: T.fresh },
          ]}
        />
      ) : null}
      {mode === "existing" ? (
        <Existing
          accounts={usable}
          sources={available}
          value={state.account}
          onChange={(account) => change({ account })}
          error={problemOf("account")}
        />
      ) : source ? (
        <Fresh
          key={source.id}
          source={source}
          others={available}
          taken={accounts.data.items.map((one) => one.name ?? "")}
          onSource={(id) => change({ source: id })}
          before={before}
        />
      ) : null}
    </>
  );
}

interface ExistingProps {
  accounts: { id: string; name?: string | null; connectionSpec: { id: string } }[];
  sources: Source[];
  value: string;
  onChange: (id: string) => void;
  error: string;
}

function Existing({ accounts, sources, value, onChange, error }: ExistingProps) {
  const sandbox = useSandbox();
  const address = useAddress();
  const flows = useQuery(flowUsesQuery(sandbox));
  const { healthOf } = useHealth(sandbox);
  const text = address.get("q");
  const spec = address.get("source");
  const titles = new Map(sources.map((source) => [source.id, source.title]));
  const rows = accounts
    .map((one) => ({
      id: one.id,
      name: one.name || shared.accounts.unnamed,
      source: titles.get(one.connectionSpec.id) ?? "",
      ofWanted: one.connectionSpec.id === spec,
      health: healthOf(one.id),
      flows: flows.data?.counts.get(one.id) ?? 0,
    }))
    // Those of the source from which one came stand first.
    .sort((a, b) => Number(b.ofWanted) - Number(a.ofWanted) || a.name.localeCompare(b.name));
  const found = rows.filter((row) => row.name.toLowerCase().includes(text.toLowerCase()));
  const shown = found.slice(0, MOST);
  const chosen = rows.find((row) => row.id === value);
  if (chosen && !shown.includes(chosen)) shown.unshift(chosen);
  return (
    <div className="stack">
      {rows.length > 5 || text ? (
        <SearchField label={T.search} value={text} onChange={(q) => address.set({ q })} />
      ) : null}
      {shown.length === 0 ? <p className="muted">{T.none}</p> : null}
      <RadioRows
        label={T.table}
        name="account"
        columns={Object.values(T.columns)}
        rows={shown}
        value={value}
        onChange={onChange}
        error={error}
        cells={(row) => [
          <Hostile key="name">{row.name}</Hostile>,
          visibly(row.source),
          <span key="health" className="cell-with-icon">
            <HealthBadge health={row.health} />
            {row.health.at ? (
              <span className="muted">
                <Time at={row.health.at} />
              </span>
            ) : null}
          </span>,
          <span key="flows">
            <span className="in-column" aria-hidden="true">
              {row.flows.toLocaleString()}
            </span>
            <span className="in-line">{shared.catalog.flows(row.flows)}</span>
          </span>,
        ]}
      />
      {found.length > MOST ? <p className="muted">{T.more(found.length - MOST)}</p> : null}
      {error ? <p className="field-error">{error}</p> : null}
      {chosen?.health.state === "failing" ? <p className="banner warn">{T.failing}</p> : null}
    </div>
  );
}

interface FreshProps {
  source: Source;
  others: Source[];
  taken: string[];
  onSource: (id: string) => void;
  before: StepProps["before"];
}

function Fresh({ source, others, taken, onSource, before }: FreshProps) {
  const form = useAccountForm(source, free(visibly(source.title), taken));
  useEffect(() => {
    before.current = async () => {
      const account = await form.submit();
      return account ? { change: { account, source: source.id } } : {};
    };
    return () => {
      before.current = null;
    };
  });
  return (
    <div className="two-columns narrow">
      <AccountFields form={form} others={others} onSource={onSource} />
      <AccountCheck form={form} idle={T.checkIdle} />
    </div>
  );
}

/** What was begun before. */
function Drafts() {
  const sandbox = useSandbox();
  const address = useAddress();
  const client = useQueryClient();
  const drafts = useQuery(draftsQuery(sandbox));
  const [refused, setRefused] = useState<unknown>(null);
  const [asked, setAsked] = useState<DraftLine | null>(null);
  const open = address.get("draft");
  const others = (drafts.data ?? []).filter((one) => one.kind === "dataflow" && one.id !== open);
  if (drafts.error)
    return <ErrorPanel what={T.draftsFailed} error={drafts.error} onRetry={() => void drafts.refetch()} />;
  if (others.length === 0) return null;
  const remove = async (id: string, etag: string) => {
    setRefused(null);
    try {
      await send(
        { method: "DELETE", path: `/v1/drafts/${encodeURIComponent(id)}`, headers: { "If-Match": etag } },
        sandbox,
      );
      toast(T.draftDeleted);
    } catch (problem) {
      setRefused(problem);
    }
    await client.invalidateQueries({ queryKey: ["drafts", sandbox] });
  };
  return (
    <details className="panel drafts">
      <summary>
        {T.drafts} <span className="muted">{T.draftsCount(others.length)}</span>
      </summary>
      {refused ? <ErrorPanel what={T.draftNotDeleted} error={refused} /> : null}
      <ul className="rows">
        {others.map((one) => (
          <li key={one.id}>
            <span>
              <Link
                to={pathOf(sandbox, `flows/new?draft=${one.id}&step=${encodeURIComponent(one.step)}`)}
                label={T.continue(visibly(one.name))}
              >
                <Hostile>{one.name}</Hostile>
              </Link>{" "}
              <span className="muted">
                {isStep(one.step) ? T.draftAt(texts.steps[one.step].toLowerCase()) : null},{" "}
                <Time at={one.updatedAt} />
              </span>
            </span>
            <IconButton
              icon="close"
              size="small"
              label={T.deleteDraft(visibly(one.name))}
              onPress={() => setAsked(one)}
            />
          </li>
        ))}
      </ul>
      {asked ? (
        <Dialog
          title={T.deleteDraftTitle(visibly(asked.name))}
          isOpen
          onClose={() => setAsked(null)}
          role="alertdialog"
          footer={
            <>
              <Button autoFocus onPress={() => setAsked(null)}>
                {shared.common.cancel}
              </Button>
              <Button
                look="danger"
                onPress={() => {
                  setAsked(null);
                  void remove(asked.id, asked.etag);
                }}
              >
                {T.deleteDraftGo}
              </Button>
            </>
          }
        >
          <p>{T.deleteDraftText}</p>
        </Dialog>
      ) : null}
    </details>
  );
}
