/** The rows that runs of a dataflow rejected, run by run: a replay is of one run, too. */
import { useQuery } from "@tanstack/react-query";
import { useAddress } from "../../address";
import { send } from "../../api/client";
import type { FlowLine, Run } from "../../api/types";
import { usePreferences } from "../../preferences";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { Link } from "../../ui/Button";
import { Select } from "../../ui/choices";
import { EmptyState, ErrorPanel, Skeleton } from "../../ui/feedback";
import { exactTime } from "../../ui/text";
import { Rejects } from "../runs/Rejects";
import { readRun, stateName } from "../runs/run";
import "../runs/runs.css";
import { T as R } from "../runs/texts";
import { flowCalls } from "./queries";
import { T } from "./texts";

const MOST = 100;

export function Quarantine({ line }: { line: FlowLine }) {
  const sandbox = useSandbox();
  const address = useAddress();
  const { zone } = usePreferences();
  const runs = useQuery({
    queryKey: ["flow", sandbox, line.id, "rejecting"],
    queryFn: async ({ signal }) =>
      (
        await send<{ items: Run[] }>(
          flowCalls.runs(line.id, ["metrics.recordSummary.failedRecordCount>0"], MOST),
          sandbox,
          signal,
        )
      ).items
        .map(readRun)
        .filter((run) => run.replays === null && run.undoneBy === null),
  });
  if (runs.isPending) return <Skeleton rows={4} />;
  if (runs.error)
    return <ErrorPanel what={R.rejects.failed} error={runs.error} onRetry={() => void runs.refetch()} />;
  const run = runs.data.find((one) => one.id === address.get("run")) ?? runs.data[0];
  if (!run)
    return (
      <EmptyState icon="check" title={R.rejects.noneTitle}>
        {R.rejects.noneLead}
      </EmptyState>
    );
  return (
    <div className="stack">
      <div className="tool-bar">
        <Select
          inline
          label={R.rejects.columns.run}
          value={run.id}
          onChange={(id) => address.set({ run: id, code: "", field: "", state: "", row: "" })}
          options={runs.data.map((one) => ({
            id: one.id,
            name: `${exactTime(one.startedAt ?? one.madeAt, zone)} · ${stateName(one.told)} · ${R.rejected(one.counts.rejected ?? 0)}`,
          }))}
        />
        <Link to={pathOf(sandbox, `runs/${encodeURIComponent(run.id)}`)} className="button plain normal">
          {T.overview.openRun}
        </Link>
      </div>
      <Rejects key={run.id} run={run} />
    </div>
  );
}
