/** A table that is read, not worked in: rows of data, figures, and what a chart shows in words. */
import type { ReactNode } from "react";

export interface FiguresColumn<T> {
  id: string;
  name: ReactNode;
  cell: (row: T) => ReactNode;
  numeric?: boolean;
}

interface FiguresProps<T> {
  label: string;
  columns: FiguresColumn<T>[];
  rows: T[];
  keyOf: (row: T) => string | number;
  /** What stands in the first column names the row. */
  named?: boolean;
}

export function Figures<T>({ label, columns, rows, keyOf, named = true }: FiguresProps<T>) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there
    <section className="table-scroll figures" aria-label={label} tabIndex={0}>
      <table className="table">
        <caption className="visually-hidden">{label}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.id} scope="col" className={column.numeric ? "numeric" : ""}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column, place) =>
                named && place === 0 ? (
                  <th key={column.id} scope="row" className={column.numeric ? "numeric" : ""}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.id} className={column.numeric ? "numeric" : ""}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
