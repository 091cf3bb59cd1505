/** The same activity by account, by dataflow and by run. */
import type { SortDescriptor } from "react-aria-components/Table";
import { useLocation } from "wouter";
import { pathOf } from "../../shell/navigation";
import { Link } from "../../ui/Button";
import { duration } from "../../ui/duration";
import { StatusBadge } from "../../ui/feedback";
import { sorted, Table, type TableColumn } from "../../ui/Table";
import { Count, Hostile, Time, visibly } from "../../ui/text";
import { RunBadge } from "../runs/RunBadge";
import type { Ended } from "../runs/run";
import { Hindrance, reasonOf, Why } from "../runs/Why";
import type { Activity, Run } from "./queries";
import { texts } from "./texts";

const T = texts.columns;

interface Sums {
  received: number;
  ingested: number;
  rejected: number;
}

const shareOf = ({ received, ingested }: Sums) => (received ? (100 * ingested) / received : null);

function Share({ sums }: { sums: Sums }) {
  const share = shareOf(sums);
  return share === null ? null : <span className="count">{`${share.toFixed(share === 100 ? 0 : 1)} %`}</span>;
}

/** A count that should be zero. */
function Alarming({ count }: { count: number }) {
  return (
    <span className={count > 0 ? "alarming-count" : ""}>
      <Count value={count} />
    </span>
  );
}

const counts = <T extends Sums>(): TableColumn<T>[] => [
  {
    id: "received",
    name: T.received,
    numeric: true,
    key: (row) => row.received,
    cell: (row) => <Count value={row.received} />,
  },
  {
    id: "ingested",
    name: T.ingested,
    numeric: true,
    key: (row) => row.ingested,
    cell: (row) => <Count value={row.ingested} />,
  },
  {
    id: "rejected",
    name: T.rejected,
    numeric: true,
    key: (row) => row.rejected,
    cell: (row) => <Alarming count={row.rejected} />,
  },
  {
    id: "share",
    name: T.share,
    numeric: true,
    key: (row) => shareOf(row) ?? -1,
    cell: (row) => <Share sums={row} />,
  },
];

interface Sorting {
  /** Nothing: as the server orders them. */
  sort: SortDescriptor | null;
  onSort: (sort: SortDescriptor) => void;
}

const inOrder = <T,>(rows: T[], columns: TableColumn<T>[], sort: SortDescriptor | null) =>
  sort ? sorted(rows, columns, sort) : rows;

// A table that can be sorted, and is in an order that no column has.
const UNSORTED: SortDescriptor = { column: "", direction: "ascending" };

export interface FlowRow extends Activity {
  id: string;
}

interface FlowsProps extends Sorting {
  sandbox: string;
  rows: FlowRow[];
  /** The address of the runs of a dataflow. */
  toRuns: (flow: string) => string;
}

export function FlowsTable({ sandbox, rows, toRuns, sort, onSort }: FlowsProps) {
  const [, navigate] = useLocation();
  const columns: TableColumn<FlowRow>[] = [
    {
      id: "name",
      name: T.name,
      rowHeader: true,
      key: (row) => row.name,
      cell: (row) => (
        <span className="cell-with-icon">
          <Link to={pathOf(sandbox, `flows/${row.flowId}`)}>
            <Hostile>{row.name || row.flowId}</Hostile>
          </Link>
          {row.state === "enabled" ? null : (
            <span className="chip">{texts.states[row.state] ?? visibly(row.state)}</span>
          )}
        </span>
      ),
    },
    {
      id: "lastRun",
      name: T.lastRun,
      key: (row) => row.lastRun?.completedAt ?? 0,
      cell: (row) =>
        row.lastRun ? (
          <div className="two-lines">
            <Link to={pathOf(sandbox, `runs/${row.lastRun.id}`)} className="link cell-with-icon">
              <RunBadge state={row.lastRun.state as Ended} brief />
              <Time at={row.lastRun.completedAt} />
            </Link>
            <Why reason={row.lastRun.reason} />
          </div>
        ) : (
          <span className="muted">{texts.noRun}</span>
        ),
    },
    {
      id: "lateBy",
      name: T.lateBy,
      key: (row) => row.lateByMs ?? 0,
      cell: (row) =>
        row.lateByMs === null ? (
          <span className="muted">{texts.notLate}</span>
        ) : (
          <div className="two-lines">
            <StatusBadge tone="bad" icon="clock">
              {duration(row.lateByMs)}
            </StatusBadge>
            <Hindrance of={row.hindrance} />
          </div>
        ),
    },
    ...counts<FlowRow>(),
    {
      id: "failedRuns",
      name: T.failedRuns,
      numeric: true,
      key: (row) => row.runs.failed,
      cell: (row) => <Alarming count={row.runs.failed} />,
    },
    {
      id: "nextRun",
      name: T.nextRun,
      key: (row) => row.nextRunAt ?? Number.MAX_SAFE_INTEGER,
      cell: (row) => (row.nextRunAt === null ? null : <Time at={row.nextRunAt} />),
    },
    {
      id: "drill",
      name: T.drill,
      quiet: true,
      pinned: true,
      cell: (row) => (
        <Link
          to={toRuns(row.flowId)}
          className="button plain small"
          label={texts.openRuns(visibly(row.name || row.flowId))}
        >
          {texts.runsButton}
        </Link>
      ),
    },
  ];
  return (
    <Table
      label={texts.views.dataflows}
      place="monitoring-dataflows"
      columns={columns}
      rows={inOrder(rows, columns, sort)}
      sort={sort ?? UNSORTED}
      onSort={onSort}
      onOpen={(id) => navigate(toRuns(id))}
      textOf={(row) => visibly(row.name)}
    />
  );
}

