/** The versions of a dataflow: who saved what, what any two of them say differently, and going back to one. */
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAddress } from "../../address";
import { send } from "../../api/client";
import type { FlowLine, FlowVersion, FlowVersions } from "../../api/types";
import { useSession } from "../../session";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/choices";
import { ErrorPanel, Skeleton, StatusBadge, toast } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { Table, type TableColumn } from "../../ui/Table";
import { Hostile, Time, visibly } from "../../ui/text";
import { refresh } from "./acts";
import { type Difference, differences, partOf } from "./difference";
import { flowCalls, flowQuery } from "./queries";
import { T } from "./texts";

const V = T.versions;

interface Row extends FlowVersion {
  id: string;
  /** The one before it, as far as it was loaded. */
  before: FlowVersion | null;
}

function note(row: Row): string {
  if (row.origin === "made") return V.first;
  if (row.origin === "before") return V.before;
  if (row.origin === "reverted" && row.revertsTo !== null) return V.reverted(row.revertsTo);
  const parts = row.before ? [...new Set(differences(row.before, row).map(partOf))] : [];
  const named = parts.length > 0 ? V.fields(parts.map((part) => V.names[part] ?? visibly(part))) : V.nothing;
  return row.origin === "columns" ? `${V.drift}: ${named}` : named;
}

export function Versions({ line }: { line: FlowLine }) {
  const sandbox = useSandbox();
  const session = useSession();
  const address = useAddress();
  const [reverting, setReverting] = useState<FlowVersion | null>(null);
  const versions = useInfiniteQuery({
    queryKey: ["flow", sandbox, line.id, "versions"],
    queryFn: ({ pageParam, signal }) =>
      send<FlowVersions>(flowCalls.versions(line.id, pageParam), sandbox, signal),
    initialPageParam: 0,
    getNextPageParam: (last) => last.next ?? undefined,
  });
  if (versions.isPending) return <Skeleton rows={4} />;
  if (versions.error && !versions.data)
    return <ErrorPanel what={V.failed} error={versions.error} onRetry={() => void versions.refetch()} />;
  const known = (versions.data?.pages ?? []).flatMap((page) => page.items);
  const rows: Row[] = known.map((version, place) => ({
    ...version,
    id: String(version.number),
    before: known[place + 1] ?? null,
  }));
  const mayManage = session.permissions.includes("manage-sources");
  const newer = known.find((one) => String(one.number) === address.get("b")) ?? known[0];
  const older = known.find((one) => String(one.number) === address.get("a")) ?? known[1];
  const columns: TableColumn<Row>[] = [
    {
      id: "version",
      name: V.columns.version,
      rowHeader: true,
      cell: (row) => (
        <span className="cell-with-icon">
          {row.number}
          {row.isCurrent ? <StatusBadge tone="good">{V.current}</StatusBadge> : null}
        </span>
      ),
    },
    { id: "when", name: V.columns.when, cell: (row) => <Time at={row.savedAt} exact /> },
    {
      id: "by",
      name: V.columns.by,
      cell: (row) => (
        <span className="clipped">
          {row.savedClient === session.clientId ? texts.common.you : visibly(row.savedBy)}
        </span>
      ),
    },
    { id: "note", name: V.columns.note, cell: (row) => note(row) },
    {
      id: "actions",
      name: V.columns.actions,
      quiet: true,
      cell: (row) => (
        <span className="cell-with-icon">
          {row.before ? (
            <Button
              size="small"
              aria-label={V.compareWith(row.number, row.before.number)}
              onPress={() =>
                address.set({ a: String(row.before?.number ?? ""), b: String(row.number) }, "push")
              }
            >
              {V.compare}
            </Button>
          ) : null}
          {mayManage && !row.isCurrent ? (
            <Button size="small" aria-label={V.revertLabel(row.number)} onPress={() => setReverting(row)}>
              {V.revert}
            </Button>
          ) : null}
        </span>
      ),
    },
  ];
  const options = known.map((one) => ({ id: String(one.number), name: V.option(one.number, one.isCurrent) }));
  return (
    <div className="stack">
      <Table
        label={V.table}
        columns={columns}
        rows={rows}
        textOf={(row) => V.option(row.number, row.isCurrent)}
      />
      {versions.hasNextPage ? (
        <Button isPending={versions.isFetchingNextPage} onPress={() => void versions.fetchNextPage()}>
          {V.more}
        </Button>
      ) : null}
      {older && newer ? (
        <section className="panel" aria-labelledby="difference">
          <h2 id="difference">{V.diff(newer.number, older.number)}</h2>
          <div className="tool-bar">
            <Select
              inline
              label={V.left}
              value={String(older.number)}
              onChange={(a) => address.set({ a })}
              options={options}
            />
            <Select
              inline
              label={V.right}
              value={String(newer.number)}
              onChange={(b) => address.set({ b })}
              options={options}
            />
          </div>
          <DifferenceTable found={differences(older, newer)} />
        </section>
      ) : null}
      {reverting ? (
        <Revert
          line={line}
          version={reverting}
          current={known.find((one) => one.isCurrent)}
          onClose={() => setReverting(null)}
        />
      ) : null}
    </div>
  );
}

const DIFFERENCE_COLUMNS: TableColumn<Difference>[] = [
  {
    id: "path",
    name: V.diffColumns.field,
    rowHeader: true,
    cell: (one) => <Hostile>{V.settings[one.path] ?? one.path}</Hostile>,
  },
  { id: "was", name: V.diffColumns.was, cell: (one) => <Said text={one.was} /> },
  { id: "now", name: V.diffColumns.now, cell: (one) => <Said text={one.now} /> },
];

function Said({ text }: { text: string | null }) {
  return text === null ? <span className="muted">{V.absent}</span> : <Hostile>{text}</Hostile>;
}

function DifferenceTable({ found }: { found: Difference[] }) {
  if (found.length === 0) return <p className="muted">{V.same}</p>;
  return (
    <Table
      label={V.diffTable}
      columns={DIFFERENCE_COLUMNS}
      rows={found}
      textOf={(one) => visibly(one.path)}
    />
  );
}

interface RevertProps {
  line: FlowLine;
  version: FlowVersion;
  current: FlowVersion | undefined;
  onClose: () => void;
}

/** Says before what it changes; if somebody saves in between, nothing is done. */
function Revert({ line, version, current, onClose }: RevertProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const { data: flow } = useQuery(flowQuery(sandbox, line.id));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      const made = await send<{ number: number }>(
        flowCalls.revert(line.id, version.number, flow?.etag),
        sandbox,
      );
      await refresh(client, sandbox, line.id);
      toast(V.isNow(made.number));
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
      void refresh(client, sandbox, line.id);
    }
  };
  return (
    <Dialog
      title={V.revertTitle(version.number)}
      isOpen
      onClose={onClose}
      size="large"
      footer={
        <>
          <Button onPress={onClose}>{texts.common.cancel}</Button>
          <Button look="primary" isPending={busy} onPress={go} autoFocus>
            {V.revertGo}
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel what={V.revertFailed} error={error} /> : null}
      <p>{V.revertText}</p>
      {current ? <DifferenceTable found={differences(current, version)} /> : null}
    </Dialog>
  );
}
