import type { FlowLine } from "../../api/types";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { Link } from "../../ui/Button";
import { duration } from "../../ui/duration";
import { Fact, Facts } from "../../ui/Facts";
import { CopyButton } from "../../ui/feedback";
import { bytes } from "../../ui/size";
import { Hostile, Time, visibly } from "../../ui/text";
import { nameOf } from "../dataflows/badges";
import type { ReadRun } from "./run";
import { T } from "./texts";

const F = T.facts;

interface RunFactsProps {
  run: ReadRun;
  line: FlowLine | undefined;
  took: number | null;
}

export function RunFacts({ run, line, took }: RunFactsProps) {
  const sandbox = useSandbox();
  const session = useSession();
  const { counts } = run;
  const toRun = (id: string) => (
    <Link to={pathOf(sandbox, `runs/${encodeURIComponent(id)}`)}>
      <code>{visibly(id.slice(0, 8))}</code>
    </Link>
  );
  return (
    <>
      <Facts>
        <Fact name={F.flow}>
          <Link to={pathOf(sandbox, `flows/${encodeURIComponent(run.flowId)}`)}>
            <Hostile>{line ? nameOf(line) : run.flowId}</Hostile>
          </Link>
        </Fact>
        {line?.dataset ? (
          <Fact name={F.dataset}>
            <Link to={pathOf(sandbox, `datasets/${encodeURIComponent(line.dataset.id)}`)}>
              <Hostile>{line.dataset.name ?? line.dataset.id}</Hostile>
            </Link>
          </Fact>
        ) : null}
        <Fact name={F.trigger}>{T.triggers[run.trigger]}</Fact>
        {run.parent ? <Fact name={F.parent}>{toRun(run.parent)}</Fact> : null}
        {run.replays ? <Fact name={F.replays}>{toRun(run.replays)}</Fact> : null}
        {run.undoes ? <Fact name={F.undoes}>{toRun(run.undoes)}</Fact> : null}
        {run.undoneBy ? <Fact name={F.undoneBy}>{toRun(run.undoneBy)}</Fact> : null}
        <Fact name={F.window}>
          <Window run={run} />
        </Fact>
        <Fact name={F.made}>
          <Time at={run.madeAt} exact />
        </Fact>
        {run.startedAt === null ? null : (
          <Fact name={F.started}>
            <Time at={run.startedAt} exact />
          </Fact>
        )}
        {run.endedAt === null ? null : (
          <Fact name={F.ended}>
            <Time at={run.endedAt} exact />
          </Fact>
        )}
        {took === null ? null : <Fact name={F.duration}>{duration(took)}</Fact>}
        {run.trigger === "schedule" ? null : (
          <Fact name={F.by}>{run.madeByClient === session.clientId ? F.you : visibly(run.madeBy)}</Fact>
        )}
        {run.cancelledBy ? <Fact name={F.cancelledBy}>{visibly(run.cancelledBy)}</Fact> : null}
        <Fact name={F.input}>{counts.inputBytes === null ? T.unknown : bytes(counts.inputBytes)}</Fact>
        <Fact name={F.output}>
          {bytes(counts.outputBytes)} · {F.files(counts.files)}
        </Fact>
        <Fact name={F.batch}>
          <code>{visibly(run.batchId)}</code>
        </Fact>
        <Fact name={F.id}>
          <span className="with-copy">
            <code>{visibly(run.id)}</code>
            <CopyButton text={run.id} label={F.copyId} />
          </span>
        </Fact>
      </Facts>
      {run.rewinds ? <p className="muted">{F.rewinds}</p> : null}
    </>
  );
}

export function Window({ run }: { run: ReadRun }) {
  if (run.window === null) return <>{F.wholeTable}</>;
  const { start, end } = run.window;
  return (
    <>
      {F.from} {start === null ? F.beginning : <Time at={start} exact />} {F.until}{" "}
      {end === null ? F.end : <Time at={end} exact />}
    </>
  );
}
