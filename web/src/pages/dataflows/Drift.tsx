/** What a dataflow knows of its source's columns, and the changes for which its runs wait. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAddress } from "../../address";
import { ApiError, send } from "../../api/client";
import type { FlowLine, Drift as Told } from "../../api/types";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button, Link } from "../../ui/Button";
import { Fact, Facts } from "../../ui/Facts";
import { ErrorPanel, Skeleton, StatusBadge, type Tone, toast } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { SearchField } from "../../ui/SearchField";
import { Table, type TableColumn } from "../../ui/Table";
import { Hostile, sentence, Time, visibly } from "../../ui/text";
import { refresh } from "./acts";
import { driftCalls, driftQuery } from "./drift";
import { T } from "./texts";

const S = T.schema;

interface Row {
  id: string;
  kind: string;
  column: string;
  was: string[];
  now: string[];
  firstSeen: number | null;
}

interface Column {
  id: string;
  name: string;
  types: string[];
}

const TONES: Record<string, Tone> = { newColumn: "info", removedColumn: "bad", typeChange: "warn" };
const rowsOf = (
  changes: { kind: string; column: string; was: string[]; now: string[]; firstSeen?: string }[],
): Row[] =>
  changes.map((change) => ({
    ...change,
    id: `${change.kind} ${change.column}`,
    firstSeen: change.firstSeen ? Date.parse(change.firstSeen) : null,
  }));

export function Drift({ line }: { line: FlowLine }) {
  const sandbox = useSandbox();
  const session = useSession();
  const address = useAddress();
  const drift = useQuery(driftQuery(sandbox, line.id));
  const [decision, setDecision] = useState<"accept" | "ignore" | null>(null);
  const mayManage = session.permissions.includes("manage-sources");
  if (drift.isPending) return <Skeleton rows={4} />;
  if (drift.error)
    return <ErrorPanel what={S.failed} error={drift.error} onRetry={() => void drift.refetch()} />;
  const { held, lastMet, policy } = drift.data;
  const q = address.get("q").toLowerCase();
  const known: Column[] = drift.data.columns.map((column) => ({ ...column, id: column.name }));
  const found = known.filter((column) => column.name.toLowerCase().includes(q));
  return (
    <div className="stack">
      {held ? (
        <section className="panel held" aria-labelledby="held">
          <h2 id="held">{S.heldTitle}</h2>
          <p>
            {S.heldLead(held.runs)} {S.since} <Time at={Date.parse(held.since)} />.
          </p>
          {held.reason ? (
            <p className="muted">
              {S.reason}: {sentence(held.reason)}
            </p>
          ) : null}
          <Changes label={S.heldTable} rows={rowsOf(held.changes)} />
          {mayManage ? (
            <div className="form-actions">
              <Button onPress={() => setDecision("ignore")}>{S.ignore}</Button>
              <Button look="primary" onPress={() => setDecision("accept")}>
                {S.accept}
              </Button>
            </div>
          ) : (
            <p className="muted">{T.forbiddenManage}</p>
          )}
        </section>
      ) : (
        <section className="panel" aria-labelledby="held">
          <h2 id="held">{S.noneHeld}</h2>
          <p className="muted">{S.noneHeldText}</p>
        </section>
      )}
      {lastMet ? (
        <section className="panel" aria-labelledby="met">
          <h2 id="met">{S.met}</h2>
          <p className="muted">
            <Link to={pathOf(sandbox, `runs/${encodeURIComponent(lastMet.runId)}`)}>
              <Time at={Date.parse(lastMet.at)} exact />
            </Link>
          </p>
          <Changes label={S.metTable} rows={rowsOf(lastMet.changes)} />
        </section>
      ) : null}
      <section className="panel" aria-labelledby="policy">
        <h2 id="policy">{S.policy}</h2>
        <Facts>
          {(["newColumns", "removedColumns", "typeChanges"] as const).map((kind) => (
            <Fact key={kind} name={S.policies[kind] ?? kind}>
              {S.choices[policy[kind]] ?? visibly(policy[kind])}
            </Fact>
          ))}
        </Facts>
      </section>
      <section className="panel" aria-labelledby="known">
        <h2 id="known">{S.known}</h2>
        {known.length === 0 ? (
          <p className="muted">{S.knownNone}</p>
        ) : (
          <>
            <SearchField
              label={S.search}
              value={address.get("q")}
              onChange={(next) => address.set({ q: next })}
            />
            <Table
              label={S.knownTable}
              columns={KNOWN_COLUMNS}
              rows={found}
              textOf={(column) => visibly(column.name)}
            />
          </>
        )}
      </section>
      {decision && held ? (
        <Decide line={line} held={held} decision={decision} onClose={() => setDecision(null)} />
      ) : null}
    </div>
  );
}

const KNOWN_COLUMNS: TableColumn<Column>[] = [
  { id: "name", name: S.columns.column, rowHeader: true, cell: (column) => <Hostile>{column.name}</Hostile> },
  { id: "types", name: S.types, cell: (column) => <Hostile>{column.types.join(", ")}</Hostile> },
];

const CHANGE_COLUMNS: TableColumn<Row>[] = [
  { id: "column", name: S.columns.column, rowHeader: true, cell: (row) => <Hostile>{row.column}</Hostile> },
  {
    id: "kind",
    name: S.columns.change,
    cell: (row) => (
      <StatusBadge tone={TONES[row.kind] ?? "neutral"} icon={row.kind === "newColumn" ? "plus" : "warn"}>
        {S.kinds[row.kind] ?? visibly(row.kind)}
      </StatusBadge>
    ),
  },
  { id: "was", name: S.columns.was, cell: (row) => <Types types={row.was} /> },
  { id: "now", name: S.columns.now, cell: (row) => <Types types={row.now} /> },
];

function Types({ types }: { types: string[] }) {
  return types.length > 0 ? (
    <Hostile>{types.join(", ")}</Hostile>
  ) : (
    <span className="muted">{S.nothing}</span>
  );
}

function Changes({ label, rows }: { label: string; rows: Row[] }) {
  const columns: TableColumn<Row>[] = rows.some((row) => row.firstSeen !== null)
    ? [
        ...CHANGE_COLUMNS,
        {
          id: "seen",
          name: S.columns.seen,
          cell: (row) => (row.firstSeen === null ? "" : <Time at={row.firstSeen} />),
        },
      ]
    : CHANGE_COLUMNS;
  return <Table label={label} columns={columns} rows={rows} textOf={(row) => visibly(row.column)} />;
}

interface DecideProps {
  line: FlowLine;
  held: NonNullable<Told["held"]>;
  decision: "accept" | "ignore";
  onClose: () => void;
}

/** Decides about exactly the changes that are shown: if they are others by now, nothing is done. */
function Decide({ line, held, decision, onClose }: DecideProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const words =
    decision === "accept"
      ? { title: S.acceptTitle, text: S.acceptText, go: S.acceptGo }
      : { title: S.ignoreTitle, text: S.ignoreText, go: S.ignoreGo };
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      await send(driftCalls.decide(line.id, decision, held.id), sandbox);
      await refresh(client, sandbox, line.id);
      toast(S.decided);
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
      if (problem instanceof ApiError && problem.status === 409) void refresh(client, sandbox, line.id);
    }
  };
  return (
    <Dialog
      title={words.title}
      isOpen
      onClose={onClose}
      size="large"
      footer={
        <>
          <Button onPress={onClose}>{texts.common.cancel}</Button>
          <Button look="primary" isPending={busy} onPress={go} autoFocus>
            {words.go}
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel what={S.notDecided} error={error} /> : null}
      <p>{words.text}</p>
      <p className="muted">{S.nextRun}</p>
      <Changes label={words.title} rows={rowsOf(held.changes)} />
    </Dialog>
  );
}
