/** What a dataflow does, and the rows of its newest runs. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { now } from "../../api/clock";
import { sourcesQuery } from "../../api/queries";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { Link } from "../../ui/Button";
import { duration } from "../../ui/duration";
import { Fact, Facts } from "../../ui/Facts";
import { ErrorPanel, Skeleton } from "../../ui/feedback";
import { Hostile, Time, visibly } from "../../ui/text";
import { RunBadge } from "../runs/RunBadge";
import { lasted } from "../runs/run";
import { T as R } from "../runs/texts";
import { reasonOf, Why } from "../runs/Why";
import type { FlowProps } from "./Flow";
import { endedRunsQuery } from "./queries";
import { RowsChart } from "./RowsChart";
import { RunStrip } from "./RunStrip";
import { inWords } from "./schedule";
import { T } from "./texts";

const O = T.overview;

export interface Step {
  name: string;
  params: Record<string, unknown>;
}

export const stepOf = (flow: FlowProps["flow"], name: string) =>
  (flow.transformations as Step[]).find((step) => step.name === name)?.params;

export function Overview({ line, flow }: FlowProps) {
  const sandbox = useSandbox();
  const { data: sources } = useQuery(sourcesQuery(sandbox));
  const runs = useQuery(endedRunsQuery(sandbox, line.id));
  const last = runs.data?.[0];
  const source = sources?.find((one) => one.id === line.source.connectionSpec.id)?.title ?? "";
  const column = stepOf(flow, "Copy")?.deltaColumn as { name?: string } | undefined;
  const mapping = stepOf(flow, "Mapping");
  const options = flow.options as { partialIngestionPercent?: number; maxRejectedRecords?: number };
  return (
    <div className="two-columns">
      <div className="stack">
        <section className="panel" aria-labelledby="rows-per-run">
          <h2 id="rows-per-run">{O.chart}</h2>
          {runs.isPending ? <Skeleton rows={3} /> : null}
          {runs.error ? (
            <ErrorPanel what={T.activity.failed} error={runs.error} onRetry={() => void runs.refetch()} />
          ) : null}
          {runs.data?.length === 0 ? <p className="muted">{O.noRuns}</p> : null}
          {runs.data && runs.data.length > 0 ? <RowsChart runs={[...runs.data].reverse()} /> : null}
        </section>
        <section className="panel" aria-labelledby="what">
          <h2 id="what">{O.facts}</h2>
          <Facts>
            <Fact name={O.description}>
              {line.description ? <Hostile>{line.description}</Hostile> : <Muted>{O.none}</Muted>}
            </Fact>
            <Fact name={O.reads}>
              {line.source.path ? <Hostile>{line.source.path}</Hostile> : null}
              {source ? <Muted> · {visibly(source)}</Muted> : null}
            </Fact>
            <Fact name={O.account}>
              {line.account ? (
                <Link to={pathOf(sandbox, `sources/accounts/${encodeURIComponent(line.account.id)}`)}>
                  <Hostile>{line.account.name ?? T.noAccount}</Hostile>
                </Link>
              ) : (
                <Muted>{O.none}</Muted>
              )}
            </Fact>
            <Fact name={O.lands}>
              {line.dataset ? (
                <Link to={pathOf(sandbox, `datasets/${encodeURIComponent(line.dataset.id)}`)}>
                  <Hostile>{line.dataset.name ?? T.noDataset}</Hostile>
                </Link>
              ) : (
                <Muted>{O.none}</Muted>
              )}
            </Fact>
            <Fact name={O.mode}>{O.modes[line.writeMode]}</Fact>
            {line.keyFields.length > 0 ? (
              <Fact name={O.keys}>
                <Hostile>{line.keyFields.join(", ")}</Hostile>
              </Fact>
            ) : null}
            {column?.name ? (
              <Fact name={O.delta}>
                <Hostile>{column.name}</Hostile>
              </Fact>
            ) : null}
            <Fact name={O.schedule}>{inWords(line.schedule)}</Fact>
            <Fact name={O.mapping}>
              {mapping ? O.mappingVersion(Number(mapping.mappingVersion ?? 0)) : <Muted>{O.none}</Muted>}
            </Fact>
            <Fact name={O.partial}>
              {O.tolerated(options.partialIngestionPercent ?? null, options.maxRejectedRecords ?? null)}
            </Fact>
            <Fact name={O.made}>
              <Time at={line.createdAt} exact />
            </Fact>
            <Fact name={O.changed}>
              <Time at={line.updatedAt} exact />
            </Fact>
            <Fact name={O.id}>
              <code>{visibly(line.id)}</code>
            </Fact>
          </Facts>
        </section>
      </div>
      <section className="side-panel" aria-labelledby="last-run">
        <h2 id="last-run">{O.lastRun}</h2>
        {line.recentRuns.length > 0 ? <RunStrip line={line} /> : <p className="muted">{T.noRuns}</p>}
        {last ? (
          <>
            <p className="badges">
              <RunBadge state={last.told} rejected={last.counts.rejected} />
              <Time at={last.startedAt ?? last.madeAt} />
              {last.startedAt === null ? null : <Muted>{duration(lasted(last, now()) ?? 0)}</Muted>}
            </p>
            <p>
              {last.state === "failed"
                ? R.summary.failed
                : R.summary.success(last.counts.written, last.counts.rejected ?? 0)}
            </p>
            <Why reason={reasonOf(last)} whole />
            <Link to={pathOf(sandbox, `runs/${encodeURIComponent(last.id)}`)} className="button plain small">
              {O.openRun}
            </Link>
          </>
        ) : null}
      </section>
    </div>
  );
}

function Muted({ children }: { children: ReactNode }) {
  return <span className="muted">{children}</span>;
}
