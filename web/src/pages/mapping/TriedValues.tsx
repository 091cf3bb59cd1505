/** What one mapping gives for the first rows of the sample, beside the columns that it reads. */
import { Table, type TableColumn } from "../../ui/Table";
import { Hostile, sentence } from "../../ui/text";
import type { TriedRow } from "./queries";
import { namesIn, type Rule, type SourceColumn } from "./rules";
import { shown } from "./targets";
import { texts as T } from "./texts";

const MOST_COLUMNS = 5;

interface Shown {
  id: string;
  row: Record<string, unknown>;
  result: TriedRow;
}

interface TriedValuesProps {
  rule: Rule | undefined;
  columns: SourceColumn[];
  rows: Record<string, unknown>[];
  tried: TriedRow[];
}

export function TriedValues({ rule, columns, rows, tried }: TriedValuesProps) {
  const names = rule ? namesIn(rule) : new Set();
  const read = columns.filter((column) => names.has(column.name)).slice(0, MOST_COLUMNS);
  const shownRows: Shown[] = rows.flatMap((row, place) => {
    const result = tried[place];
    return result ? [{ id: String(place + 1), row, result }] : [];
  });
  const tableColumns: TableColumn<Shown>[] = [
    { id: "#row", name: T.result.row, numeric: true, rowHeader: true, cell: ({ id }) => id },
    ...read.map((column) => ({
      id: column.name,
      name: column.name,
      cell: ({ row }: Shown) => <Value value={shown(row[column.name])} />,
    })),
    {
      id: "#result",
      name: T.dialog.result,
      cell: ({ result }) => {
        const error = result.errors?.[0];
        return error ? (
          <span className="status bad">{sentence(error.exception)}</span>
        ) : (
          <strong>
            <Value value={shown(result.data.result)} />
          </strong>
        );
      },
    },
  ];
  return <Table label={T.dialog.results} columns={tableColumns} rows={shownRows} textOf={({ id }) => id} />;
}

function Value({ value }: { value: string }) {
  return value === "" ? (
    <span className="muted">{T.dialog.empty}</span>
  ) : (
    <span className="sample" title={value.slice(0, 2_000)}>
      <Hostile>{value.slice(0, 200)}</Hostile>
    </span>
  );
}
