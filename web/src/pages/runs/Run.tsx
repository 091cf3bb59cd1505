/** One run: what became of its rows, how long each step took, why rows or the run failed, and what can be done. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useParams } from "wouter";
import { unescaped } from "../../address";
import { ApiError } from "../../api/client";
import { byServer } from "../../api/clock";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { type NamedCall, Page, useSandbox } from "../../shell/page";
import { Button, IconButton, Link } from "../../ui/Button";
import { duration } from "../../ui/duration";
import { EmptyState, ErrorPanel, Skeleton, StatusBadge } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Menu } from "../../ui/overlays";
import { Hostile, Time, visibly } from "../../ui/text";
import { nameOf } from "../dataflows/badges";
import { lineQuery } from "../dataflows/queries";
import { T as F } from "../dataflows/texts";
import { runCalls, runQuery } from "./queries";
import { Rejects } from "./Rejects";
import { ActDialog, offered, type RunAct } from "./RunActs";
import { RunBadge } from "./RunBadge";
import { RunErrors } from "./RunErrors";
import { RunFacts } from "./RunFacts";
import { isActive, lasted, type ReadRun, stateName } from "./run";
import "./runs.css";
import { Steps } from "./Steps";
import { T } from "./texts";
import { Waterfall } from "./Waterfall";

const TICK_MS = 1_000;
const STALE_MS = 5_000;

/** The time, moving on each second while something is at work. */
function useNow(moving: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    setNow(Date.now());
    if (!moving) return;
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [moving]);
  return now;
}

export default function Run() {
  const sandbox = useSandbox();
  const id = unescaped(useParams<{ id: string }>().id ?? "");
  const run = useQuery(runQuery(sandbox, id));
  const crumbs = [{ name: F.title, to: pathOf(sandbox, "flows") }];
  if (run.data) return <Shown key={id} run={run.data} updatedAt={run.dataUpdatedAt} />;
  const missing = run.error instanceof ApiError && [400, 404].includes(run.error.status);
  return (
    <Page title={T.title} crumbs={crumbs} calls={[{ ...runCalls.run(id), title: T.calls.read }]}>
      {run.isPending ? <Skeleton rows={5} /> : null}
      {missing ? (
        <EmptyState
          icon="flows"
          title={T.notFoundTitle}
          action={
            <Link to={pathOf(sandbox, "flows")} className="button primary normal">
              {T.back}
            </Link>
          }
        >
          {T.notFound}
        </EmptyState>
      ) : null}
      {run.error && !missing ? (
        <ErrorPanel what={T.failed} error={run.error} onRetry={() => void run.refetch()} />
      ) : null}
    </Page>
  );
}

