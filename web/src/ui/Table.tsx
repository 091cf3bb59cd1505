import type { ReactNode } from "react";
import {
  Table as AriaTable,
  Cell,
  Column,
  Row,
  type SortDescriptor,
  TableBody,
  TableHeader,
} from "react-aria-components/Table";
import { Icon } from "./Icon";

export interface TableColumn<T> {
  id: string;
  name: string;
  cell: (row: T) => ReactNode;
  /** What rows are sorted by; a column without cannot be sorted. */
  key?: (row: T) => string | number;
  numeric?: boolean;
  rowHeader?: boolean;
  /** No name is shown above it. */
  quiet?: boolean;
}

interface TableProps<T> {
  label: string;
  columns: TableColumn<T>[];
  rows: T[];
  sort?: SortDescriptor;
  onSort?: (sort: SortDescriptor) => void;
  onOpen?: (id: string) => void;
  textOf: (row: T) => string;
}

/** A grid: arrows move by cell, Enter opens, headers sort. It scrolls sideways inside its own labelled region. */
export function Table<T extends { id: string }>(props: TableProps<T>) {
  const { label, columns, rows, sort, onSort, onOpen, textOf } = props;
  // Cells are told apart by the `key` of their items, which a column's own `key` is not.
  const items = columns.map((column) => ({ id: column.id, column }));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there
    <section className="table-scroll" aria-label={label} tabIndex={0}>
      <AriaTable
        aria-label={label}
        className="table"
        {...(sort && onSort ? { sortDescriptor: sort, onSortChange: onSort } : {})}
        {...(onOpen ? { onRowAction: (key) => onOpen(String(key)) } : {})}
      >
        <TableHeader>
          {columns.map((column) => (
            <Column
              key={column.id}
              id={column.id}
              textValue={column.name}
              isRowHeader={Boolean(column.rowHeader)}
              allowsSorting={Boolean(column.key)}
              className={column.numeric ? "numeric" : ""}
            >
              {({ allowsSorting, sortDirection }) => (
                <span className="column-name">
                  {column.quiet ? <span className="visually-hidden">{column.name}</span> : column.name}
                  {allowsSorting && sortDirection ? (
                    <Icon name={sortDirection === "ascending" ? "up" : "sortDown"} />
                  ) : null}
                </span>
              )}
            </Column>
          ))}
        </TableHeader>
        <TableBody items={rows} dependencies={[columns]}>
          {(row) => (
            <Row id={row.id} textValue={textOf(row)} columns={items} className={onOpen ? "opens" : ""}>
              {({ column }) => <Cell className={column.numeric ? "numeric" : ""}>{column.cell(row)}</Cell>}
            </Row>
          )}
        </TableBody>
      </AriaTable>
    </section>
  );
}

/** `rows` in the order of `sort`; texts by the viewer's language. */
export function sorted<T>(rows: T[], columns: TableColumn<T>[], sort: SortDescriptor): T[] {
  const key = columns.find((column) => column.id === sort.column)?.key;
  if (!key) return rows;
  const sign = sort.direction === "descending" ? -1 : 1;
  const order = (a: string | number, b: string | number) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  return [...rows].sort((a, b) => sign * order(key(a), key(b)));
}
