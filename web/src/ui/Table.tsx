import { type ReactNode, type SyntheticEvent, useRef } from "react";
import { Checkbox } from "react-aria-components/Checkbox";
import {
  Table as AriaTable,
  Cell,
  Column,
  type Key,
  Row,
  type SortDescriptor,
  TableBody,
  TableHeader,
} from "react-aria-components/Table";
import { useHiddenColumns } from "../preferences";
import { texts } from "../texts";
import { Button } from "./Button";
import { Icon } from "./Icon";
import { Choices } from "./overlays";

export interface TableColumn<T> {
  id: string;
  name: string;
  cell: (row: T) => ReactNode;
  /** What rows are sorted by; a column without cannot be sorted, unless the server sorts. */
  key?: (row: T) => string | number;
  /** The server sorts by it. */
  sortable?: boolean;
  numeric?: boolean;
  rowHeader?: boolean;
  /** No name is shown above it. */
  quiet?: boolean;
  /** It stays in sight at the end of the row, however wide the table is. */
  pinned?: boolean;
}

interface TableProps<T> {
  label: string;
  columns: TableColumn<T>[];
  rows: T[];
  sort?: SortDescriptor;
  onSort?: (sort: SortDescriptor) => void;
  onOpen?: (id: string) => void;
  textOf: (row: T) => string;
  /** Under which it is kept which columns the viewer wants to see; without it all are shown. */
  place?: string;
  /** Ids of the rows that are chosen; with it each row has a box, and the header one for all. */
  chosen?: ReadonlySet<string>;
  onChoose?: (ids: Set<string>) => void;
}

const classOf = <T,>({ numeric, pinned }: TableColumn<T>) =>
  `${numeric ? "numeric" : ""} ${pinned ? "pinned-end" : ""}`.trim();

/** Keys of rows and columns are in one set, and ids of rows may come from a source. */
const keyOf = (id: string) => `row ${id}`;
const idOf = (key: Key) => String(key).slice("row ".length);

/** A grid: arrows move by cell, Enter opens, headers sort. It scrolls sideways inside its own labelled region. */
export function Table<T extends { id: string }>({ place, ...props }: TableProps<T>) {
  return place ? <ChosenColumns {...props} place={place} /> : <Grid {...props} />;
}

/** What says which row it is, and what can be done with it, is always there. */
const stays = <T,>(column: TableColumn<T>) => Boolean(column.rowHeader || column.quiet);

function ChosenColumns<T extends { id: string }>({
  place,
  columns,
  ...props
}: TableProps<T> & { place: string }) {
  const [hidden, hide] = useHiddenColumns(place);
  const options = columns.filter((column) => !stays(column));
  return (
    <div className="chosen-columns">
      <div className="table-choices">
        <Choices
          label={texts.common.columnsOf(props.label)}
          options={options}
          chosen={options.map(({ id }) => id).filter((id) => !hidden.includes(id))}
          onChoose={(ids) => hide(options.map(({ id }) => id).filter((id) => !ids.includes(id)))}
        >
          <Button size="small" look="quiet" icon="columns">
            {texts.common.columns}
          </Button>
        </Choices>
      </div>
      <Grid {...props} columns={columns.filter((column) => stays(column) || !hidden.includes(column.id))} />
    </div>
  );
}

function Grid<T extends { id: string }>(props: Omit<TableProps<T>, "place">) {
  const { label, columns, rows, sort, onSort, onOpen, textOf, chosen, onChoose } = props;
  // A link within a row leads where it leads, and does not open the row as well.
  const within = useRef(false);
  const notice = (event: SyntheticEvent) => {
    within.current = event.target instanceof Element && event.target.closest("a, button") !== null;
  };
  return (
    <section
      className="table-scroll"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there
      tabIndex={0}
      onPointerDownCapture={notice}
      onKeyDownCapture={notice}
    >
      <AriaTable
        aria-label={label}
        className="table"
        {...(sort && onSort ? { sortDescriptor: sort, onSortChange: onSort } : {})}
        {...(onOpen ? { onRowAction: (key) => (within.current ? undefined : onOpen(idOf(key))) } : {})}
        {...(chosen && onChoose
          ? {
              selectionMode: "multiple" as const,
              selectedKeys: [...chosen].map(keyOf),
              onSelectionChange: (keys) =>
                onChoose(new Set(keys === "all" ? rows.map((row) => row.id) : [...keys].map(idOf))),
            }
          : {})}
      >
        <TableHeader>
          {chosen ? (
            <Column className="choice">
              <Choice />
            </Column>
          ) : null}
          {columns.map((column) => (
            <Column
              key={column.id}
              id={column.id}
              textValue={column.name}
              isRowHeader={Boolean(column.rowHeader)}
              allowsSorting={Boolean(column.key) || Boolean(column.sortable)}
              className={classOf(column)}
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
        <TableBody items={rows} dependencies={[columns, chosen]}>
          {(row) => (
            <Row id={keyOf(row.id)} textValue={textOf(row)} className={onOpen ? "opens" : ""}>
              {chosen ? (
                <Cell className="choice">
                  <Choice />
                </Cell>
              ) : null}
              {columns.map((column) => (
                <Cell key={column.id} className={classOf(column)}>
                  {column.cell(row)}
                </Cell>
              ))}
            </Row>
          )}
        </TableBody>
      </AriaTable>
    </section>
  );
}

/** The box of a row, or of all rows; the table names it. */
function Choice() {
  return (
    <Checkbox slot="selection" className="checkbox">
      {({ isIndeterminate }) => (
        <span className="box">
          <Icon name={isIndeterminate ? "skip" : "check"} />
        </span>
      )}
    </Checkbox>
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
