import { visibly } from "../../ui/text";

/** Names of labels, side by side. */
export function LabelChips({ labels }: { labels: readonly string[] }) {
  return (
    <span className="label-chips">
      {[...labels].sort().map((label) => (
        <span key={label} className="chip label-chip">
          {visibly(label)}
        </span>
      ))}
    </span>
  );
}
