/** Which rows are read: as lines of conditions, or as OData text. */
import { Button, IconButton } from "../../ui/Button";
import { RadioGroup, Select } from "../../ui/choices";
import { ErrorPanel } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { visibly } from "../../ui/text";
import { kindIn } from "./making";
import type { Column } from "./queries";
import {
  BadFilter,
  type Condition,
  conditionsOf,
  NO_FILTER,
  nodeOf,
  type Operator,
  type RowFilter,
  textOf,
} from "./rowFilter";
import { texts } from "./texts";

const T = texts.filter;
const WITHOUT_VALUE = new Set<Operator>(["isNull", "notNull"]);

interface FilterBuilderProps {
  filter: RowFilter;
  columns: Column[];
  onChange: (filter: RowFilter) => void;
  problem: string;
  test: () => void;
  testing: boolean;
  /** How many rows passed when it was tested as it stands. */
  passing: number | null;
  error: unknown;
}

const isNone = (filter: RowFilter) =>
  filter.mode === "text" ? filter.text.trim() === "" : filter.conditions.length === 0;

/** The filter in a few words. */
export function told(filter: RowFilter, columns: Column[]): string {
  if (isNone(filter)) return T.none;
  try {
    return visibly(textOf(nodeOf(filter, kindIn(columns)))) || T.none;
  } catch {
    return visibly(filter.text);
  }
}

export function FilterBuilder(props: FilterBuilderProps) {
  const { filter, columns, onChange, problem, test, testing, passing, error } = props;
  const first = columns[0]?.name ?? "";
  const none = isNone(filter);
  const add = () =>
    onChange({
      ...filter,
      conditions: [...filter.conditions, { id: `n${Date.now()}`, column: first, operator: "=", value: "" }],
    });
  const other = (mode: string) => {
    if (mode === filter.mode) return;
    if (mode === "text") {
      const node = nodeOf(filter, kindIn(columns));
      onChange({ ...filter, mode: "text", text: textOf(node) });
      return;
    }
    let lines: ReturnType<typeof conditionsOf> = null;
    try {
      lines = conditionsOf(nodeOf(filter, kindIn(columns)));
    } catch {
      // What cannot be read stays text.
    }
    if (lines) onChange({ ...filter, mode: "builder", ...lines });
  };
  const staysText = filter.mode === "text" && !none && !asLines(filter, columns);
  return (
    <details className="filter" open={!none || problem !== "" || undefined}>
      <summary>
        <span className="filter-title">{T.title}</span> <code className="muted">{told(filter, columns)}</code>
      </summary>
      <div className="filter-body">
        <p className="muted">{T.lead}</p>
        <div className="tool-bar">
          <RadioGroup
            label={T.mode}
            hideLabel
            segmented
            value={filter.mode}
            onChange={other}
            options={Object.entries(T.modes).map(([id, name]) => ({ id, name }))}
          />
          {filter.mode === "builder" && filter.conditions.length > 1 ? (
            <Select
              inline
              label={T.match}
              value={filter.match}
              onChange={(match) => onChange({ ...filter, match: match as RowFilter["match"] })}
              options={Object.entries(T.matches).map(([id, name]) => ({ id, name }))}
            />
          ) : null}
        </div>
        {filter.mode === "builder" ? (
          <ol className="conditions">
            {filter.conditions.map((one, place) => (
              <Line
                key={one.id}
                condition={one}
                place={place + 1}
                columns={columns}
                onChange={(next) =>
                  onChange({
                    ...filter,
                    conditions: filter.conditions.map((known) => (known.id === one.id ? next : known)),
                  })
                }
                onRemove={() =>
                  onChange({
                    ...filter,
                    conditions: filter.conditions.filter((known) => known.id !== one.id),
                  })
                }
              />
            ))}
          </ol>
        ) : (
          <TextField
            label={T.text}
            name="filter"
            lines={3}
            help={staysText ? `${T.textHelp} ${T.tooMuch}` : T.textHelp}
            value={filter.text}
            onChange={(text) => onChange({ ...filter, text })}
            error={wrongText(filter, columns)}
          />
        )}
        {problem && filter.mode === "builder" ? <p className="field-error">{problem}</p> : null}
        {error ? <ErrorPanel what={T.failed} error={error} /> : null}
        <div className="tool-bar">
          {filter.mode === "builder" ? (
            <Button size="small" icon="plus" onPress={add}>
              {T.add}
            </Button>
          ) : null}
          {none ? null : (
            <>
              <Button size="small" onPress={test} isPending={testing}>
                {T.test}
              </Button>
              <Button size="small" look="quiet" onPress={() => onChange({ ...NO_FILTER, mode: filter.mode })}>
                {T.clear}
              </Button>
            </>
          )}
          <p className="muted" role="status">
            {passing === null ? "" : T.tested(passing)}
          </p>
        </div>
      </div>
    </details>
  );
}

function asLines(filter: RowFilter, columns: Column[]): boolean {
  try {
    return conditionsOf(nodeOf(filter, kindIn(columns))) !== null;
  } catch {
    return true;
  }
}

function wrongText(filter: RowFilter, columns: Column[]): string | undefined {
  try {
    nodeOf(filter, kindIn(columns));
    return undefined;
  } catch (problem) {
    return problem instanceof BadFilter ? T.wrong(problem.message, problem.at) : String(problem);
  }
}

interface LineProps {
  condition: Condition;
  place: number;
  columns: Column[];
  onChange: (next: Condition) => void;
  onRemove: () => void;
}

function Line({ condition, place, columns, onChange, onRemove }: LineProps) {
  return (
    <li className="condition">
      <Select
        label={T.column(place)}
        value={condition.column}
        onChange={(column) => onChange({ ...condition, column })}
        options={columns.map((one) => ({ id: one.name, name: visibly(one.name) }))}
      />
      <Select
        label={T.operator(place)}
        value={condition.operator}
        onChange={(operator) => onChange({ ...condition, operator: operator as Operator })}
        options={Object.entries(T.operators).map(([key, name]) => ({ id: key, name }))}
      />
      {WITHOUT_VALUE.has(condition.operator) ? (
        <span />
      ) : (
        <TextField
          label={T.value(place)}
          {...(place === 1 ? { name: "filter" } : {})}
          help={condition.operator === "like" ? T.likeHelp : undefined}
          value={condition.value}
          onChange={(value) => onChange({ ...condition, value })}
        />
      )}
      <IconButton icon="close" size="small" label={T.remove(place)} onPress={onRemove} />
    </li>
  );
}
