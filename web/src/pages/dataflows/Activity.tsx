/** The runs of a dataflow: those that were made, with filters, and those that its schedule will make. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useLocation } from "wouter";
import { useAddress } from "../../address";
import { type Call, send } from "../../api/client";
import { now } from "../../api/clock";
import type { FlowLine, Run } from "../../api/types";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { Button, Link } from "../../ui/Button";
import { RadioGroup, Select } from "../../ui/choices";
import { duration } from "../../ui/duration";
import { EmptyState, ErrorPanel, Skeleton } from "../../ui/feedback";
import { bytes } from "../../ui/size";
import { Table, type TableColumn } from "../../ui/Table";
import { Count, Time } from "../../ui/text";
import { RunBadge } from "../runs/RunBadge";
import { Window } from "../runs/RunFacts";
import { isActive, lasted, type ReadRun, readRun, stateName } from "../runs/run";
import { T as R } from "../runs/texts";
import { reasonOf, Why } from "../runs/Why";
import { FLOW, flowCalls } from "./queries";
import { nextSlots } from "./schedule";
import { T } from "./texts";

const A = T.activity;
const DAY_MS = 86_400_000;
const BUSY_MS = 2_000;
const RESULTS = ["success", "partialSuccess", "failed", "inProgress", "scheduled"];

interface Runs {
  items: Run[];
  _links?: { next?: { href: string } | null };
}

export function Activity({ line }: { line: FlowLine }) {
  const address = useAddress();
  const view = address.get("view") || "processed";
  return (
    <div className="stack">
      <RadioGroup
        label={A.view}
        hideLabel
        segmented
        value={view}
        onChange={(id) => address.set({ view: id === "processed" ? "" : id })}
        options={[
          { id: "processed", name: A.processed },
          { id: "scheduled", name: A.scheduled },
        ]}
      />
      {view === "scheduled" ? <Scheduled line={line} /> : <Processed line={line} />}
    </div>
  );
}

function Processed({ line }: { line: FlowLine }) {
  const sandbox = useSandbox();
  const address = useAddress();
  const [, navigate] = useLocation();
  const state = address.get("result");
  const range = address.get("since") || "all";
  // To the minute, so that drawing the page again asks for nothing new.
  const since = useMemo(
    () => (range === "all" ? 0 : Math.floor((now() - Number(range) * DAY_MS) / 60_000) * 60_000),
    [range],
  );
  const first = flowCalls.runs(line.id, [
    ...(state ? [`state==${state}`] : []),
    ...(since ? [`createdAt>=${since}`] : []),
  ]);
  const runs = useInfiniteQuery({
    queryKey: ["flow", sandbox, line.id, "runs", first.path],
    queryFn: ({ pageParam, signal }) =>
      send<Runs>({ method: "GET", path: pageParam } satisfies Call, sandbox, signal),
    initialPageParam: first.path,
    getNextPageParam: (last) => {
      const href = last._links?.next?.href;
      return href ? (href.startsWith("/data") ? href : `${FLOW}${href}`) : undefined;
    },
    refetchInterval: ({ state: { data } }) =>
      data?.pages.some((page) =>
        page.items.some((run) => isActive({ state: run.metrics.statusSummary.status })),
      )
        ? BUSY_MS
        : false,
  });
  const rows = (runs.data?.pages ?? []).flatMap((page) => page.items).map(readRun);
  const filtered = Boolean(state || since);
  const columns: TableColumn<ReadRun>[] = [
    {
      id: "made",
      name: A.columns.made,
      rowHeader: true,
      cell: (run) => (
        <Link to={pathOf(sandbox, `runs/${encodeURIComponent(run.id)}`)}>
          <Time at={run.startedAt ?? run.madeAt} exact />
        </Link>
      ),
    },
    {
      id: "state",
      name: A.columns.state,
      cell: (run) => (
        <div className="two-lines">
          <RunBadge state={run.told} brief />
          <Why reason={reasonOf(run)} />
        </div>
      ),
    },
    { id: "trigger", name: A.columns.trigger, cell: (run) => R.triggers[run.trigger] },
    {
      id: "took",
      name: A.columns.took,
      numeric: true,
      cell: (run) => {
        const took = lasted(run, now());
        return took === null ? "–" : duration(took);
      },
    },
    { id: "read", name: A.columns.read, numeric: true, cell: (run) => <Rows count={run.counts.read} /> },
    {
      id: "filtered",
      name: A.columns.filtered,
      numeric: true,
      cell: (run) => <Rows count={run.counts.filtered} />,
    },
    {
      id: "rejected",
      name: A.columns.rejected,
      numeric: true,
      cell: (run) => <Rows count={run.counts.rejected} />,
    },
    {
      id: "written",
      name: A.columns.written,
      numeric: true,
      cell: (run) => <Rows count={run.counts.written} />,
    },
    {
      id: "bytes",
      name: A.columns.bytes,
      numeric: true,
      cell: (run) => (run.counts.inputBytes === null ? "–" : bytes(run.counts.inputBytes)),
    },
    {
      id: "window",
      name: A.columns.window,
      cell: (run) => (
        <span className="muted">
          <Window run={run} />
        </span>
      ),
    },
  ];
  return (
    <>
      <div className="tool-bar">
        <Select
          inline
          label={A.state}
          value={state || "any"}
          onChange={(id) => address.set({ result: id === "any" ? "" : id })}
          options={[{ id: "any", name: A.anyState }, ...RESULTS.map((id) => ({ id, name: stateName(id) }))]}
        />
        <Select
          inline
          label={A.range}
          value={range}
          onChange={(id) => address.set({ since: id === "all" ? "" : id })}
          options={["all", "1", "7", "30"].map((id) => ({ id, name: A.ranges[id] ?? id }))}
        />
        <p className="result-count" role="status">
          {runs.data ? A.shown(rows.length, runs.hasNextPage) : ""}
        </p>
      </div>
      {runs.isPending ? <Skeleton rows={4} /> : null}
      {runs.error && !runs.data ? (
        <ErrorPanel what={A.failed} error={runs.error} onRetry={() => void runs.refetch()} />
      ) : null}
      {runs.data && rows.length === 0 ? (
        <EmptyState
          icon="clock"
          title={filtered ? A.none : A.emptyTitle}
          action={
            filtered ? (
              <Button onPress={() => address.set({ result: "", since: "" })}>{T.clearAll}</Button>
            ) : undefined
          }
        >
          {filtered ? A.noneText : A.empty}
        </EmptyState>
      ) : null}
      {rows.length > 0 ? (
        <Table
          label={A.table}
          place="activity"
          columns={columns}
          rows={rows}
          onOpen={(id) => navigate(pathOf(sandbox, `runs/${encodeURIComponent(id)}`))}
          textOf={(run) => run.id}
        />
      ) : null}
      {runs.hasNextPage ? (
        <Button isPending={runs.isFetchingNextPage} onPress={() => void runs.fetchNextPage()}>
          {A.more}
        </Button>
      ) : null}
    </>
  );
}

const Rows = ({ count }: { count: number | null }) => (count === null ? "–" : <Count value={count} />);

function Scheduled({ line }: { line: FlowLine }) {
  const sandbox = useSandbox();
  const slots = nextSlots(line, 5);
  const waiting = line.recentRuns.filter((run) => run.state === "scheduled");
  return (
    <>
      {waiting.length > 0 ? (
        <section className="panel" aria-labelledby="waiting">
          <h2 id="waiting">{A.waiting}</h2>
          <ul className="rows wide">
            {waiting.map((run) => (
              <li key={run.id}>
                <Link to={pathOf(sandbox, `runs/${encodeURIComponent(run.id)}`)}>
                  <Time at={run.createdAt} exact />
                </Link>
                <RunBadge state="scheduled" />
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      {slots.length > 0 ? (
        <section className="panel" aria-labelledby="next-runs">
          <h2 id="next-runs">{A.nextRuns}</h2>
          <ol className="rows wide">
            {slots.map((at) => (
              <li key={at}>
                <Time at={at} exact />
                <span className="muted">
                  <Time at={at} />
                </span>
              </li>
            ))}
          </ol>
        </section>
      ) : (
        <EmptyState icon="clock" title={A.nothingScheduled}>
          {A.nothingScheduledText}
        </EmptyState>
      )}
    </>
  );
}
