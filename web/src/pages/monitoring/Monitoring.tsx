/** What dataflows did over a span of time: figures, charts, and tables that lead from source to run. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { SortDescriptor } from "react-aria-components/Table";
import { useAddress } from "../../address";
import { byServer, now } from "../../api/clock";
import { connectionsQuery, sourcesQuery } from "../../api/queries";
import { usePreferences } from "../../preferences";
import { pathOf } from "../../shell/navigation";
import { Page, useSandbox } from "../../shell/page";
import { Button, IconButton, Link } from "../../ui/Button";
import { Checkbox, RadioGroup, Select } from "../../ui/choices";
import { EmptyState, ErrorPanel, Skeleton } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { SearchField } from "../../ui/SearchField";
import { exactTime, visibly } from "../../ui/text";
import { Activity } from "./Activity";
import { Cards } from "./Cards";
import {
  accountsOfFlowsQuery,
  calls,
  ends,
  type Activity as Flow,
  type Monitored,
  overviewQuery,
  runsQuery,
} from "./queries";
import { type Chosen, fieldTime, spanIn } from "./span";
import { type AccountRow, AccountsTable, FlowsTable, RunsTable } from "./Tables";
import { texts as T } from "./texts";
import "./monitoring.css";

const EVERY_MS = 5_000;
const EARLIEST = Date.UTC(2000, 0);
const VIEWS = ["sources", "dataflows", "runs"] as const;

/** Which dataflows a filter lets pass. */
const FITS: Record<string, (flow: Flow) => boolean> = {
  failing: (flow) => flow.runs.failed > 0,
  late: (flow) => flow.lateByMs !== null,
  rejecting: (flow) => flow.rejected > 0,
  attention: (flow) => flow.lateByMs !== null || flow.runs.failed > 0 || flow.rejected > 0,
};

export default function Monitoring() {
  const sandbox = useSandbox();
  const address = useAddress();
  const [paused, setPaused] = useState(false);
  const chosen = spanIn(address);
  const every = paused ? (false as const) : EVERY_MS;
  const overview = useQuery(overviewQuery(sandbox, chosen.span, { every }));
  const { since } = ends(chosen.span, byServer(overview.dataUpdatedAt || Date.now()));
  const told = overview.data;

  return (
    <Page
      title={T.title}
      lead={T.lead}
      calls={[
        { ...calls.overview(chosen.span, since + chosen.span.lengthMs), title: T.call },
        {
          ...calls.runs(chosen.span, since + chosen.span.lengthMs, address.get("flow"), ""),
          title: T.runsCall,
        },
        { ...calls.flows, title: T.flowsCall },
      ]}
    >
      <div className="tool-bar">
        <SpanChoice chosen={chosen} />
        <Freshness
          at={overview.dataUpdatedAt && byServer(overview.dataUpdatedAt)}
          failed={overview.isError}
          paused={paused}
          busy={overview.isFetching}
          onPause={() => setPaused(!paused)}
          onRefresh={() => void overview.refetch()}
        />
      </div>
      {overview.error && !told ? (
        <ErrorPanel what={T.failed} error={overview.error} onRetry={() => void overview.refetch()} />
      ) : null}
      {overview.isPending ? <Skeleton rows={5} /> : null}
      {told && told.flowCount === 0 && told.totals.received === 0 ? (
        <EmptyState
          icon="pulse"
          title={T.emptyTitle}
          action={
            <Link to={pathOf(sandbox, "sources")} className="button primary normal">
              {T.emptyAction}
            </Link>
          }
        >
          {T.empty}
        </EmptyState>
      ) : told ? (
        <Shown told={told} chosen={chosen} every={every} />
      ) : null}
    </Page>
  );
}

