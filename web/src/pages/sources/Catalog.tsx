/** Every source that is documented, and what this server can do with it. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useAddress } from "../../address";
import {
  calls,
  connectionsQuery,
  flowCountQuery,
  flowUsesQuery,
  type Source,
  sourcesQuery,
} from "../../api/queries";
import { pathOf } from "../../shell/navigation";
import { type NamedCall, Page, useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button, Link } from "../../ui/Button";
import { RadioGroup } from "../../ui/choices";
import { ErrorPanel, NothingFound, Skeleton, StatusBadge } from "../../ui/feedback";
import { Icon, type IconName } from "../../ui/Icon";
import { SearchField } from "../../ui/SearchField";
import { sorted, Table, type TableColumn } from "../../ui/Table";
import { Count, Hostile, visibly } from "../../ui/text";
import { Categories } from "./Categories";
import { SampleCard, useSampleData } from "./SampleData";
import { SourceDetails } from "./SourceDetails";

export const KIND_ICONS: Record<string, IconName> = {
  table: "table",
  file: "file",
  stream: "stream",
  rest: "rest",
};

const PAGE_CALLS: NamedCall[] = [
  { ...calls.specs, title: "List the connection specs" },
  { ...calls.connections, title: "List the accounts" },
  { ...calls.flowUses, title: "List what dataflows read through" },
  { ...calls.oneFlow, title: "Count the dataflows" },
];

/** What is known of the use of a source in this sandbox; null while it is not known. */
export interface Uses {
  accounts: number;
  flows: number | null;
}

function useUses(sandbox: string) {
  const accounts = useQuery(connectionsQuery(sandbox));
  const flows = useQuery(flowUsesQuery(sandbox));
  const uses = useMemo(() => {
    if (!accounts.data) return null;
    const found = new Map<string, Uses>();
    for (const account of accounts.data.items) {
      const known = found.get(account.connectionSpec.id) ?? { accounts: 0, flows: 0 };
      const through = flows.data ? (flows.data.counts.get(account.id) ?? 0) : null;
      const total = through === null || known.flows === null ? null : known.flows + through;
      found.set(account.connectionSpec.id, { accounts: known.accounts + 1, flows: total });
    }
    return found;
  }, [accounts.data, flows.data]);
  return { uses, failed: accounts.error, retry: () => void accounts.refetch() };
}

const NO_USES: Uses = { accounts: 0, flows: 0 };

export default function Catalog() {
  const sandbox = useSandbox();
  const address = useAddress();
  const { data: sources, error, refetch } = useQuery(sourcesQuery(sandbox));
  const { uses, failed, retry } = useUses(sandbox);
  const flows = useQuery(flowCountQuery(sandbox));
  const sample = useSampleData();
  const usesOf = (source: Source) => (uses ? (uses.get(source.id) ?? NO_USES) : null);

  const text = address.get("q");
  const chosen = address.list("category");
  const scope = address.get("show") || "all";
  const view = address.get("view") || "cards";
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (sources ?? []).filter(
    (source) =>
      words.every((word) =>
        `${source.words} ${texts.catalog.categoryNames[source.category] ?? ""}`.toLowerCase().includes(word),
      ) &&
      (scope !== "here" || source.supported) &&
      (scope !== "mine" || (usesOf(source)?.accounts ?? 0) > 0),
  );
  const shown = found.filter((source) => chosen.length === 0 || chosen.includes(source.category));
  // Both are waited for, so that nothing moves once it is there; a list that fails keeps nobody from the sources.
  const isKnown = sources !== undefined && (!flows.isPending || flows.failureCount > 0);
  const narrowed = text !== "" || chosen.length > 0 || scope !== "all";
  const offered = isKnown && flows.data === 0 && !narrowed ? sample : null;
  const details = sources?.find((source) => source.id === address.get("details"));
  const open = (id: string) => address.set({ details: id }, "push");

  return (
    <Page
      title={texts.catalog.title}
      lead={texts.catalog.lead}
      calls={[...PAGE_CALLS, ...(offered?.calls ?? [])]}
    >
      {error ? (
        <ErrorPanel what={texts.catalog.failed} error={error} onRetry={() => void refetch()} />
      ) : (
        <div className="with-side">
          <Categories
            sources={found}
            chosen={chosen}
            onChange={(category) => address.set({ category })}
            pending={!sources}
          />
          <div className="catalog">
            <div className="tool-bar">
              <SearchField
                label={texts.catalog.search}
                placeholder={texts.catalog.searchHint}
                value={text}
                onChange={(q) => address.set({ q })}
              />
              <RadioGroup
                label={texts.catalog.scope}
                hideLabel
                segmented
                value={scope}
                onChange={(show) => address.set({ show: show === "all" ? "" : show })}
                options={Object.entries(texts.catalog.scopes).map(([id, name]) => ({ id, name }))}
              />
              <RadioGroup
                label={texts.catalog.view}
                hideLabel
                segmented
                value={view}
                onChange={(next) => address.set({ view: next === "cards" ? "" : next })}
                options={Object.entries(texts.catalog.views).map(([id, name]) => ({ id, name }))}
              />
              <p className="result-count" role="status">
                {isKnown ? texts.catalog.shown(shown.length, sources.length) : ""}
              </p>
            </div>
            {failed ? <ErrorPanel what={texts.catalog.countsFailed} error={failed} onRetry={retry} /> : null}
            {isKnown ? null : <Skeleton rows={9} shape="card" />}
            {offered ? <SampleCard sample={offered} /> : null}
            {isKnown && shown.length === 0 ? (
              <NothingFound
                title={texts.catalog.emptyTitle}
                onClear={() => address.set({ q: "", category: "", show: "" })}
              >
                {texts.catalog.empty}
              </NothingFound>
            ) : null}
            {isKnown && shown.length > 0 && view === "cards" ? (
              <Cards sources={shown} usesOf={usesOf} sandbox={sandbox} onOpen={open} />
            ) : null}
            {isKnown && shown.length > 0 && view === "list" ? (
              <List sources={shown} usesOf={usesOf} onOpen={open} />
            ) : null}
          </div>
        </div>
      )}
      {details ? (
        <SourceDetails
          source={details}
          uses={usesOf(details)}
          sandbox={sandbox}
          onClose={() => address.set({ details: "" })}
        />
      ) : null}
    </Page>
  );
}

