/** The dataflows of the sandbox: where they read and land, when they run, and how the last runs went. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { useAddress } from "../../address";
import { connectionsQuery, sourcesQuery } from "../../api/queries";
import type { FlowLine } from "../../api/types";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { type NamedCall, Page, useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button, IconButton, Link } from "../../ui/Button";
import { Select } from "../../ui/choices";
import { ErrorPanel, NothingFound, Skeleton, StatusBadge, toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Menu, type MenuGroup } from "../../ui/overlays";
import { SearchField } from "../../ui/SearchField";
import { Table, type TableColumn } from "../../ui/Table";
import { Hostile, Time, visibly } from "../../ui/text";
import { RunBadge } from "../runs/RunBadge";
import type { Ended } from "../runs/run";
import { T as R } from "../runs/texts";
import { Hindrance, Why } from "../runs/Why";
import { NothingYet, useSampleData } from "../sources/SampleData";
import { type Act, perform } from "./acts";
import { Bulk } from "./Bulk";
import { FlowBadge, nameOf } from "./badges";
import { DeleteFlow } from "./DeleteFlow";
import "./dataflows.css";
import { duplicateOf, flowCalls, linesQuery, PAGE, type Wanted } from "./queries";
import { RunNow } from "./RunNow";
import { RunStrip } from "./RunStrip";
import { inWords } from "./schedule";
import { T } from "./texts";

const FILTERS = ["state", "lastRun", "source", "account", "dataset"] as const;
/** Columns by which the server sorts, by its names. */
const SORTED: Record<string, string> = { name: "name", last: "lastRun", next: "nextRun", state: "state" };
const TYPING_MS = 250;

function useWanted(): Wanted {
  const address = useAddress();
  const lists = Object.fromEntries(FILTERS.map((name) => [name, address.list(name)])) as Record<
    (typeof FILTERS)[number],
    string[]
  >;
  return {
    q: address.get("q"),
    ...lists,
    late: address.get("late") === "true",
    sort: address.get("sort") || "-lastRun",
    page: Math.max(Number(address.get("page")) || 1, 1),
  };
}

/** The value, once it has stayed the same for a moment: not each letter asks the server. */
function useSettled<V>(value: V, same: string): V {
  const [settled, setSettled] = useState(value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `same` tells whether it is another value
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), TYPING_MS);
    return () => clearTimeout(timer);
  }, [same]);
  return settled;
}

