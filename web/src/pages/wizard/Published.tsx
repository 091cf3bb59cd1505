/** After publishing: the dataflow's first run, followed until it has ended. */
import { useQuery } from "@tanstack/react-query";
import { ApiError, send } from "../../api/client";
import { byServer, now } from "../../api/clock";
import { PAGES, pathOf } from "../../shell/navigation";
import { Page, useSandbox } from "../../shell/page";
import { texts as shared } from "../../texts";
import { Link } from "../../ui/Button";
import { CopyButton, EmptyState, ErrorPanel, Skeleton, StatusBadge, type Tone } from "../../ui/feedback";
import { Count, Hostile, sentence, Time, visibly } from "../../ui/text";
import { ROWS_FAILED, rejectedRows } from "../runs/Why";
import type { ThingKind } from "./making";
import { firstRunQuery, hasEnded, type RunLine, wizardCalls } from "./queries";
import { texts } from "./texts";

const T = texts.done;
const hasFlowPages = PAGES.some((page) => page.id === "flows");

const TONES: Record<string, Tone> = {
  scheduled: "neutral",
  inProgress: "info",
  success: "good",
  partialSuccess: "warn",
  failed: "bad",
};

interface FlowTold {
  id: string;
  name?: string;
  scheduleParams?: { startTime?: number | string; frequency?: string };
  sourceConnectionIds?: string[];
  targetConnectionIds?: string[];
  transformations?: { name: string; params?: { mappingId?: string } }[];
}

interface TargetTold {
  data?: { schema?: { id?: string } };
  params?: { dataSetId?: string };
}

export function Published({ flow }: { flow: string }) {
  const sandbox = useSandbox();
  const known = useQuery({
    queryKey: ["wizard-flow", sandbox, flow],
    queryFn: async ({ signal }) =>
      (await send<{ items: FlowTold[] }>(wizardCalls.flow(flow), sandbox, signal)).items[0],
    retry: false,
  });
  const run = useQuery({ ...firstRunQuery(sandbox, flow), enabled: Boolean(known.data) });
  const missing = known.error instanceof ApiError && [400, 404].includes(known.error.status);
  const name = known.data?.name ?? "";
  const start = Number(known.data?.scheduleParams?.startTime ?? 0) * 1000;
  return (
    <Page
      title={name ? texts.review.publishedTitle(visibly(name)) : missing ? T.one : T.title}
      lead={known.data ? T.lead : undefined}
      calls={[
        { ...wizardCalls.flow(flow), title: T.callFlow },
        { ...wizardCalls.runsOf(flow), title: T.callRun },
      ]}
      actions={
        <Link to={pathOf(sandbox, "flows/new")} className="button plain normal">
          {T.another}
        </Link>
      }
    >
      {known.isPending ? <Skeleton rows={4} /> : null}
      {missing ? (
        <EmptyState
          icon="stream"
          title={T.missingTitle}
          action={
            <Link to={pathOf(sandbox, "flows/new")} className="button primary normal">
              {T.another}
            </Link>
          }
        >
          {T.missing}
        </EmptyState>
      ) : null}
      {known.error && !missing ? (
        <ErrorPanel what={T.failed} error={known.error} onRetry={() => void known.refetch()} />
      ) : null}
      {known.data ? (
        <section className="panel first-run" aria-labelledby="first-run" aria-busy={!run.data}>
          <div className="panel-title">
            <h2 id="first-run">{T.run}</h2>
            {run.data ? (
              <StatusBadge tone={TONES[run.data.state] ?? "neutral"}>
                {T.runStates[run.data.state] ?? visibly(run.data.state)}
              </StatusBadge>
            ) : null}
          </div>
          {run.error ? (
            <ErrorPanel what={T.runFailed} error={run.error} onRetry={() => void run.refetch()} />
          ) : null}
          {run.data ? (
            <Run run={run.data} />
          ) : (
            <p role="status">
              {start > now() + 5_000 ? (
                <>
                  {T.later} <Time at={start} exact />.
                </>
              ) : (
                T.waiting
              )}
            </p>
          )}
          {run.dataUpdatedAt && !(run.data && hasEnded(run.data)) ? (
            <p className="muted">
              {shared.common.updated} <Time at={byServer(run.dataUpdatedAt)} exact />
            </p>
          ) : null}
          {hasFlowPages ? (
            <Link to={pathOf(sandbox, `flows/${flow}`)} className="button primary normal">
              {T.openFlow}
            </Link>
          ) : null}
        </section>
      ) : null}
      {known.data ? <MadeOf flow={known.data} /> : null}
    </Page>
  );
}