interface SourcesProps {
  sources: Source[];
  usesOf: (source: Source) => Uses | null;
  onOpen: (id: string) => void;
}

function Cards({ sources, usesOf, sandbox, onOpen }: SourcesProps & { sandbox: string }) {
  const groups = [
    { title: texts.catalog.ready, sources: sources.filter((source) => source.supported) },
    { title: texts.catalog.notHere, sources: sources.filter((source) => !source.supported) },
  ].filter((group) => group.sources.length > 0);
  return groups.map((group) => (
    <section key={group.title} className="card-group" aria-label={group.title}>
      <h2>
        {group.title} <span className="muted">{group.sources.length}</span>
      </h2>
      <ul className="cards">
        {group.sources.map((source) => (
          <li key={source.id}>
            <Card source={source} uses={usesOf(source)} sandbox={sandbox} onOpen={() => onOpen(source.id)} />
          </li>
        ))}
      </ul>
    </section>
  ));
}

interface CardProps {
  source: Source;
  uses: Uses | null;
  sandbox: string;
  onOpen: () => void;
}

function Card({ source, uses, sandbox, onOpen }: CardProps) {
  const title = visibly(source.title);
  const hasAccounts = uses !== null && uses.accounts > 0;
  const start = hasAccounts ? texts.catalog.addData : texts.catalog.setUp;
  return (
    <article className={source.supported ? "card here" : "card"}>
      <span className="kind-mark" data-category={source.category}>
        <Icon name={KIND_ICONS[source.kind] ?? "sources"} />
      </span>
      <div className="card-text">
        <h3>
          <Hostile>{source.title}</Hostile>
        </h3>
        <p className="muted">
          {texts.catalog.categoryNames[source.category]} ·{" "}
          {source.streaming ? texts.catalog.streamingChip : texts.catalog.batch}
        </p>
        {source.supported ? (
          <p className="card-state">
            <StatusBadge tone="good">{texts.catalog.ready}</StatusBadge>
            {uses && uses.accounts > 0 ? (
              <>
                <Link to={pathOf(sandbox, `sources/accounts?source=${source.id}`)}>
                  {texts.catalog.accounts(uses.accounts)}
                </Link>
                {uses.flows === null ? null : (
                  <span className="muted">{texts.catalog.flows(uses.flows)}</span>
                )}
              </>
            ) : null}
          </p>
        ) : null}
      </div>
      <div className="card-actions">
        <Button size="small" look="quiet" aria-label={texts.catalog.detailsLabel(title)} onPress={onOpen}>
          {texts.common.details}
        </Button>
        {source.supported ? (
          <Link
            to={pathOf(
              sandbox,
              `${hasAccounts ? "flows/new" : "sources/accounts/new"}?source=${encodeURIComponent(source.id)}`,
            )}
            className="button primary small"
            label={texts.catalog.startLabel(start, title)}
          >
            {start}
          </Link>
        ) : null}
      </div>
    </article>
  );
}

function List({ sources, usesOf, onOpen }: SourcesProps) {
  const address = useAddress();
  const by = address.get("sort");
  const columns: TableColumn<Source>[] = [
    {
      id: "name",
      name: texts.catalog.columns.name,
      rowHeader: true,
      key: (source) => source.title,
      cell: (source) => (
        <span className="cell-with-icon">
          <Icon name={KIND_ICONS[source.kind] ?? "sources"} />
          <Hostile>{source.title}</Hostile>
        </span>
      ),
    },
    {
      id: "category",
      name: texts.catalog.columns.category,
      key: (source) => texts.catalog.categoryNames[source.category] ?? "",
      cell: (source) => texts.catalog.categoryNames[source.category],
    },
    {
      id: "way",
      name: texts.catalog.columns.way,
      key: (source) => Number(source.streaming),
      cell: (source) => (source.streaming ? texts.catalog.streamingChip : texts.catalog.batch),
    },
    {
      id: "state",
      name: texts.catalog.columns.state,
      key: (source) => Number(!source.supported),
      cell: (source) =>
        source.supported ? (
          <StatusBadge tone="good">{texts.catalog.ready}</StatusBadge>
        ) : (
          <StatusBadge tone="neutral">{texts.catalog.notHere}</StatusBadge>
        ),
    },
    {
      id: "accounts",
      name: texts.catalog.columns.accounts,
      numeric: true,
      key: (source) => usesOf(source)?.accounts ?? 0,
      cell: (source) => <Count value={usesOf(source)?.accounts ?? 0} />,
    },
  ];
  const sort = {
    column: by.replace(/^-/, "") || "state",
    direction: by.startsWith("-") ? ("descending" as const) : ("ascending" as const),
  };
  return (
    <Table
      label={texts.catalog.title}
      columns={columns}
      rows={sorted(sources, columns, sort)}
      sort={sort}
      onSort={(next) => address.set({ sort: `${next.direction === "descending" ? "-" : ""}${next.column}` })}
      onOpen={onOpen}
      textOf={(source) => visibly(source.title)}
    />
  );
}
