/** Up to a hundred rows, each field a column; what labels hide says so. */
import { useQuery } from "@tanstack/react-query";
import { useSession } from "../../session";
import { useSandbox } from "../../shell/page";
import { Button } from "../../ui/Button";
import { Figures } from "../../ui/Figures";
import { EmptyState, ErrorPanel, Skeleton } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Hostile, visibly } from "../../ui/text";
import { type Dataset, labelsQuery, MARK, type Row, rowsQuery } from "./queries";
import { texts } from "./texts";

const T = texts.rows;

interface FlatRow {
  place: number;
  values: Map<string, unknown>;
}

const isObject = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Objects are taken apart into dotted columns; lists stay whole. */
function flatten(row: Row, above = "", into = new Map<string, unknown>()) {
  for (const [name, value] of Object.entries(row)) {
    const path = above ? `${above}.${name}` : name;
    if (isObject(value)) flatten(value, path, into);
    else into.set(path, value);
  }
  return into;
}

function Value({ value }: { value: unknown }) {
  if (value === MARK)
    return (
      <span className="hidden-value" title={T.hiddenTitle}>
        <Icon name="shield" />
        {T.hidden}
      </span>
    );
  if (value === undefined || value === null)
    return (
      <span className="muted">
        <span aria-hidden="true">–</span>
        <span className="visually-hidden">{T.none}</span>
      </span>
    );
  return <Hostile>{typeof value === "string" ? value : JSON.stringify(value)}</Hostile>;
}

export function Rows({ dataset }: { dataset: Dataset }) {
  const sandbox = useSandbox();
  const { permissions } = useSession();
  const may = permissions.includes("view-data");
  const rows = useQuery({ ...rowsQuery(sandbox, dataset.id), enabled: may });
  const labels = useQuery(labelsQuery(sandbox, [dataset.id]));
  const held = labels.data?.get(dataset.id);
  if (!may)
    return (
      <EmptyState icon="shield" title={T.forbiddenTitle}>
        {T.forbidden}
      </EmptyState>
    );
  if (rows.isPending) return <Skeleton />;
  if (rows.error && !rows.data)
    return <ErrorPanel what={T.failed} error={rows.error} onRetry={() => void rows.refetch()} />;
  const found: FlatRow[] = (rows.data ?? []).map((row, place) => ({ place, values: flatten(row) }));
  if (found.length === 0)
    return (
      <EmptyState icon="table" title={T.emptyTitle}>
        {T.empty}
      </EmptyState>
    );
  const paths = [...new Set(found.flatMap((row) => [...row.values.keys()]))];
  const numeric = (path: string) =>
    found.every((row) => ["number", "undefined"].includes(typeof (row.values.get(path) ?? undefined)));
  const hidden = held?.fields.filter((field) => field.hidden).map((field) => visibly(field.path)) ?? [];
  const total = dataset.extensions?.adobe_lakeHouse?.metrics.rowCount ?? null;
  return (
    <>
      {held?.hidden || hidden.length > 0 ? (
        <p className="banner">
          <Icon name="shield" />
          {held?.hidden ? T.hiddenAll : T.hiddenNote(hidden)}
        </p>
      ) : null}
      <div className="tool-bar">
        <p className="muted" role="status">
          {T.note(found.length, total)}
        </p>
        <Button
          size="small"
          look="quiet"
          icon="refresh"
          isPending={rows.isFetching}
          onPress={() => void rows.refetch()}
        >
          {T.refresh}
        </Button>
      </div>
      <Figures<FlatRow>
        label={T.label(visibly(dataset.name))}
        rows={found}
        keyOf={(row) => row.place}
        columns={paths.map((path) => ({
          id: path,
          name: <span className="mono">{visibly(path)}</span>,
          numeric: numeric(path),
          cell: (row) => <Value value={row.values.get(path)} />,
        }))}
      />
    </>
  );
}