/** Which span: one that ends now, or from and to. */
function SpanChoice({ chosen }: { chosen: Chosen }) {
  const address = useAddress();
  const choose = (range: string) => {
    if (range === "custom") {
      const until = now();
      address.set({ range: "", since: String(until - chosen.span.lengthMs), until: String(until) });
    } else address.set({ range: range === "24h" ? "" : range, since: "", until: "" });
  };
  const field = (name: "since" | "until", label: string) => (
    <Moment
      label={label}
      at={Number(address.get(name))}
      onChange={(at) => address.set({ [name]: String(at) })}
    />
  );
  return (
    <>
      <Select
        inline
        label={T.range}
        value={chosen.range}
        onChange={choose}
        options={Object.entries(T.ranges).map(([id, name]) => ({ id, name }))}
      />
      {chosen.range === "custom" ? (
        <>
          {field("since", T.from)}
          {field("until", T.to)}
        </>
      ) : null}
      {chosen.wrong ? (
        <p className="field-error" role="alert">
          {T.badSpan}
        </p>
      ) : null}
    </>
  );
}

interface MomentProps {
  label: string;
  at: number;
  onChange: (at: number) => void;
}

/** A time that is typed digit by digit: on its way to 2026 a year is 2, 20 and 202, and none of them is asked for. */
function Moment({ label, at, onChange }: MomentProps) {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <label className="field inline">
      <span className="field-label">{label}</span>
      <input
        className="input"
        type="datetime-local"
        value={typed ?? fieldTime(at)}
        onChange={(event) => {
          setTyped(event.target.value);
          const meant = new Date(event.target.value).getTime();
          if (meant >= EARLIEST) onChange(meant);
        }}
        onBlur={() => setTyped(null)}
      />
    </label>
  );
}

interface FreshnessProps {
  at: number;
  failed: boolean;
  paused: boolean;
  busy: boolean;
  onPause: () => void;
  onRefresh: () => void;
}

/** When it was asked for last, and whether it will be again. */
function Freshness({ at, failed, paused, busy, onPause, onRefresh }: FreshnessProps) {
  const { zone } = usePreferences();
  const time = at ? exactTime(at, zone) : "";
  return (
    <div className="freshness">
      {failed && at ? (
        <p className="banner warn" role="status">
          <Icon name="offline" />
          {T.stale} {time}
        </p>
      ) : (
        <p className="muted">{at ? `${paused ? `${T.paused}. ` : ""}${T.updated} ${time}` : ""}</p>
      )}
      <IconButton icon="refresh" label={T.refresh} isPending={busy} onPress={onRefresh} />
      <IconButton
        icon={paused ? "play" : "pause"}
        label={paused ? T.resume : T.pause}
        aria-pressed={paused}
        onPress={onPause}
      />
    </div>
  );
}

interface ShownProps {
  told: Monitored;
  chosen: Chosen;
  every: number | false;
}

function Shown({ told, chosen, every }: ShownProps) {
  const sandbox = useSandbox();
  const address = useAddress();
  const view = VIEWS.find((known) => known === address.get("view")) ?? "dataflows";
  const only = T.only[address.get("only")] ? address.get("only") : "";
  const to = (change: Record<string, string>) => {
    const next = new URLSearchParams(window.location.search);
    for (const [name, value] of Object.entries(change))
      if (value) next.set(name, value);
      else next.delete(name);
    const query = next.toString();
    return `${pathOf(sandbox, "monitoring")}${query ? `?${query}` : ""}`;
  };
  const by = address.get("sort");
  const sort: SortDescriptor | null = by
    ? { column: by.replace(/^-/, ""), direction: by.startsWith("-") ? "descending" : "ascending" }
    : null;
  const ordering = {
    sort,
    onSort: (next: SortDescriptor) =>
      address.set({ sort: `${next.direction === "descending" ? "-" : ""}${next.column}` }),
  };

  return (
    <>
      <Cards told={told} only={only} view={view} to={to} />
      <Activity told={told} />
      <div className="tool-bar">
        <RadioGroup
          segmented
          hideLabel
          label={T.view}
          value={view}
          onChange={(id) =>
            address.set(
              {
                view: id === "dataflows" ? "" : id,
                sort: "",
                q: "",
                ...(id === "sources" ? { account: "" } : {}),
              },
              "push",
            )
          }
          options={VIEWS.map((id) => ({ id, name: T.views[id] }))}
        />
        <SearchField
          label={T.search[view] ?? ""}
          value={address.get("q")}
          onChange={(q) => address.set({ q })}
        />
        {view === "runs" ? null : (
          <Checkbox
            value={only === "attention"}
            onChange={(on) => address.set({ only: on ? "attention" : "" })}
          >
            {T.attention}
          </Checkbox>
        )}
      </div>
      <Narrowed told={told} only={view === "runs" && only !== "running" && only !== "failing" ? "" : only} />
      {view === "runs" ? (
        <Runs told={told} chosen={chosen} every={every} only={only} {...ordering} />
      ) : view === "sources" ? (
        <Accounts told={told} only={only} to={to} {...ordering} />
      ) : (
        <Flows told={told} only={only} to={to} {...ordering} />
      )}
    </>
  );
}

