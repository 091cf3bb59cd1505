/** The mappings as a grid that holds ten thousand: columns on the left, fields on the right, what becomes of a sample row.
 *
 * Only rows in sight are drawn, and what opens over the grid is there once: a grid of components for each cell takes
 * seconds for so many rows. Keys are those of an ARIA grid; Tab goes through the controls of one row. */
import {
  type FocusEvent,
  type KeyboardEvent,
  memo,
  type RefObject,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { StatusBadge } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { MenuPopover } from "../../ui/overlays";
import { Hostile, visibly } from "../../ui/text";
import { type Choice, ChoicePopover, PathText } from "./Picker";
import { type Fault, spoken } from "./queries";
import type { Rule, SourceColumn, TargetField } from "./rules";
import { fit } from "./rules";
import { shown, valueAt } from "./targets";
import { texts as T } from "./texts";

export type GridRow =
  | { id: string; kind: "rule"; rule: Rule; number: number; fault?: Fault; failing: number }
  | { id: string; kind: "required"; field: TargetField }
  | { id: string; kind: "unmapped"; column: SourceColumn };

export interface GridActs {
  change: (id: string, change: Partial<Rule>) => void;
  accept: (id: string) => void;
  remove: (id: string) => void;
  move: (id: string, by: -1 | 1) => void;
  edit: (id: string) => void;
  create: (start: Partial<Rule>) => void;
}

interface GridProps {
  rows: GridRow[];
  columns: Map<string, SourceColumn>;
  fields: Map<string, TargetField>;
  columnChoices: Choice[];
  fieldChoices: Choice[];
  keys: string[];
  sample: Record<string, unknown> | undefined;
  landed: Record<string, unknown> | undefined;
  tried: number;
  acts: GridActs;
  readOnly: boolean;
  /** A row to go to, with the focus. */
  sought: { id: string } | null;
}

const COLUMNS = ["number", "source", "target", "sampleIn", "sampleOut", "status", "actions"] as const;
type ColumnId = (typeof COLUMNS)[number];
/** Of the root's text size; the style sheet has the same. */
const ROW = 2.75;
const HEADER = 2.125;
const BEYOND = 6;

/** What is open over the grid, and the button that opened it. */
type Open = { what: "source" | "target" | "menu"; row: GridRow; button: HTMLElement };

export function MappingGrid(props: GridProps) {
  const { rows, acts, readOnly } = props;
  const ids = useMemo(() => COLUMNS.filter((id) => !(readOnly && id === "actions")), [readOnly]);
  const frame = useRef<HTMLDivElement>(null);
  const [from, setFrom] = useState(0);
  const [{ height, rem }, setRoom] = useState({ height: 480, rem: 16 });
  const [active, setActive] = useState({ row: 0, column: 0 });
  const [open, setOpen] = useState<Open | null>(null);
  const opener = useRef<HTMLElement | null>(null);
  const moved = useRef(false);
  const current = Math.min(active.row, rows.length - 1);

  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = () =>
      setRoom({
        height: element.clientHeight,
        rem: Number.parseFloat(getComputedStyle(document.documentElement).fontSize),
      });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    // Its height follows the text size, also where the grid's does not.
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (!moved.current) return;
    moved.current = false;
    const id = rows[current]?.id ?? "";
    const cells = frame.current?.querySelectorAll<HTMLElement>(`[data-key="${CSS.escape(id)}"] > *`);
    const cell = cells?.[active.column];
    (cell?.querySelector<HTMLElement>("button") ?? cell)?.focus({ preventScroll: true });
    // In the grid it is in sight by now; the page, and what is wider than it, may have to move, too.
    cell?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  const first = Math.max(0, Math.min(from, rows.length) - BEYOND);
  const last = Math.min(rows.length, from + Math.ceil(height / (ROW * rem)) + BEYOND);
  // The row with the focus is drawn wherever it is: else the focus were lost.
  const places = [
    ...(current < first ? [current] : []),
    ...Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at),
    ...(current >= last && current >= 0 ? [current] : []),
  ];

  const go = (row: number, column: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, row));
    const element = frame.current;
    if (element) {
      const top = next * ROW * rem;
      const room = element.clientHeight - (HEADER + ROW) * rem;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top > element.scrollTop + room) element.scrollTop = top - room;
    }
    moved.current = true;
    setActive({ row: next, column: Math.max(0, Math.min(ids.length - 1, column)) });
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each search
  useLayoutEffect(() => {
    const place = rows.findIndex((row) => row.id === props.sought?.id);
    if (place >= 0) go(place, 0);
  }, [props.sought]);

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    // What opens over the grid sends its keys through here, too.
    if (!event.currentTarget.contains(event.target as Node)) return;
    const row = rows[current];
    const page = Math.max(1, Math.floor(height / (ROW * rem)) - 1);
    const withCtrl = event.ctrlKey || event.metaKey;
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      if (readOnly || row?.kind !== "rule") return;
      const by = event.key === "ArrowUp" ? -1 : 1;
      acts.move(row.id, by);
      go(current + by, active.column);
    } else if (event.altKey) return;
    else if (event.key === "ArrowUp") go(current - 1, active.column);
    else if (event.key === "ArrowDown") go(current + 1, active.column);
    else if (event.key === "ArrowLeft") go(current, active.column - 1);
    else if (event.key === "ArrowRight") go(current, active.column + 1);
    else if (event.key === "PageUp") go(current - page, active.column);
    else if (event.key === "PageDown") go(current + page, active.column);
    else if (event.key === "Home") go(withCtrl ? 0 : current, withCtrl ? active.column : 0);
    else if (event.key === "End")
      go(withCtrl ? rows.length - 1 : current, withCtrl ? active.column : ids.length - 1);
    else if (withCtrl || readOnly || !row) return;
    else if (row.kind === "rule" && event.key === "a" && row.rule.suggestion) acts.accept(row.id);
    else if (row.kind === "rule" && event.key === "e") acts.edit(row.id);
    else if (row.kind === "rule" && event.key === "Delete") {
      moved.current = true;
      acts.remove(row.id);
    } else if (event.key === "Enter" && !(event.target as HTMLElement).closest("button")) begin(row, acts);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const onFocus = (event: FocusEvent<HTMLDivElement>) => {
    const cell = (event.target as HTMLElement).closest<HTMLElement>(".grid-cell");
    const line = cell?.parentElement;
    const row = rows.findIndex((each) => each.id === line?.dataset.key);
    if (row >= 0 && cell && line) setActive({ row, column: [...line.children].indexOf(cell) });
  };

  const close = () => {
    setOpen(null);
    // The focus goes back to the button, unless its row is gone by then: then to the row in its place.
    setTimeout(() => {
      if (document.activeElement !== document.body) return;
      moved.current = true;
      setActive((known) => ({ ...known }));
    }, 50);
  };

  const show = (what: Open["what"], row: GridRow, button: HTMLElement) => {
    opener.current = button;
    setOpen({ what, row, button });
  };

  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a table of which most rows are not drawn */}
      <div
        ref={frame}
        className="mapping-grid"
        role="grid"
        tabIndex={-1}
        aria-label={T.grid}
        aria-rowcount={rows.length + 1}
        aria-colcount={ids.length}
        onKeyDown={onKeyDown}
        onFocus={onFocus}
        onScroll={(event) => setFrom(Math.floor(event.currentTarget.scrollTop / (ROW * rem)))}
      >
        {/* biome-ignore lint/a11y/useSemanticElements: as above */}
        {/* biome-ignore lint/a11y/useFocusableInteractive: names of columns do nothing */}
        <div className="grid-row grid-header" role="row" aria-rowindex={1}>
          {ids.map((id) => (
            // biome-ignore lint/a11y/useSemanticElements: as above
            // biome-ignore lint/a11y/useFocusableInteractive: as above
            <div key={id} className={`grid-cell ${id}`} role="columnheader">
              {id === "actions" ? <span className="visually-hidden">{T.columns[id]}</span> : T.columns[id]}
            </div>
          ))}
        </div>
        {/* biome-ignore lint/a11y/useSemanticElements: as above */}
        <div className="grid-body" role="rowgroup" style={{ height: `${rows.length * ROW}rem` }}>
          {places.map((place) => {
            const row = rows[place];
            return row ? (
              <GridLine
                key={row.id}
                row={row}
                place={place}
                ids={ids}
                activeColumn={place === current ? active.column : -1}
                show={show}
                {...props}
              />
            ) : null;
          })}
        </div>
      </div>
      {open ? <Opened open={open} opener={opener} close={close} {...props} /> : null}
    </>
  );
}

