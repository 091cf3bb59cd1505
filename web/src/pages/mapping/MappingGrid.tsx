/** The mappings as a grid that holds ten thousand: columns on the left, fields on the right, what becomes of a sample row. */
import type { KeyboardEvent } from "react";
import { Cell, Column, Row, Table, TableBody, TableHeader } from "react-aria-components/Table";
import { TableLayout, Virtualizer } from "react-aria-components/Virtualizer";
import { Button, IconButton } from "../../ui/Button";
import { StatusBadge } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Menu } from "../../ui/overlays";
import { Hostile, visibly } from "../../ui/text";
import { type Choice, PathText, Picker } from "./Picker";
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
}

const COLUMNS = ["number", "source", "target", "sampleIn", "sampleOut", "status", "actions"] as const;
type ColumnId = (typeof COLUMNS)[number];
const WIDTHS: Record<ColumnId, { width: `${number}fr` | number; minWidth: number }> = {
  number: { width: 44, minWidth: 44 },
  source: { width: "3fr", minWidth: 180 },
  target: { width: "4fr", minWidth: 280 },
  sampleIn: { width: "2fr", minWidth: 100 },
  sampleOut: { width: "2fr", minWidth: 100 },
  status: { width: "3fr", minWidth: 220 },
  actions: { width: 56, minWidth: 56 },
};

export function MappingGrid(props: GridProps) {
  const { rows, acts, readOnly } = props;
  const shownColumns = COLUMNS.filter((id) => !(readOnly && id === "actions"));

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    // What opens over the grid sends its keys through here, too.
    if (readOnly || !event.currentTarget.contains(event.target as Node)) return;
    const id = (event.target as HTMLElement).closest("[role=row]")?.getAttribute("data-key");
    const row = rows.find((each) => each.id === id);
    if (row?.kind !== "rule" || event.ctrlKey || event.metaKey) return;
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      event.stopPropagation();
      acts.move(row.id, event.key === "ArrowUp" ? -1 : 1);
    } else if (event.altKey) return;
    else if (event.key === "a" && row.rule.suggestion) acts.accept(row.id);
    else if (event.key === "e") acts.edit(row.id);
    else if (event.key === "Delete") acts.remove(row.id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="mapping-grid" onKeyDownCapture={onKeyDown}>
      <Virtualizer layout={TableLayout} layoutOptions={{ rowHeight: 44, headingHeight: 34 }}>
        <Table
          aria-label={T.grid}
          className="table virtual"
          {...(readOnly ? {} : { onRowAction: (key) => open(rows, String(key), acts) })}
        >
          <TableHeader>
            {shownColumns.map((id) => (
              <Column
                key={id}
                id={id}
                isRowHeader={id === "target"}
                textValue={T.columns[id]}
                width={WIDTHS[id].width}
                minWidth={WIDTHS[id].minWidth}
                className={id === "number" ? "numeric" : ""}
              >
                {id === "actions" ? <span className="visually-hidden">{T.columns[id]}</span> : T.columns[id]}
              </Column>
            ))}
          </TableHeader>
          <TableBody items={rows} dependencies={[props]}>
            {(row) => (
              <Row id={row.id} textValue={nameOf(row)} className={classOf(row)}>
                {shownColumns.map((id) => (
                  <Cell key={id} className={id === "number" ? "numeric" : ""}>
                    <GridCell id={id} row={row} {...props} />
                  </Cell>
                ))}
              </Row>
            )}
          </TableBody>
        </Table>
      </Virtualizer>
    </div>
  );
}

