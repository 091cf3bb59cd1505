/** Why a run failed or not all rows landed, each with what to do next. */
import { Icon } from "../../ui/Icon";
import { Count, Hostile, sentence, visibly } from "../../ui/text";
import type { ReadRun, Tally } from "./run";
import { T } from "./texts";

export function RunErrors({ run }: { run: ReadRun }) {
  const [first, ...others] = run.errors;
  return (
    <>
      {first ? (
        <section className={run.state === "failed" ? "error-panel" : "error-panel partial"}>
          <Icon name={run.state === "failed" ? "fail" : "warn"} />
          <div>
            <h2>{run.state === "failed" ? T.errors.failed : T.errors.partial}</h2>
            <Told error={first} />
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

function Told({ error }: { error: ReadRun["errors"][number] }) {
  return (
    <dl>
      <dt>{T.errors.title}</dt>
      <dd>{sentence(error.message)}</dd>
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