interface LineProps extends GridProps {
  row: GridRow;
  place: number;
  ids: ColumnId[];
  /** The cell that has the focus, or would; -1 in other rows. */
  activeColumn: number;
  show: (what: Open["what"], row: GridRow, button: HTMLElement) => void;
}

const GridLine = memo(
  function GridLine({ row, place, ids, activeColumn, ...props }: LineProps) {
    const isActive = activeColumn >= 0;
    return (
      // biome-ignore lint/a11y/useSemanticElements: a table of which most rows are not drawn
      // biome-ignore lint/a11y/useFocusableInteractive: its cells are focused
      <div
        className={`grid-row ${classOf(row)}`}
        role="row"
        data-key={row.id}
        aria-rowindex={place + 2}
        style={{ transform: `translateY(${place * ROW}rem)` }}
        onDoubleClick={() => (props.readOnly ? undefined : begin(row, props.acts))}
      >
        {ids.map((id, column) => (
          <div
            key={id}
            className={`grid-cell ${id}`}
            role={id === "target" ? "rowheader" : "gridcell"}
            tabIndex={isActive && column === activeColumn && !hasControl(id, row, props.readOnly) ? 0 : -1}
          >
            <GridCell id={id} row={row} tabIndex={isActive ? 0 : -1} {...props} />
          </div>
        ))}
      </div>
    );
  },
  (before, after) =>
    before.row === after.row &&
    before.place === after.place &&
    before.activeColumn === after.activeColumn &&
    before.sample === after.sample &&
    before.landed === after.landed &&
    before.columns === after.columns &&
    before.fields === after.fields &&
    before.acts === after.acts &&
    before.ids === after.ids,
);

