/** The versions of a dataset's table, each with the run that made it. */
import { useQuery } from "@tanstack/react-query";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { Link } from "../../ui/Button";
import { Figures } from "../../ui/Figures";
import { EmptyState, ErrorPanel, Skeleton } from "../../ui/feedback";
import { Count, Time, visibly } from "../../ui/text";
import { type Dataset, snapshotsQuery } from "./queries";
import { texts } from "./texts";

const T = texts.snapshots;
const MOST = 100;

export function Snapshots({ dataset }: { dataset: Dataset }) {
  const sandbox = useSandbox();
  const history = useQuery(snapshotsQuery(sandbox, dataset.id));
  if (history.isPending) return <Skeleton />;
  if (history.error && !history.data)
    return <ErrorPanel what={T.failed} error={history.error} onRetry={() => void history.refetch()} />;
  const found = history.data?.snapshots ?? [];
  if (found.length === 0)
    return (
      <EmptyState icon="clock" title={T.emptyTitle}>
        {T.empty}
      </EmptyState>
    );
  return (
    <>
      <p className="muted">{T.lead}</p>
      <Figures
        label={T.label(visibly(dataset.name))}
        rows={found}
        keyOf={(one) => one.version}
        columns={[
          { id: "version", name: T.version, cell: (one) => <Count value={one.version} /> },
          { id: "when", name: T.when, cell: (one) => <Time at={one.committedAt} /> },
          {
            id: "what",
            name: T.what,
            cell: (one) => T.operations[one.operation] ?? visibly(one.operation),
          },
          {
            id: "run",
            name: T.run,
            cell: (one) =>
              one.runId ? (
                <Link to={pathOf(sandbox, `runs/${one.runId}`)} label={`${T.openRun} ${one.runId}`}>
                  <code>{visibly(one.runId.slice(0, 8))}</code>
                </Link>
              ) : (
                <span className="muted">{T.upkeep}</span>
              ),
          },
          {
            id: "written",
            name: T.written,
            numeric: true,
            cell: (one) => (one.written === null ? null : <Count value={one.written} />),
          },
          {
            id: "deleted",
            name: T.deleted,
            numeric: true,
            cell: (one) => (one.deleted === null ? null : <Count value={one.deleted} />),
          },
        ]}
      />
      {found.length === MOST ? <p className="muted">{T.more}</p> : null}
    </>
  );
}
