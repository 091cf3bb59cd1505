/** The newest runs of a dataflow as small signs, the newest on the right: shape and colour tell how each ended. */
import { now } from "../../api/clock";
import type { FlowLine } from "../../api/types";
import { usePreferences } from "../../preferences";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { Link } from "../../ui/Button";
import { exactTime, relativeTime, visibly } from "../../ui/text";
import { stateName } from "../runs/run";
import { T } from "./texts";

const SLOTS = 10;

const SIGNS: Record<string, string> = {
  success: "M5 8.500 7 10.500 11 6",
  partialSuccess: "M8 4.500 11.500 10.800h-7Z",
  failed: "M5.500 5.500l5 5M10.500 5.500l-5 5",
  inProgress: "M6.500 5v6l4-3-4-3Z",
  scheduled: "M5 8h6",
};

export function RunStrip({ line }: { line: FlowLine }) {
  const sandbox = useSandbox();
  const { zone } = usePreferences();
  const runs = [...line.recentRuns].reverse();
  const at = now();
  return (
    <ol className="run-strip" aria-label={T.strip.label(visibly(line.name || T.unnamed))}>
      {Array.from({ length: SLOTS - runs.length }, (_, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <li key={place} className="run-slot" aria-hidden="true" />
      ))}
      {runs.map((run, place) => {
        const rows = run.rejected > 0 ? T.strip.rejected(run.rejected) : "";
        const when = relativeTime(run.startedAt ?? run.createdAt, at);
        const label = T.strip.run(place + 1, runs.length, stateName(run.state), rows, when);
        return (
          <li key={run.id}>
            <Link
              to={pathOf(sandbox, `runs/${encodeURIComponent(run.id)}`)}
              className={`run-sign ${run.state}`}
              label={label}
              title={`${label} · ${exactTime(run.startedAt ?? run.createdAt, zone)}`}
            >
              <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
                <rect x="1" y="1" width="14" height="14" rx={run.state === "inProgress" ? 7 : 3} />
                <path d={SIGNS[run.state]} />
              </svg>
            </Link>
          </li>
        );
      })}
    </ol>
  );
}