/** Whether a cell has a button, which then takes the focus in its place. */
function hasControl(id: ColumnId, row: GridRow, readOnly: boolean): boolean {
  if (readOnly) return false;
  if (id === "actions") return true;
  if (id === "source") return row.kind !== "unmapped";
  if (id === "target") return row.kind !== "required";
  return id === "status" && row.kind === "rule" && Boolean(row.rule.suggestion);
}

/** Begin with a row: edit its mapping, or make the one that is missing. */
function begin(row: GridRow, acts: GridActs) {
  if (row.kind === "rule") acts.edit(row.id);
  else acts.create(startOf(row));
}

const startOf = (row: GridRow): Partial<Rule> =>
  row.kind === "required"
    ? { destination: row.field.path }
    : row.kind === "unmapped"
      ? { kind: "field", source: row.column.name }
      : {};

interface OpenedProps extends GridProps {
  open: Open;
  opener: RefObject<HTMLElement | null>;
  close: () => void;
}

function Opened({ open, opener, close, columnChoices, fieldChoices, acts }: OpenedProps) {
  const { row, what } = open;
  if (what === "menu") {
    if (row.kind !== "rule") return null;
    return (
      <MenuPopover
        trigger={opener}
        label={T.rowMenu(nameOf(row))}
        groups={menuOf(row, acts)}
        onClose={close}
      />
    );
  }
  const choose = (chosen: string) => {
    close();
    const change = what === "source" ? { source: chosen } : { destination: chosen };
    if (row.kind === "rule") acts.change(row.id, change);
    else acts.create({ kind: "field", ...startOf(row), ...change });
  };
  return (
    <ChoicePopover
      trigger={opener}
      label={what === "source" ? T.sourceOf(nameOf(row)) : T.targetOf(nameOf(row))}
      find={what === "source" ? T.findColumn : T.findField}
      choices={what === "source" ? columnChoices : fieldChoices}
      onChoose={choose}
      onClose={close}
    />
  );
}

