/** Why a run failed or not all rows landed, each with what to do next. */
import { Icon } from "../../ui/Icon";
import { Count, Hostile, sentence, visibly } from "../../ui/text";
import type { ReadRun, Tally } from "./run";
import { T } from "./texts";
import { ROWS_FAILED, rejectedRows } from "./Why";

export function RunErrors({ run }: { run: ReadRun }) {
  const [first, ...others] = run.errors;
  return (
    <>
      {first ? (
        <section className={run.state === "failed" ? "error-panel" : "error-panel partial"}>
          <Icon name={run.state === "failed" ? "fail" : "warn"} />
          <div>
            <h2>{run.state === "failed" ? T.errors.failed : T.errors.partial}</h2>
            <Told error={first} {...(first.code === ROWS_FAILED ? { rejections: run.rejections } : {})} />
            {others.length > 0 ? (
              <details className="as-table">
                <summary>{T.errors.more}</summary>
                {others.map((error) => (
                  <Told key={error.code + error.message} error={error} />
                ))}
              </details>
            ) : null}
          </div>
        </section>
      ) : null}
      <Tallies id="warnings" title={T.errors.warnings} lead={T.errors.warningsLead} tallies={run.warnings} />
      <Tallies id="skipped" title={T.errors.skipped} tallies={run.skipped} />
    </>
  );
}

/** Rejections that are named where a run says that rows failed. All of them are told below. */
const NAMED = 3;

function Told({ error, rejections = [] }: { error: ReadRun["errors"][number]; rejections?: Tally[] }) {
  return (
    <dl>
      <dt>{T.errors.title}</dt>
      <dd>
        {rejections.length > 1 ? (
          <ul className="plain-list">
            {rejections.slice(0, NAMED).map((one) => (
              <li key={`${one.code} ${one.field}`}>{rejectedRows(one)}</li>
            ))}
            {rejections.length > NAMED ? <li>{T.why.more(rejections.length - NAMED)}</li> : null}
          </ul>
        ) : (
          (rejections.map(rejectedRows)[0] ?? sentence(error.message))
        )}
      </dd>
      {error.advice ? (
        <>
          <dt>{T.errors.next}</dt>
          <dd>{sentence(error.advice)}</dd>
        </>
      ) : null}
      <dt>{T.errors.code}</dt>
      <dd>
        <code>{visibly(error.code)}</code>
      </dd>
    </dl>
  );
}

function Tallies({
  id,
  title,
  lead,
  tallies,
}: {
  id: string;
  title: string;
  lead?: string;
  tallies: Tally[];
}) {
  if (tallies.length === 0) return null;
  return (
    <section className="panel" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {lead ? <p className="muted">{lead}</p> : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there */}
      <section className="table-scroll" aria-label={T.errors.table(title)} tabIndex={0}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{T.errors.columns.field}</th>
              <th scope="col">{T.errors.columns.message}</th>
              <th scope="col">{T.errors.columns.code}</th>
              <th scope="col" className="numeric">
                {T.errors.columns.count}
              </th>
            </tr>
          </thead>
          <tbody>
            {tallies.map((tally) => (
              <tr key={`${tally.code} ${tally.field}`}>
                <th scope="row">
                  <Hostile>{tally.field}</Hostile>
                </th>
                <td className="reason">{sentence(tally.message)}</td>
                <td>
                  <code>{visibly(tally.code)}</code>
                </td>
                <td className="numeric">
                  <Count value={tally.count} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
