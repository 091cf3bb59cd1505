/** Each column and the field that it feeds: one line a column. */
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useSandbox } from "../../shell/page";
import { Select } from "../../ui/choices";
import { Hostile, visibly } from "../../ui/text";
import type { MappingStepProps, Rule, TargetField } from "./mapping";
import { fieldsQuery } from "./queries";
import { texts } from "./texts";

const T = texts.mapping;
const NONE = "none";

const leaf = (path: string) => (path.split(".").pop() ?? path).toLowerCase();

/** Columns and fields of one name. */
function identical(columns: { name: string }[], fields: TargetField[]): Rule[] {
  return columns.flatMap((column, place) => {
    const field = fields.find((one) => leaf(one.path) === column.name.toLowerCase());
    return field
      ? [{ id: `f${place + 1}`, kind: "field" as const, source: column.name, destination: field.path }]
      : [];
  });
}

export function MappingStep(props: MappingStepProps) {
  const { columns, schemaId, targetFields, keys = [], value, onChange } = props;
  const known = useQuery(fieldsQuery(useSandbox(), schemaId ?? ""));
  const fields = schemaId === null ? (targetFields ?? []) : (known.data ?? []);
  useEffect(() => {
    if (value.suggested || fields.length === 0 || columns.length === 0) return;
    onChange({ rules: value.rules.length > 0 ? value.rules : identical(columns, fields), suggested: true });
  }, [value, fields, columns, onChange]);
  const ruleOf = (name: string) => value.rules.find((rule) => rule.kind === "field" && rule.source === name);
  const choose = (name: string, destination: string) => {
    const others = value.rules.filter((rule) => rule !== ruleOf(name) && rule.destination !== destination);
    const rule: Rule = { id: `f-${name}`, kind: "field", source: name, destination };
    onChange({ ...value, rules: destination === NONE ? others : [...others, rule] });
  };
  return (
    <div className="stack">
      <p className="muted" role="status">
        {T.mapped(columns.filter((column) => ruleOf(column.name)).length, columns.length)}
      </p>
      <ul className="rows plain-mapping">
        {columns.map((column) => (
          <li key={column.name}>
            <span>
              <Hostile>{column.name}</Hostile> <code className="muted">{visibly(column.type)}</code>
            </span>
            <Select
              inline
              label={T.for(visibly(column.name))}
              value={ruleOf(column.name)?.destination ?? NONE}
              onChange={(path) => choose(column.name, path)}
              options={[
                { id: NONE, name: T.unmapped },
                ...fields.map((field) => ({
                  id: field.path,
                  name: `${visibly(field.path)}${keys.includes(field.path) ? " 🔑" : ""}`,
                })),
              ]}
            />
          </li>
        ))}
      </ul>
    </div>
  );
}