function menuOf(row: GridRow & { kind: "rule" }, acts: GridActs) {
  const { rule } = row;
  return [
    {
      id: "change",
      entries: [
        ...(rule.suggestion ? [{ id: "accept", name: T.accept, onAction: () => acts.accept(row.id) }] : []),
        { id: "edit", name: T.edit, onAction: () => acts.edit(row.id) },
        {
          id: "fails",
          name: rule.onError === "reject" ? T.keepRow : T.rejectRow,
          onAction: () => acts.change(row.id, { onError: rule.onError === "reject" ? "null" : "reject" }),
        },
      ],
    },
    {
      id: "place",
      entries: [
        { id: "up", name: T.moveUp, onAction: () => acts.move(row.id, -1) },
        { id: "down", name: T.moveDown, onAction: () => acts.move(row.id, 1) },
        {
          id: "remove",
          name: rule.suggestion ? T.dismiss : T.remove,
          danger: true,
          onAction: () => acts.remove(row.id),
        },
      ],
    },
  ];
}

const classOf = (row: GridRow) =>
  row.kind !== "rule" ? "open" : row.rule.suggestion ? "suggested" : row.fault ? "faulty" : "";

const nameOf = (row: GridRow) =>
  visibly(
    row.kind === "rule"
      ? row.rule.destination || row.rule.source
      : row.kind === "required"
        ? row.field.path
        : row.column.name,
  );

type CellProps = Omit<LineProps, "ids" | "place" | "activeColumn"> & { tabIndex: number };

function GridCell({ id, ...props }: CellProps & { id: ColumnId }) {
  const { row } = props;
  switch (id) {
    case "number":
      return row.kind === "rule" ? row.number : null;
    case "source":
      return <SourceCell {...props} />;
    case "target":
      return <TargetCell {...props} />;
    case "sampleIn":
      return <Sample value={sampleIn(row, props.sample)} />;
    case "sampleOut":
      return row.kind === "rule" && !row.rule.suggestion ? (
        <Sample value={shown(valueAt(props.landed, row.rule.destination))} />
      ) : null;
    case "status":
      return <Status {...props} />;
    case "actions":
      return <Actions {...props} />;
  }
}

function sampleIn(row: GridRow, sample: Record<string, unknown> | undefined): string {
  if (row.kind === "required") return "";
  const name = row.kind === "unmapped" ? row.column.name : row.rule.kind === "field" ? row.rule.source : "";
  return name ? shown(sample?.[name]) : "";
}

function Sample({ value }: { value: string }) {
  return value ? (
    <span className="sample" title={visibly(value).slice(0, 2_000)}>
      <Hostile>{value.slice(0, 300)}</Hostile>
    </span>
  ) : null;
}

interface ChoiceButtonProps {
  label: string;
  value: string;
  placeholder: string;
  note: string;
  tabIndex: number;
  onOpen: (button: HTMLElement) => void;
}

/** Opens the list to choose from. */
function ChoiceButton({ label, value, placeholder, note, tabIndex, onOpen }: ChoiceButtonProps) {
  return (
    <button
      type="button"
      className="picker"
      tabIndex={tabIndex}
      aria-haspopup="dialog"
      onClick={(event) => onOpen(event.currentTarget)}
    >
      <span className="visually-hidden">{visibly(label)}: </span>
      {value ? <PathText>{value}</PathText> : <span className="picker-value muted">{placeholder}</span>}
      {note ? <span className="type-chip"> {note}</span> : null}
      <Icon name="down" />
    </button>
  );
}

function SourceCell({ row, readOnly, columns, acts, show, tabIndex }: CellProps) {
  if (row.kind === "required" || (row.kind === "rule" && row.rule.kind === "field" && !readOnly)) {
    if (readOnly) return null;
    const source = row.kind === "rule" ? row.rule.source : "";
    return (
      <ChoiceButton
        label={T.sourceOf(row.kind === "rule" ? row.rule.destination : row.field.path)}
        value={source}
        placeholder={T.chooseSource}
        note={columns.get(source)?.type ?? ""}
        tabIndex={tabIndex}
        onOpen={(button) => show("source", row, button)}
      />
    );
  }
  const text = row.kind === "unmapped" ? row.column.name : row.rule.source;
  const kind = row.kind === "unmapped" ? "field" : row.rule.kind;
  const note = kind === "field" ? (columns.get(text)?.type ?? "") : kind === "constant" ? T.constant : "";
  const inner = (
    <>
      <span className={kind === "field" ? "picker-value" : "picker-value expression"}>
        <Hostile>{text.slice(0, 300)}</Hostile>
      </span>
      {note ? <span className="type-chip">{note}</span> : null}
      {kind === "calculated" ? <Icon name="code" /> : null}
    </>
  );
  return kind === "field" || readOnly ? (
    <span className="picker-text">{inner}</span>
  ) : (
    <button type="button" className="picker" tabIndex={tabIndex} onClick={() => acts.edit(row.id)}>
      <span className="visually-hidden">{T.edit}: </span>
      {inner}
    </button>
  );
}