function Shown({ run, updatedAt }: { run: ReadRun; updatedAt: number }) {
  const sandbox = useSandbox();
  const session = useSession();
  const client = useQueryClient();
  const line = useQuery(lineQuery(sandbox, run.flowId));
  const [act, setAct] = useState<RunAct | null>(null);
  const active = isActive(run);
  const now = useNow(active);
  const wasActive = useRef(active);
  useEffect(() => {
    // What it did is shown elsewhere, too.
    if (wasActive.current && !active)
      for (const queryKey of [
        ["flow", sandbox, run.flowId],
        ["flows", sandbox],
      ])
        void client.invalidateQueries({ queryKey });
    wasActive.current = active;
  }, [active, client, run.flowId, sandbox]);
  const mayRun = session.permissions.includes("run");
  const flowPath = pathOf(sandbox, `flows/${encodeURIComponent(run.flowId)}`);
  const name = line.data ? nameOf(line.data) : "";
  const crumbs = [
    { name: F.title, to: pathOf(sandbox, "flows") },
    ...(line.data ? [{ name: visibly(name), to: flowPath }] : []),
  ];
  const possible = (["cancel", "retry", "undo"] as const).filter((one) => mayRun && offered[one](run));
  const stale = active && now - updatedAt > STALE_MS;
  // What is not known of goes no further on the page.
  const known = byServer(stale ? updatedAt : now);
  const took = lasted(run, known);
  const calls: NamedCall[] = [
    { ...runCalls.run(run.id), title: T.calls.read },
    { ...runCalls.rejects(run.id, { code: "", field: "", state: "" }, 50), title: T.calls.rejects },
    ...possible.map((one) => ({ ...runCalls[one](run.id), title: T.calls[one] })),
    ...(run.counts.rejected
      ? [
          { ...runCalls.trial(run.id, { code: "", field: "", state: "" }), title: T.calls.trial },
          { ...runCalls.replay(run.id, { code: "", field: "", state: "" }), title: T.calls.replay },
        ]
      : []),
  ];
  return (
    <Page
      title={`${T.title} ${run.id.slice(0, 8)}`}
      heading={
        <>
          {T.title} <code className="run-number">{visibly(run.id.slice(0, 8))}</code>
        </>
      }
      crumbs={crumbs}
      calls={calls}
      lead={
        <span className="run-lead">
          {stale ? (
            <StatusBadge tone="neutral" icon="offline">
              {T.live.last(stateName(run.told))}
            </StatusBadge>
          ) : (
            <RunBadge state={run.told} rejected={run.counts.rejected} />
          )}
          <span>{T.triggers[run.trigger]}</span>
          <Time at={run.startedAt ?? run.madeAt} />
          {took === null ? null : <span>{duration(took)}</span>}
        </span>
      }
      actions={
        <>
          {possible[0] ? (
            <Button
              look={possible[0] === "cancel" ? "danger" : "plain"}
              onPress={() => setAct(possible[0] ?? null)}
            >
              {T.acts[possible[0]]}
            </Button>
          ) : null}
          {possible.length > 1 ? (
            <Menu
              label={T.acts.menu}
              groups={[
                {
                  id: "acts",
                  entries: possible.slice(1).map((one) => ({
                    id: one,
                    name: T.acts[one],
                    danger: one === "undo",
                    onAction: () => setAct(one),
                  })),
                },
              ]}
            >
              <IconButton icon="more" look="plain" label={T.acts.menu} />
            </Menu>
          ) : null}
        </>
      }
    >
      <p className="visually-hidden" role="status">
        {stale ? T.live.last(stateName(run.told)) : T.live.said(stateName(run.told))}
      </p>
      {stale ? (
        <p className="banner warn" role="status">
          <Icon name="offline" />
          {T.live.stale} {T.live.updated} <Time at={byServer(updatedAt)} exact />
        </p>
      ) : null}
      {stale ? null : <Summary run={run} />}
      <RunErrors run={run} />
      <div className="two-columns">
        <div className="stack">
          <Waterfall run={run} />
          <Steps run={run} now={known} />
        </div>
        <section className="side-panel" aria-labelledby="facts">
          <h2 id="facts">{T.facts.title}</h2>
          <RunFacts run={run} line={line.data} took={took} />
          {active ? (
            <p className="muted">
              {T.live.updated} <Time at={byServer(updatedAt)} exact />
            </p>
          ) : null}
        </section>
      </div>
      <Rejects run={run} />
      {act ? <ActDialog run={run} act={act} onClose={() => setAct(null)} /> : null}
    </Page>
  );
}

/** In one sentence what the run came to. */
function Summary({ run }: { run: ReadRun }) {
  const { written, rejected, deleted, restored } = run.counts;
  const text =
    run.told === "undone"
      ? T.summary.undone
      : run.state === "scheduled"
        ? T.summary.scheduled
        : run.state === "inProgress"
          ? T.summary.inProgress
          : run.state === "failed"
            ? T.summary.failed
            : run.trigger === "undo"
              ? T.summary.undo(deleted, restored)
              : T.summary.success(written, rejected ?? 0);
  return (
    <p className="run-summary">
      {text}
      {run.drift.length > 0 ? (
        <>
          {" "}
          {T.facts.drift}:{" "}
          {run.drift.map((change, place) => (
            <span key={change.column}>
              {place > 0 ? ", " : ""}
              <Hostile>
                {change.kind === "typeChange"
                  ? T.drift.typeChange(change.column, change.was.join(", "), change.now.join(", "))
                  : T.drift[change.kind](change.column)}
              </Hostile>
            </span>
          ))}
        </>
      ) : null}
    </p>
  );
}