/** What the dataflow consists of, by the ids that scripts need. */
function MadeOf({ flow }: { flow: FlowTold }) {
  const sandbox = useSandbox();
  const end = flow.targetConnectionIds?.[0] ?? "";
  const target = useQuery({
    queryKey: ["wizard-target", sandbox, end],
    queryFn: async ({ signal }) =>
      (await send<{ items: TargetTold[] }>(wizardCalls.target(end), sandbox, signal)).items[0],
    enabled: end !== "",
  });
  const dataset = target.data?.params?.dataSetId ?? "";
  const things: [ThingKind, string][] = [
    ["flow", flow.id],
    ["source", flow.sourceConnectionIds?.[0] ?? ""],
    ["target", end],
    ["mapping", flow.transformations?.find((one) => one.name === "Mapping")?.params?.mappingId ?? ""],
    ["dataset", dataset],
    ["schema", target.data?.data?.schema?.id ?? ""],
  ];
  const query = `flowservice sql 'SELECT * FROM "${dataset}" LIMIT 10'`;
  return (
    <section className="panel" aria-labelledby="made-of">
      <h2 id="made-of">{T.made}</h2>
      {target.error ? (
        <ErrorPanel what={T.targetFailed} error={target.error} onRetry={() => void target.refetch()} />
      ) : null}
      <dl className="facts">
        {things.map(([kind, id]) =>
          id ? (
            <div key={kind} className="fact">
              <dt>{texts.review.things[kind]}</dt>
              <dd>
                {kind === "dataset" || kind === "schema" ? (
                  <Link to={pathOf(sandbox, `${kind}s/${encodeURIComponent(id)}`)}>
                    <code>{visibly(id)}</code>
                  </Link>
                ) : (
                  <code>{visibly(id)}</code>
                )}
              </dd>
            </div>
          ) : null,
        )}
      </dl>
      {dataset ? (
        <>
          <h3>{T.readIt}</h3>
          <p className="command">
            <code>{query}</code>
            <CopyButton text={query} label={shared.call.copy(T.readIt)} />
          </p>
        </>
      ) : null}
    </section>
  );
}

function Run({ run }: { run: RunLine }) {
  const sandbox = useSandbox();
  const summary = run.metrics?.recordSummary;
  const errors = run.metrics?.statusSummary?.errors ?? [];
  const rejected = (summary?.failedInfo ?? []).map(rejectedRows).join("; ");
  const counts = [
    [T.counts.read, summary?.inputRecordCount],
    [T.counts.landed, summary?.outputRecordCount],
    [T.counts.rejected, summary?.failedRecordCount],
    [T.counts.skipped, summary?.skippedRecordCount],
  ] as const;
  return (
    <>
      <p className="visually-hidden" role="status">
        {T.runStates[run.state] ?? run.state}
      </p>
      {hasEnded(run) ? (
        <ul className="count-cards">
          {counts.map(([name, value]) =>
            // What a run that was cut off does not know is less than nothing.
            value === undefined || value < 0 ? null : (
              <li key={name}>
                <Count value={value} />
                <span>{name}</span>
              </li>
            ),
          )}
        </ul>
      ) : null}
      {errors.map((error) => (
        <p key={error.code + error.message} className={run.state === "failed" ? "check-advice" : "muted"}>
          {error.code === ROWS_FAILED && rejected ? `${rejected}.` : sentence(error.message)}{" "}
          {error.advice ? sentence(error.advice) : ""}
        </p>
      ))}
      <p className="request-id muted">
        <Link to={pathOf(sandbox, `runs/${encodeURIComponent(run.id)}`)}>
          <code>
            <Hostile>{run.id}</Hostile>
          </code>
        </Link>
        <CopyButton text={run.id} label={shared.call.copy(T.run)} />
      </p>
    </>
  );
}