function TargetCell({ row, readOnly, fields, keys, show, tabIndex }: CellProps) {
  if (row.kind === "unmapped" && readOnly) return null;
  const path = row.kind === "required" ? row.field.path : row.kind === "rule" ? row.rule.destination : "";
  const field = row.kind === "required" ? row.field : fields.get(path);
  return (
    <span className="target-cell">
      <Icon name="right" />
      {row.kind === "required" || readOnly ? (
        <span className="picker-text">
          <PathText>{path}</PathText>
          <span className="type-chip">{field?.type ?? ""}</span>
        </span>
      ) : (
        <ChoiceButton
          label={T.targetOf(row.kind === "rule" ? row.rule.source : row.column.name)}
          value={path}
          placeholder={T.chooseTarget}
          note={field?.type ?? ""}
          tabIndex={tabIndex}
          onOpen={(button) => show("target", row, button)}
        />
      )}
      {field?.required ? <span className="required-mark">{T.required}</span> : null}
      {keys.includes(path) ? <span className="required-mark">{T.key}</span> : null}
    </span>
  );
}

function Status({ row, readOnly, acts, tried, columns, fields, tabIndex }: CellProps) {
  if (row.kind === "required") return <StatusBadge tone="warn">{T.status.missing}</StatusBadge>;
  if (row.kind === "unmapped") return <StatusBadge tone="neutral">{T.status.unmapped}</StatusBadge>;
  const { rule } = row;
  if (rule.suggestion)
    return (
      <span className="status-cell">
        <span className="status info">{T.status.score(rule.suggestion.score)}</span>
        <span className="muted sample" title={visibly(rule.suggestion.reason)}>
          {visibly(rule.suggestion.reason)}
        </span>
        {readOnly ? null : (
          <button
            type="button"
            className="button plain small"
            tabIndex={tabIndex}
            onClick={() => acts.accept(row.id)}
          >
            {T.accept}
            <span className="visually-hidden"> {visibly(rule.destination)}</span>
          </button>
        )}
      </span>
    );
  if (!rule.source || !rule.destination) return <StatusBadge tone="warn">{T.status.unfinished}</StatusBadge>;
  if (row.fault)
    return (
      <span className="status bad" title={spoken(row.fault)}>
        <Icon name="fail" />
        <span className="sample">{spoken(row.fault)}</span>
      </span>
    );
  if (row.failing > 0) return <StatusBadge tone="warn">{T.status.failing(row.failing, tried)}</StatusBadge>;
  const from = rule.kind === "field" ? (columns.get(rule.source)?.type ?? "") : "";
  const to = fields.get(rule.destination)?.type ?? "";
  const how = fit(from, to);
  if (how === "risky") return <StatusBadge tone="info">{T.status.risky(from, to)}</StatusBadge>;
  return (
    <StatusBadge tone="good">
      {how === "converted" ? T.status.converted(from, to) : T.status.ready}
    </StatusBadge>
  );
}

function Actions({ row, acts, show, tabIndex }: CellProps) {
  const label = row.kind === "rule" ? T.rowMenu(nameOf(row)) : T.mapOf(nameOf(row));
  return (
    <button
      type="button"
      className="button icon-only quiet small"
      tabIndex={tabIndex}
      aria-label={label}
      title={label}
      {...(row.kind === "rule" ? { "aria-haspopup": "menu" as const } : {})}
      onClick={(event) =>
        row.kind === "rule" ? show("menu", row, event.currentTarget) : acts.create(startOf(row))
      }
    >
      <Icon name={row.kind === "rule" ? "more" : "plus"} />
    </button>
  );
}
