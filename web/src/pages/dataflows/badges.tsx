import type { FlowLine } from "../../api/types";
import { StatusBadge } from "../../ui/feedback";
import { visibly } from "../../ui/text";
import { T } from "./texts";

export function FlowBadge({ state }: { state: FlowLine["state"] }) {
  const name = visibly(T.states[state] ?? state);
  if (state === "enabled") return <StatusBadge tone="good">{name}</StatusBadge>;
  return (
    <StatusBadge tone="neutral" icon={state === "disabled" ? "pause" : "dot"}>
      {name}
    </StatusBadge>
  );
}

export const nameOf = (line: { name?: string | null }) => line.name || T.unnamed;
