/** What became of the rows that a run read. The numbers add up, or it is said that they do not. */
import { Icon } from "../../ui/Icon";
import { Count } from "../../ui/text";
import { isActive, type ReadRun } from "./run";
import { T } from "./texts";

interface Bar {
  id: string;
  name: string;
  count: number;
  /** Rows that lie before it: where it begins. */
  from: number;
}

const share = (part: number, of: number) =>
  of === 0 ? "" : `${((part / of) * 100).toLocaleString("en-US", { maximumFractionDigits: 1 })} %`;

export function Waterfall({ run }: { run: ReadRun }) {
  const { read, filtered, rejected, written, deleted, restored, warnings } = run.counts;
  const W = T.waterfall;
  return (
    <section className="panel" aria-labelledby="rows">
      <h2 id="rows">{W.title}</h2>
      {run.trigger === "undo" ? (
        <>
          <p className="muted">{W.undone}</p>
          <dl className="facts">
            <dt>{W.deleted}</dt>
            <dd>
              <Count value={deleted} />
            </dd>
            <dt>{W.restored}</dt>
            <dd>
              <Count value={restored} />
            </dd>
          </dl>
        </>
      ) : read === null || filtered === null || rejected === null ? (
        <p className="muted">{W.unknown}</p>
      ) : (
        <Bars
          total={read}
          bars={[
            { id: "read", name: W.read, count: read, from: 0 },
            { id: "filtered", name: W.filtered, count: filtered, from: 0 },
            { id: "rejected", name: W.rejected, count: rejected, from: filtered },
            { id: "written", name: W.written, count: written, from: filtered + rejected },
          ]}
        />
      )}
      {isActive(run) && run.startedAt !== null ? <p className="muted">{W.sofar}</p> : null}
      {warnings ? (
        <p className="waterfall-note">
          <Icon name="warn" />
          {W.warnings}: <Count value={warnings} />
        </p>
      ) : null}
      <Sum run={run} />
    </section>
  );
}

/** A run that landed accounts for each row once. Anything else is our error, and is not hidden. */
function Sum({ run }: { run: ReadRun }) {
  const { read, filtered, rejected, written } = run.counts;
  const landed = run.state === "success" || run.state === "partialSuccess";
  if (!landed || run.trigger === "undo" || read === null || filtered === null || rejected === null)
    return null;
  const accounted = filtered + rejected + written;
  if (accounted === read) return null;
  return (
    <section className="error-panel" role="alert">
      <Icon name="fail" />
      <div>
        <h3>{T.waterfall.mismatchTitle}</h3>
        <p>{T.waterfall.mismatch(read, accounted)}</p>
      </div>
    </section>
  );
}

function Bars({ bars, total }: { bars: Bar[]; total: number }) {
  const place = (count: number) => `${total === 0 ? 0 : Math.min((count / total) * 100, 100)}%`;
  return (
    <dl className="waterfall" aria-label={T.waterfall.label}>
      {bars.map((bar) => (
        <div key={bar.id} className="waterfall-row">
          <dt>{bar.name}</dt>
          <dd>
            <span className="waterfall-track" aria-hidden="true">
              <span
                className={`waterfall-bar ${bar.id}`}
                style={{ insetInlineStart: place(bar.from), width: place(bar.count) }}
                data-some={bar.count > 0 || undefined}
              />
            </span>
            <span className="waterfall-count">
              <Count value={bar.count} />
              {bar.id === "read" || bar.count === 0 ? null : (
                <span className="muted"> {share(bar.count, total)}</span>
              )}
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