/** The filters that are on, each with what takes it off; the way back up. */
function Narrowed({ told, only }: { told: Monitored; only: string }) {
  const sandbox = useSandbox();
  const address = useAddress();
  const accounts = useQuery(connectionsQuery(sandbox));
  const account = address.get("account");
  const flow = address.get("flow");
  const chips = [
    ...(account
      ? [
          {
            id: "account",
            name: T.ofAccount(
              visibly(accounts.data?.items.find((one) => one.id === account)?.name ?? account),
            ),
          },
        ]
      : []),
    ...(flow
      ? [
          {
            id: "flow",
            name: T.ofFlow(visibly(told.flows.find((one) => one.flowId === flow)?.name ?? flow)),
          },
        ]
      : []),
    ...(only ? [{ id: "only", name: T.only[only] ?? only }] : []),
  ];
  if (chips.length === 0) return null;
  return (
    <ul className="filter-chips" aria-label={T.filteredBy}>
      {chips.map((chip) => (
        <li key={chip.id} className="filter-chip">
          <span>{chip.name}</span>
          <IconButton
            icon="close"
            size="small"
            label={T.unfilter(chip.name)}
            onPress={() => address.set({ [chip.id]: "" }, "push")}
          />
        </li>
      ))}
    </ul>
  );
}

interface TableProps {
  told: Monitored;
  only: string;
  sort: SortDescriptor | null;
  onSort: (sort: SortDescriptor) => void;
}

type Linking = TableProps & { to: (change: Record<string, string>) => string };

/** The table, or why there is none. */
function Listed({
  count,
  of,
  what,
  children,
  quiet,
}: {
  count: number;
  of: number;
  what: "account" | "dataflow" | "run";
  children: ReactNode;
  /** That nothing is here is good. */
  quiet: boolean;
}) {
  const address = useAddress();
  return (
    <div className="listed">
      <p className="result-count" role="status">
        {T.shown(count, of, what)}
      </p>
      {count > 0 ? (
        children
      ) : (
        <EmptyState
          icon={quiet ? "check" : "search"}
          title={quiet ? T.quietTitle : T.noFitTitle}
          action={
            <Button onPress={() => address.set({ q: "", only: "", account: "", flow: "" })}>{T.clear}</Button>
          }
        >
          {quiet ? T.quiet : what === "run" && of === 0 ? T.noRuns : T.noFit}
        </EmptyState>
      )}
    </div>
  );
}

function Flows({ told, only, to, ...ordering }: Linking) {
  const sandbox = useSandbox();
  const address = useAddress();
  const account = address.get("account");
  const accounts = useQuery({ ...accountsOfFlowsQuery(sandbox), enabled: account !== "" });
  const text = address.get("q").toLowerCase();
  const found = told.flows.filter(
    (flow) =>
      `${flow.name} ${flow.flowId}`.toLowerCase().includes(text) &&
      (!account || accounts.data?.get(flow.flowId) === account) &&
      (FITS[only]?.(flow) ?? true),
  );
  if (account && accounts.isPending) return <Skeleton rows={3} />;
  return (
    <>
      {account && accounts.error ? (
        <ErrorPanel what={T.flowsFailed} error={accounts.error} onRetry={() => void accounts.refetch()} />
      ) : null}
      <Listed count={found.length} of={told.flowCount} what="dataflow" quiet={Boolean(only) && !text}>
        <FlowsTable
          sandbox={sandbox}
          rows={found.map((flow) => ({ ...flow, id: flow.flowId }))}
          toRuns={(flow) => to({ view: "runs", flow, only: "", q: "", sort: "" })}
          {...ordering}
        />
      </Listed>
    </>
  );
}

