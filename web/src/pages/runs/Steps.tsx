/** How long each step of a run took, as bars along one line of time, and as a table. */
import { duration } from "../../ui/duration";
import { Time } from "../../ui/text";
import type { ReadRun } from "./run";
import { T } from "./texts";

interface Step {
  id: string;
  name: string;
  from: number;
  /** null: it is at work. */
  until: number | null;
}

function stepsOf(run: ReadRun): Step[] {
  const begun = run.startedAt;
  const steps: Step[] = [
    { id: "waiting", name: T.steps.waiting, from: run.madeAt, until: begun ?? run.endedAt },
  ];
  if (begun === null) return steps;
  if (run.trigger === "undo") {
    steps.push({ id: "undo", name: T.steps.undo, from: begun, until: run.endedAt });
    return steps;
  }
  // Undos and replays plan in no time, and runs of earlier versions do not tell.
  const planned = run.plannedAt;
  if (planned !== null) steps.push({ id: "plan", name: T.steps.plan, from: begun, until: planned });
  steps.push({ id: "read", name: T.steps.read, from: planned ?? begun, until: run.readAt ?? run.endedAt });
  if (run.readAt !== null)
    steps.push({
      id: "publish",
      name: run.state === "failed" ? T.steps.gaveUp : T.steps.publish,
      from: run.readAt,
      until: run.endedAt,
    });
  return steps;
}

export function Steps({ run, now }: { run: ReadRun; now: number }) {
  const steps = stepsOf(run);
  const end = run.endedAt ?? now;
  const span = Math.max(end - run.madeAt, 1);
  const took = (step: Step) => Math.max((step.until ?? now) - step.from, 0);
  return (
    <section className="panel" aria-labelledby="steps">
      <h2 id="steps">{T.steps.title}</h2>
      <ol className="steps" aria-label={T.steps.label}>
        {steps.map((step) => (
          <li key={step.id}>
            <span>{step.name}</span>
            <span className="step-track" aria-hidden="true">
              <span
                className={`step-bar ${step.id}`}
                data-running={step.until === null || undefined}
                style={{
                  insetInlineStart: `${Math.max(((step.from - run.madeAt) / span) * 100, 0)}%`,
                  width: `${(took(step) / span) * 100}%`,
                }}
              />
            </span>
            <span className="step-took">
              {duration(took(step))}
              {step.until === null ? ` · ${T.steps.running}` : ""}
            </span>
          </li>
        ))}
      </ol>
      <details className="as-table">
        <summary>{T.steps.asTable}</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there */}
        <section className="table-scroll" aria-label={T.steps.table} tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{T.steps.step}</th>
                <th scope="col">{T.steps.began}</th>
                <th scope="col" className="numeric">
                  {T.steps.took}
                </th>
              </tr>
            </thead>
            <tbody>
              {steps.map((step) => (
                <tr key={step.id}>
                  <th scope="row">{step.name}</th>
                  <td>
                    <Time at={step.from} exact />
                  </td>
                  <td className="numeric">{duration(took(step))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </details>
    </section>
  );
}
