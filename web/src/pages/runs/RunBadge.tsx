import { StatusBadge } from "../../ui/feedback";
import { visibly } from "../../ui/text";
import { type Ended, TONES, stateName } from "./run";
import { T } from "./texts";

/** How a run is or ended; never “succeeded” without what it rejected. */
export function RunBadge({ state, rejected = 0 }: { state: Ended; rejected?: number | null }) {
  const { tone, icon } = TONES[state] ?? TONES.scheduled;
  return (
    <StatusBadge tone={tone} icon={icon}>
      {visibly(stateName(state))}
      {state === "partialSuccess" && rejected ? ` · ${T.rejected(rejected)}` : ""}
    </StatusBadge>
  );
}