function Accounts({ told, only, to, ...ordering }: Linking) {
  const sandbox = useSandbox();
  const address = useAddress();
  const accountOf = useQuery(accountsOfFlowsQuery(sandbox));
  const accounts = useQuery(connectionsQuery(sandbox));
  const sources = useQuery(sourcesQuery(sandbox));
  if (accountOf.isPending || accounts.isPending) return <Skeleton rows={3} />;
  const error = accountOf.error ?? accounts.error;
  if (error)
    return (
      <ErrorPanel
        what={T.flowsFailed}
        error={error}
        onRetry={() => void Promise.all([accountOf.refetch(), accounts.refetch()])}
      />
    );
  const titles = new Map(sources.data?.map((one) => [one.id, one.title]));
  const rows = new Map<string, AccountRow>();
  for (const flow of told.flows.filter((one) => FITS[only]?.(one) ?? true)) {
    const id = accountOf.data?.get(flow.flowId) ?? "";
    const account = accounts.data?.items.find((one) => one.id === id);
    const row = rows.get(id) ?? {
      id,
      name: account?.name ?? id,
      source: titles.get(account?.connectionSpec.id ?? "") ?? "",
      flows: 0,
      failing: 0,
      late: 0,
      received: 0,
      ingested: 0,
      rejected: 0,
    };
    row.flows += 1;
    row.failing += FITS.failing?.(flow) ? 1 : 0;
    row.late += FITS.late?.(flow) ? 1 : 0;
    row.received += flow.received;
    row.ingested += flow.ingested;
    row.rejected += flow.rejected;
    rows.set(id, row);
  }
  const text = address.get("q").toLowerCase();
  const found = [...rows.values()].filter((row) => `${row.name} ${row.source}`.toLowerCase().includes(text));
  return (
    <Listed count={found.length} of={rows.size} what="account" quiet={Boolean(only) && !text}>
      <AccountsTable
        sandbox={sandbox}
        rows={found}
        toFlows={(account) => to({ view: "", account, q: "", sort: "" })}
        {...ordering}
      />
    </Listed>
  );
}

/** Whether a run is of the states that the filter speaks of. */
const STATE_OF: Record<string, string> = { running: "inProgress", failing: "failed" };

function Runs({ told, chosen, every, only, ...ordering }: TableProps & Pick<ShownProps, "chosen" | "every">) {
  const sandbox = useSandbox();
  const address = useAddress();
  const flow = address.get("flow");
  const runs = useQuery(runsQuery(sandbox, chosen.span, flow, STATE_OF[only] ?? "", { every }));
  if (runs.isPending) return <Skeleton rows={3} />;
  if (runs.error && !runs.data)
    return <ErrorPanel what={T.runsFailed} error={runs.error} onRetry={() => void runs.refetch()} />;
  const names = new Map(told.flows.map((one) => [one.flowId, one.name]));
  const rows = (runs.data?.runs ?? []).map((run) => {
    const { startedAtUTC, completedAtUTC } = run.metrics.durationSummary ?? {};
    const records = run.metrics.recordSummary ?? {};
    return {
      id: run.id,
      run,
      flow: names.get(run.flowId) ?? "",
      started: startedAtUTC || null,
      durationMs: startedAtUTC && completedAtUTC ? completedAtUTC - startedAtUTC : null,
      received: records.inputRecordCount ?? 0,
      ingested: records.outputRecordCount ?? 0,
      rejected: records.failedRecordCount ?? 0,
    };
  });
  const text = address.get("q").toLowerCase();
  const found = rows.filter((row) => `${row.id} ${row.flow}`.toLowerCase().includes(text));
  return (
    <>
      {runs.data?.more ? <p className="banner">{T.more}</p> : null}
      <Listed count={found.length} of={rows.length} what="run" quiet={Boolean(STATE_OF[only]) && !text}>
        <RunsTable sandbox={sandbox} rows={found} {...ordering} />
      </Listed>
    </>
  );
}