export default function Dataflows() {
  const sandbox = useSandbox();
  const session = useSession();
  const address = useAddress();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const wanted = useWanted();
  const q = useSettled(wanted.q, wanted.q);
  const asked = { ...wanted, q };
  const lines = useQuery(linesQuery(sandbox, asked));
  const accounts = useQuery(connectionsQuery(sandbox));
  const sources = useQuery(sourcesQuery(sandbox));
  const sample = useSampleData();
  const [act, setAct] = useState<{ what: "run" | "remove"; line: FlowLine } | null>(null);
  const [bulk, setBulk] = useState<Act | null>(null);
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const [refused, setRefused] = useState<{ what: string; error: unknown } | null>(null);

  const may = (permission: string) => session.permissions.includes(permission);
  const mayManage = may("manage-sources");
  const mayRun = may("run");
  const open = (id: string) => navigate(pathOf(sandbox, `flows/${encodeURIComponent(id)}`));
  /** Another filter or order begins at its first page, and with nothing chosen. */
  const narrow = (change: Record<string, string | string[]>) => {
    setChosen(new Set());
    address.set({ page: "", ...change });
  };
  const clear = () => narrow({ q: "", late: "", ...Object.fromEntries(FILTERS.map((name) => [name, ""])) });

  const doNow = async (what: "pause" | "resume", line: FlowLine) => {
    setRefused(null);
    try {
      await perform(what, line.id, sandbox, client);
      toast(T.flow.done[what]);
    } catch (error) {
      setRefused({ what: T.flow.notDone[what], error });
    }
  };

  const rows = lines.data?.items ?? [];
  const count = lines.data?.count ?? 0;
  const first = (wanted.page - 1) * PAGE + 1;
  const filtered = Boolean(wanted.q || wanted.late || FILTERS.some((name) => wanted[name].length > 0));
  const accountName = new Map(
    accounts.data?.items.map((one) => [one.id, one.name ?? texts.accounts.unnamed]),
  );
  const sourceName = new Map(sources.data?.map((one) => [one.id, one.title]));
  const by = wanted.sort.replace(/^-/, "");
  const sort = {
    column: Object.entries(SORTED).find(([, name]) => name === by)?.[0] ?? "last",
    direction: wanted.sort.startsWith("-") ? ("descending" as const) : ("ascending" as const),
  };

  const columns: TableColumn<FlowLine>[] = [
    {
      id: "name",
      name: T.columns.name,
      rowHeader: true,
      sortable: true,
      cell: (line) => (
        <div className="two-lines">
          <Link to={pathOf(sandbox, `flows/${encodeURIComponent(line.id)}`)}>
            <Hostile>{nameOf(line)}</Hostile>
          </Link>
          <span className="flow-way">
            {line.account ? <Hostile>{line.account.name ?? T.noAccount}</Hostile> : null}
            {line.source.path ? (
              <>
                <span aria-hidden="true">·</span>
                <Hostile>{line.source.path}</Hostile>
              </>
            ) : null}
            {line.dataset ? (
              <>
                <Icon name="arrow" />
                <Hostile>{line.dataset.name ?? T.noDataset}</Hostile>
              </>
            ) : null}
          </span>
        </div>
      ),
    },
    {
      id: "state",
      name: T.columns.state,
      sortable: true,
      cell: (line) => <FlowBadge state={line.state} />,
    },
    {
      id: "runs",
      name: T.columns.runs,
      cell: (line) =>
        line.recentRuns.length > 0 ? <RunStrip line={line} /> : <span className="muted">{T.noRuns}</span>,
    },
    {
      id: "last",
      name: T.columns.last,
      sortable: true,
      cell: (line) => <LastRun line={line} />,
    },
    {
      id: "next",
      name: T.columns.schedule,
      sortable: true,
      cell: (line) => (
        <div className="two-lines">
          <span>{inWords(line.schedule)}</span>
          <NextRun line={line} />
        </div>
      ),
    },
    {
      id: "actions",
      name: T.columns.actions,
      quiet: true,
      pinned: true,
      cell: (line) => {
        const groups: MenuGroup[] = [
          {
            id: "look",
            entries: [
              { id: "open", name: T.acts.open, onAction: () => open(line.id) },
              ...(mayRun && line.state === "enabled"
                ? [{ id: "run", name: T.acts.run, onAction: () => setAct({ what: "run", line }) }]
                : []),
            ],
          },
        ];
        if (mayManage)
          groups.push({
            id: "change",
            entries: [
              ...(line.state === "draft"
                ? []
                : line.state === "enabled"
                  ? [{ id: "pause", name: T.acts.pause, onAction: () => void doNow("pause", line) }]
                  : [{ id: "resume", name: T.acts.resume, onAction: () => void doNow("resume", line) }]),
              {
                id: "edit",
                name: T.acts.edit,
                onAction: () => navigate(pathOf(sandbox, `flows/${encodeURIComponent(line.id)}/edit`)),
              },
              ...(may("view-data") && line.state !== "draft"
                ? [
                    {
                      id: "duplicate",
                      name: T.acts.duplicate,
                      onAction: () => navigate(pathOf(sandbox, duplicateOf(line.id))),
                    },
                  ]
                : []),
              {
                id: "delete",
                name: T.acts.remove,
                danger: true,
                onAction: () => setAct({ what: "remove", line }),
              },
            ],
          });
        return (
          <Menu label={T.menu(visibly(nameOf(line)))} groups={groups}>
            <IconButton icon="more" size="small" label={T.menu(visibly(nameOf(line)))} />
          </Menu>
        );
      },
    },
  ];

  const isEmpty = lines.data !== undefined && count === 0 && !filtered;
  const pageCalls: NamedCall[] = [
    { ...flowCalls.lines(asked), title: T.calls.list },
    ...[...chosen].slice(0, 1).flatMap((id): NamedCall[] => [
      { ...flowCalls.runNow(id), title: T.calls.run },
      { ...flowCalls.switched(id, false), title: T.calls.pause },
      { ...flowCalls.remove(id), title: T.calls.remove },
    ]),
    ...(isEmpty ? (sample?.calls ?? []) : []),
  ];
  const add =
    mayManage && may("view-data") ? (
      <Link to={pathOf(sandbox, "flows/new")} className="button primary normal">
        {T.add}
      </Link>
    ) : null;
  const select = (
    name: "state" | "lastRun" | "account",
    label: string,
    any: string,
    options: { id: string; name: string }[],
  ) => (
    <Select
      inline
      label={label}
      value={wanted[name][0] ?? "any"}
      onChange={(id) => narrow({ [name]: id === "any" ? "" : id })}
      options={[{ id: "any", name: any }, ...options]}
    />
  );
  const chips: { name: string; clear: Record<string, string> }[] = [
    ...wanted.source.map((id) => ({
      name: `${T.source}: ${visibly(sourceName.get(id) ?? id)}`,
      clear: { source: wanted.source.filter((one) => one !== id).join(",") },
    })),
    ...wanted.dataset.map((id) => ({
      name: `${T.dataset}: ${visibly(rows.find((line) => line.dataset?.id === id)?.dataset?.name ?? id)}`,
      clear: { dataset: wanted.dataset.filter((one) => one !== id).join(",") },
    })),
    ...(wanted.late ? [{ name: T.lateFilter, clear: { late: "" } }] : []),
  ];
  const shown = rows.filter((line) => chosen.has(line.id));

  return (
    <Page title={T.title} lead={T.lead} actions={add} calls={pageCalls}>
      {refused ? <ErrorPanel what={refused.what} error={refused.error} /> : null}
      {lines.error && !lines.data ? (
        <ErrorPanel what={T.failed} error={lines.error} onRetry={() => void lines.refetch()} />
      ) : null}
      {lines.isPending ? <Skeleton /> : null}
      {isEmpty ? (
        <NothingYet icon="flows" title={T.emptyTitle} add={add} sample={sample}>
          {T.empty}
        </NothingYet>
      ) : null}
      {lines.data && (count > 0 || filtered) ? (
        <>
          <div className="tool-bar">
            <SearchField label={T.search} value={wanted.q} onChange={(text) => narrow({ q: text })} />
            {select(
              "state",
              T.stateFilter,
              T.anyState,
              ["enabled", "disabled", "draft"].map((id) => ({ id, name: T.states[id] ?? id })),
            )}
            {select(
              "lastRun",
              T.lastFilter,
              T.anyLast,
              Object.entries(T.lastNames).map(([id, name]) => ({ id, name })),
            )}
            {accountName.size > 1 || wanted.account.length > 0
              ? select(
                  "account",
                  T.account,
                  T.anyAccount,
                  [...new Set([...accountName.keys(), ...wanted.account])].map((id) => ({
                    id,
                    name: visibly(accountName.get(id) ?? id),
                  })),
                )
              : null}
            <p className="result-count" role="status">
              {T.shown(first, Math.min(first + PAGE - 1, count), count)}
            </p>
          </div>
          {chips.length > 0 ? (
            <ul className="chips" aria-label={T.filters}>
              {chips.map((chip) => (
                <li key={chip.name}>
                  <Button
                    size="small"
                    onPress={() => narrow(chip.clear)}
                    aria-label={T.removeFilter(chip.name)}
                  >
                    {chip.name}
                    <Icon name="close" />
                  </Button>
                </li>
              ))}
              <li>
                <Button size="small" look="quiet" onPress={clear}>
                  {T.clearAll}
                </Button>
              </li>
            </ul>
          ) : null}
          {rows.length === 0 ? (
            <NothingFound title={T.emptyFilteredTitle} onClear={clear}>
              {T.emptyFiltered}
            </NothingFound>
          ) : (
            <div className="flow-list" aria-busy={lines.isPlaceholderData}>
              {shown.length > 0 ? (
                <section className="bulk-bar" aria-label={T.bulk.label}>
                  <strong>{T.bulk.chosen(shown.length)}</strong>
                  {mayRun ? (
                    <Button size="small" icon="running" onPress={() => setBulk("run")}>
                      {T.acts.run}
                    </Button>
                  ) : null}
                  {mayManage ? (
                    <>
                      <Button size="small" onPress={() => setBulk("pause")}>
                        {T.acts.pause}
                      </Button>
                      <Button size="small" onPress={() => setBulk("resume")}>
                        {T.acts.resume}
                      </Button>
                      <Button size="small" look="danger" onPress={() => setBulk("remove")}>
                        {T.acts.remove}
                      </Button>
                    </>
                  ) : null}
                  <Button size="small" look="quiet" onPress={() => setChosen(new Set())}>
                    {T.bulk.clear}
                  </Button>
                </section>
              ) : null}
              <Table
                label={T.table}
                place="dataflows"
                columns={columns}
                rows={rows}
                sort={sort}
                onSort={(next) =>
                  narrow({
                    sort: `${next.direction === "descending" ? "-" : ""}${SORTED[String(next.column)] ?? "lastRun"}`,
                  })
                }
                onOpen={open}
                textOf={(line) => visibly(nameOf(line))}
                {...(mayManage || mayRun ? { chosen, onChoose: setChosen } : {})}
              />
              {count > PAGE ? (
                <nav className="pager" aria-label={T.pages}>
                  <Button
                    size="small"
                    isDisabled={wanted.page <= 1}
                    onPress={() =>
                      address.set({ page: wanted.page > 2 ? String(wanted.page - 1) : "" }, "push")
                    }
                  >
                    {T.previous}
                  </Button>
                  <span className="muted">{T.shown(first, Math.min(first + PAGE - 1, count), count)}</span>
                  <Button
                    size="small"
                    isDisabled={first + PAGE - 1 >= count}
                    onPress={() => address.set({ page: String(wanted.page + 1) }, "push")}
                  >
                    {T.next}
                  </Button>
                </nav>
              ) : null}
            </div>
          )}
        </>
      ) : null}
      {act?.what === "run" ? <RunNow line={act.line} onClose={() => setAct(null)} /> : null}
      {act?.what === "remove" ? (
        <DeleteFlow line={act.line} onClose={() => setAct(null)} onDeleted={() => setAct(null)} />
      ) : null}
      {bulk ? (
        <Bulk
          act={bulk}
          lines={shown}
          onClose={() => setBulk(null)}
          onDone={() => {
            setChosen(new Set());
            void lines.refetch();
          }}
        />
      ) : null}
    </Page>
  );
}

export function LastRun({ line }: { line: FlowLine }) {
  const newest = line.recentRuns[0];
  if (!newest) return <span className="muted">{T.never}</span>;
  return (
    <div className="two-lines">
      <RunBadge state={newest.state as Ended} brief />
      <span className="muted">
        {newest.rejected > 0 ? `${R.rejected(newest.rejected)} · ` : ""}
        <Time at={newest.startedAt ?? newest.createdAt} />
      </span>
      {newest.id === line.lastRun?.id ? <Why reason={line.lastRun.reason} /> : null}
    </div>
  );
}

export function NextRun({ line }: { line: FlowLine }) {
  if (line.lateByMs !== null)
    return (
      <>
        <StatusBadge tone="warn">{T.late}</StatusBadge>
        <Hindrance of={line.hindrance} />
      </>
    );
  return (
    <span className="muted">
      {line.nextRunAt === null ? (
        T.nothingDue
      ) : (
        <>
          {T.due} <Time at={line.nextRunAt} />
        </>
      )}
    </span>
  );
}
