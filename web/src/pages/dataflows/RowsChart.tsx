/** Rows of each run as stacked columns; the same as a table for those who do not see them. */

import { usePreferences } from "../../preferences";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { Link } from "../../ui/Button";
import { Count, exactTime, Time } from "../../ui/text";
import type { ReadRun } from "../runs/run";
import { stateName } from "../runs/run";
import { T } from "./texts";

const O = T.overview;
const HEIGHT = 120;
const PARTS = ["written", "rejected", "filtered"] as const;

/** The oldest first. */
export function RowsChart({ runs }: { runs: ReadRun[] }) {
  const sandbox = useSandbox();
  const { zone } = usePreferences();
  const most = Math.max(1, ...runs.map((run) => run.counts.read ?? 0));
  const sum = (part: "read" | "rejected") =>
    runs.reduce((total, run) => total + (run.counts[part] ?? 0), 0).toLocaleString();
  const step = 100 / Math.max(runs.length, 12);
  const left = 100 - runs.length * step;
  return (
    <>
      <p className="muted">{O.chartLead(runs.length)}</p>
      <div className="run-chart">
        <span className="chart-most muted" aria-hidden="true">
          {most.toLocaleString()}
        </span>
        <svg
          viewBox={`0 0 100 ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={O.chartSummary(runs.length, sum("read"), sum("rejected"))}
        >
          <path d={`M0 0.500h100M0 ${HEIGHT / 2}h100`} className="chart-grid" />
          {runs.map((run, place) => {
            let top = HEIGHT;
            return (
              <g key={run.id}>
                <title>
                  {`${exactTime(run.startedAt ?? run.madeAt, zone)} · ${stateName(run.told)} · ${O.read}: ${run.counts.read?.toLocaleString() ?? "–"}, ${O.written}: ${run.counts.written.toLocaleString()}, ${O.rejected}: ${run.counts.rejected?.toLocaleString() ?? "–"}`}
                </title>
                {PARTS.map((part) => {
                  const rows = run.counts[part] ?? 0;
                  const height = (rows / most) * (HEIGHT - 1);
                  top -= height;
                  return rows > 0 ? (
                    <rect
                      key={part}
                      className={`chart-${part}`}
                      x={left + place * step + step * 0.12}
                      width={step * 0.76}
                      y={top}
                      height={Math.max(height, 1.5)}
                    />
                  ) : null;
                })}
              </g>
            );
          })}
          <path d={`M0 ${HEIGHT - 0.5}h100`} className="chart-axis" />
        </svg>
        <ul className="legend" aria-hidden="true">
          {PARTS.map((part) => (
            <li key={part}>
              <span className={`legend-sign chart-${part}`} />
              {O[part]}
            </li>
          ))}
        </ul>
      </div>
      <details className="as-table">
        <summary>{O.asTable}</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there */}
        <section className="table-scroll" aria-label={O.chartTable} tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{O.run}</th>
                {(["read", ...PARTS] as const).map((part) => (
                  <th key={part} scope="col" className="numeric">
                    {O[part]}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {[...runs].reverse().map((run) => (
                <tr key={run.id}>
                  <th scope="row">
                    <Link to={pathOf(sandbox, `runs/${encodeURIComponent(run.id)}`)}>
                      <Time at={run.startedAt ?? run.madeAt} exact />
                    </Link>
                  </th>
                  {(["read", ...PARTS] as const).map((part) => (
                    <td key={part} className="numeric">
                      {run.counts[part] === null ? "–" : <Count value={run.counts[part] ?? 0} />}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </details>
    </>
  );
}
