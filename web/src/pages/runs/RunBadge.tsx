import { StatusBadge } from "../../ui/feedback";
import { visibly } from "../../ui/text";
import { type Ended, stateName, TONES } from "./run";
import { T } from "./texts";

interface RunBadgeProps {
  state: Ended;
  rejected?: number | null;
  /** The count stands beside it already. */
  brief?: boolean;
}

/** How a run is or ended; never “succeeded” without what it rejected. */
export function RunBadge({ state, rejected = 0, brief }: RunBadgeProps) {
  const { tone, icon } = TONES[state] ?? TONES.scheduled;
  return (
    <StatusBadge tone={tone} icon={icon}>
      {brief && state === "partialSuccess" ? T.withRejects : visibly(stateName(state))}
      {state === "partialSuccess" && rejected ? ` · ${T.rejected(rejected)}` : ""}
    </StatusBadge>
  );
}