export interface AccountRow extends Sums {
  id: string;
  name: string;
  source: string;
  flows: number;
  failing: number;
  late: number;
}

interface AccountsProps extends Sorting {
  sandbox: string;
  rows: AccountRow[];
  /** The address of the dataflows of an account. */
  toFlows: (account: string) => string;
}

export function AccountsTable({ sandbox, rows, toFlows, sort, onSort }: AccountsProps) {
  const [, navigate] = useLocation();
  const columns: TableColumn<AccountRow>[] = [
    {
      id: "name",
      name: T.account,
      rowHeader: true,
      key: (row) => row.name,
      cell: (row) =>
        row.id ? (
          <Link to={pathOf(sandbox, `sources/accounts/${row.id}`)}>
            <Hostile>{row.name}</Hostile>
          </Link>
        ) : (
          <span className="muted">{texts.noAccount}</span>
        ),
    },
    { id: "source", name: T.source, key: (row) => row.source, cell: (row) => visibly(row.source) },
    {
      id: "flows",
      name: T.flows,
      numeric: true,
      key: (row) => row.flows,
      cell: (row) => <Count value={row.flows} />,
    },
    ...counts<AccountRow>(),
    {
      id: "failing",
      name: T.failing,
      numeric: true,
      key: (row) => row.failing,
      cell: (row) => <Alarming count={row.failing} />,
    },
    {
      id: "late",
      name: T.late,
      numeric: true,
      key: (row) => row.late,
      cell: (row) => <Alarming count={row.late} />,
    },
    {
      id: "drill",
      name: T.drill,
      quiet: true,
      pinned: true,
      cell: (row) => (
        <Link
          to={toFlows(row.id)}
          className="button plain small"
          label={texts.openFlows(visibly(row.name || texts.noAccount))}
        >
          {texts.flowsButton}
        </Link>
      ),
    },
  ];
  return (
    <Table
      label={texts.views.sources}
      place="monitoring-sources"
      columns={columns}
      rows={inOrder(rows, columns, sort)}
      sort={sort ?? UNSORTED}
      onSort={onSort}
      onOpen={(id) => navigate(toFlows(id))}
      textOf={(row) => visibly(row.name)}
    />
  );
}

export interface RunRow extends Sums {
  id: string;
  run: Run;
  flow: string;
  started: number | null;
  durationMs: number | null;
}

interface RunsProps extends Sorting {
  sandbox: string;
  rows: RunRow[];
}

export function RunsTable({ sandbox, rows, sort, onSort }: RunsProps) {
  const [, navigate] = useLocation();
  const columns: TableColumn<RunRow>[] = [
    {
      id: "run",
      name: T.run,
      rowHeader: true,
      cell: (row) => (
        <Link to={pathOf(sandbox, `runs/${row.id}`)}>
          <code>{visibly(row.id.slice(0, 8))}</code>
        </Link>
      ),
    },
    {
      id: "flow",
      name: T.name,
      key: (row) => row.flow,
      cell: (row) => (
        <Link to={pathOf(sandbox, `flows/${row.run.flowId}`)}>
          <Hostile>{row.flow || row.run.flowId}</Hostile>
        </Link>
      ),
    },
    {
      id: "state",
      name: T.state,
      key: (row) => row.run.state,
      cell: (row) => (
        <div className="two-lines">
          <RunBadge state={row.run.state as Ended} brief />
          <Why
            reason={reasonOf({
              state: row.run.state,
              errors: row.run.metrics.statusSummary?.errors ?? [],
              rejections: row.run.metrics.recordSummary?.failedInfo ?? [],
            })}
          />
        </div>
      ),
    },
    {
      id: "started",
      name: T.started,
      key: (row) => row.started ?? row.run.createdAt,
      cell: (row) => (row.started === null ? null : <Time at={row.started} />),
    },
    {
      id: "duration",
      name: T.duration,
      numeric: true,
      key: (row) => row.durationMs ?? 0,
      cell: (row) =>
        row.durationMs === null ? null : <span className="count">{duration(row.durationMs)}</span>,
    },
    ...counts<RunRow>(),
  ];
  return (
    <Table
      label={texts.views.runs}
      place="monitoring-runs"
      columns={columns}
      rows={inOrder(rows, columns, sort)}
      sort={sort ?? UNSORTED}
      onSort={onSort}
      onOpen={(id) => navigate(pathOf(sandbox, `runs/${id}`))}
      textOf={(row) => visibly(row.id)}
    />
  );
}