function open(rows: GridRow[], id: string, acts: GridActs) {
  const row = rows.find((each) => each.id === id);
  if (row?.kind === "rule") acts.edit(id);
  else if (row?.kind === "required") acts.create({ destination: row.field.path });
  else if (row) acts.create({ kind: "field", source: row.column.name });
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

function GridCell({ id, row, ...props }: GridProps & { id: ColumnId; row: GridRow }) {
  switch (id) {
    case "number":
      return row.kind === "rule" ? row.number : null;
    case "source":
      return <SourceCell row={row} {...props} />;
    case "target":
      return <TargetCell row={row} {...props} />;
    case "sampleIn":
      return <Sample value={sampleIn(row, props.sample)} />;
    case "sampleOut":
      return row.kind === "rule" && !row.rule.suggestion ? (
        <Sample value={shown(valueAt(props.landed, row.rule.destination))} />
      ) : null;
    case "status":
      return <Status row={row} {...props} />;
    case "actions":
      return <Actions row={row} {...props} />;
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

function SourceCell({ row, ...props }: Omit<GridProps, "rows"> & { row: GridRow }) {
  if (row.kind === "required")
    return props.readOnly ? null : (
      <Picker
        label={T.sourceOf(row.field.path)}
        find={T.findColumn}
        placeholder={T.chooseSource}
        value=""
        choices={props.columnChoices}
        onChoose={(source) => props.acts.create({ kind: "field", source, destination: row.field.path })}
      />
    );
  const column = row.kind === "unmapped" ? row.column : props.columns.get(row.rule.source);
  if (row.kind === "unmapped" || props.readOnly || row.rule.kind !== "field") {
    const text = row.kind === "unmapped" ? row.column.name : row.rule.source;
    const isPlain = row.kind === "unmapped" || row.rule.kind === "field";
    const inner = (
      <>
        <span className={isPlain ? "picker-value" : "picker-value expression"}>
          <Hostile>{text}</Hostile>
        </span>
        {isPlain && column ? <span className="type-chip">{column.type}</span> : null}
        {row.kind === "rule" && row.rule.kind === "constant" ? (
          <span className="type-chip">{T.constant}</span>
        ) : null}
        {row.kind === "rule" && row.rule.kind === "calculated" ? <Icon name="code" /> : null}
      </>
    );
    return isPlain || props.readOnly ? (
      <span className="picker-text">{inner}</span>
    ) : (
      <button type="button" className="picker" onClick={() => props.acts.edit(row.id)}>
        {inner}
      </button>
    );
  }
  return (
    <Picker
      label={T.sourceOf(row.rule.destination)}
      find={T.findColumn}
      placeholder={T.chooseSource}
      value={row.rule.source}
      note={column?.type ?? ""}
      choices={props.columnChoices}
      onChoose={(source) => props.acts.change(row.id, { source })}
    />
  );
}

function TargetCell({ row, ...props }: Omit<GridProps, "rows"> & { row: GridRow }) {
  if (row.kind === "unmapped")
    return props.readOnly ? null : (
      <Picker
        label={T.targetOf(row.column.name)}
        find={T.findField}
        placeholder={T.chooseTarget}
        value=""
        choices={props.fieldChoices}
        onChoose={(destination) => props.acts.create({ kind: "field", source: row.column.name, destination })}
      />
    );
  const path = row.kind === "required" ? row.field.path : row.rule.destination;
  const field = row.kind === "required" ? row.field : props.fields.get(path);
  const marks = (
    <>
      {field?.required ? <span className="required-mark">{T.required}</span> : null}
      {props.keys.includes(path) ? <span className="required-mark">{T.key}</span> : null}
    </>
  );
  return (
    <span className="target-cell">
      <Icon name="right" />
      {row.kind === "required" || props.readOnly ? (
        <span className="picker-text">
          <PathText>{path}</PathText>
          <span className="type-chip">{field?.type ?? ""}</span>
        </span>
      ) : (
        <Picker
          label={T.targetOf(row.rule.source)}
          find={T.findField}
          placeholder={T.chooseTarget}
          value={path}
          note={field?.type ?? ""}
          choices={props.fieldChoices}
          onChoose={(destination) => props.acts.change(row.id, { destination })}
        />
      )}
      {marks}
    </span>
  );
}

function Status({ row, ...props }: Omit<GridProps, "rows"> & { row: GridRow }) {
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
        {props.readOnly ? null : (
          <Button
            size="small"
            aria-label={T.acceptOf(visibly(rule.destination))}
            onPress={() => props.acts.accept(row.id)}
          >
            {T.accept}
          </Button>
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
  if (row.failing > 0)
    return <StatusBadge tone="warn">{T.status.failing(row.failing, props.tried)}</StatusBadge>;
  const from = rule.kind === "field" ? (props.columns.get(rule.source)?.type ?? "") : "";
  const to = props.fields.get(rule.destination)?.type ?? "";
  const how = fit(from, to);
  if (how === "risky") return <StatusBadge tone="info">{T.status.risky(from, to)}</StatusBadge>;
  return (
    <StatusBadge tone="good">
      {how === "converted" ? T.status.converted(from, to) : T.status.ready}
    </StatusBadge>
  );
}

function Actions({ row, acts }: Omit<GridProps, "rows"> & { row: GridRow }) {
  const name = nameOf(row);
  if (row.kind !== "rule")
    return (
      <IconButton
        icon="plus"
        size="small"
        label={T.mapOf(name)}
        onPress={() =>
          acts.create(
            row.kind === "required"
              ? { destination: row.field.path }
              : { kind: "field", source: row.column.name },
          )
        }
      />
    );
  const { rule } = row;
  return (
    <Menu
      label={T.rowMenu(name)}
      groups={[
        {
          id: "change",
          entries: [
            ...(rule.suggestion
              ? [{ id: "accept", name: T.accept, onAction: () => acts.accept(row.id) }]
              : []),
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
      ]}
    >
      <IconButton icon="more" size="small" label={T.rowMenu(name)} />
    </Menu>
  );
}
