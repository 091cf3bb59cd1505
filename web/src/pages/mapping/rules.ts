/** Mappings as they are edited, and as a mapping set has them. */

export type RuleKind = "field" | "calculated" | "constant";

/** What feeds one field of the target. */
export interface Rule {
  id: string;
  kind: RuleKind;
  /** Name of a column, an expression, or a constant. */
  source: string;
  destination: string;
  /** What becomes of a row whose value cannot be taken; without it the field stays empty, and a warning is counted. */
  onError?: "null" | "reject";
  /** It was proposed, and nobody has accepted it yet: it is not part of the mapping. */
  suggestion?: { score: number; reason: string };
}

export interface SourceColumn {
  name: string;
  /** Its XDM type, as exploring tells. */
  type: string;
  /** Share of the sampled rows that have a value, 0 to 1. */
  coverage?: number;
}

export interface TargetField {
  path: string;
  type: string;
  required?: boolean;
  /** The nearest object above it that may be left out: only with that must it be there. */
  within?: string;
  title?: string;
  /** Its JSON Schema, where that is known. */
  node?: JsonNode;
}

export interface JsonNode {
  type?: string;
  format?: string;
  title?: string;
  properties?: Record<string, JsonNode>;
  required?: string[];
  items?: JsonNode;
  additionalProperties?: JsonNode | boolean;
  "meta:xdmType"?: string;
  [other: string]: unknown;
}

export interface MappingState {
  rules: Rule[];
  /** Whether suggestions were asked for. */
  suggested: boolean;
  /** Fields that the schema, which is yet to be made, gets beside those of the columns. */
  added?: TargetField[];
}

/** A mapping of the API. */
export interface WireMapping {
  sourceType: "ATTRIBUTE" | "EXPRESSION" | "STATIC";
  source: string;
  destination: string;
  onError: "warn" | "reject";
}

let last = 0;
export const newId = () => `r${++last}-${Date.now().toString(36)}`;

const PLAIN = /^[A-Za-z_$][\w$]*$/;
/** Words of the expression language that a column may be called, too. */
const RESERVED = new Set(
  "and break continue div do else empty eq false for function ge gt if le let lt mod ne new not null or pragma return size true try var void while _errors".split(
    " ",
  ),
);

/** How an expression names a column. */
export const quoted = (column: string) =>
  PLAIN.test(column) && !RESERVED.has(column) ? column : `\${${column.replace(/[{}\\]/g, "\\$&")}}`;

/** The column that a mapping's source names. */
function unquoted(source: string): string {
  const inner = /^\$\{(.+)\}$/s.exec(source)?.[1];
  return (inner ?? source).replace(/\\(.)/gs, "$1");
}

const KINDS = { field: "ATTRIBUTE", calculated: "EXPRESSION", constant: "STATIC" } as const;
const OF_WIRE: Record<string, RuleKind> = {
  ATTRIBUTE: "field",
  "text/x.schema-path": "field",
  EXPRESSION: "calculated",
  "text/x.aep-xl": "calculated",
  STATIC: "constant",
};

export const wireOf = (rule: Rule): WireMapping => ({
  sourceType: KINDS[rule.kind],
  source: rule.kind === "field" ? quoted(rule.source) : rule.source,
  destination: rule.destination,
  onError: rule.onError === "reject" ? "reject" : "warn",
});

/** The mappings of a set, without proposals that nobody accepted. */
export const mappingsOf = (state: MappingState): WireMapping[] =>
  state.rules.filter((rule) => !rule.suggestion && rule.source && rule.destination).map(wireOf);

interface ReadMapping {
  sourceType?: string;
  source?: string;
  sourceAttribute?: string;
  destination?: string;
  destinationXdmPath?: string;
  onError?: string;
}

export function ruleOf(mapping: ReadMapping): Rule {
  const kind = OF_WIRE[mapping.sourceType ?? ""] ?? "field";
  const source = mapping.source ?? mapping.sourceAttribute ?? "";
  return {
    id: newId(),
    kind,
    source: kind === "field" ? unquoted(source) : source,
    destination: mapping.destination ?? mapping.destinationXdmPath ?? "",
    onError: mapping.onError === "reject" ? "reject" : "null",
  };
}

const NUMBERS = new Set(["number", "long", "int", "short", "byte"]);
const WHOLE = new Set(["long", "int", "short", "byte"]);

/** How the values of a column fare in a field: as they are, converted, or perhaps not at all. */
export function fit(from: string, to: string): "same" | "converted" | "risky" {
  if (from === to || from === "" || to === "") return "same";
  if (to === "string") return "converted";
  if (NUMBERS.has(from) && NUMBERS.has(to)) return WHOLE.has(to) && !WHOLE.has(from) ? "risky" : "converted";
  return "risky";
}

const NAMES = /\$\{((?:[^{}\\]|\\.)+)\}|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\p{L}_$][\p{L}\p{N}_$]*/gu;

/** What a mapping may read: names of columns, and of functions, which nothing tells apart here. */
export function namesIn(rule: Rule): Set<string> {
  if (rule.kind === "constant") return new Set();
  if (rule.kind === "field") return new Set([rule.source]);
  const found = new Set<string>();
  for (const [whole, inside] of rule.source.matchAll(NAMES))
    if (inside !== undefined) found.add(inside.replace(/\\(.)/g, "$1"));
    else if (!/^["']/.test(whole)) found.add(whole);
  return found;
}

/** Columns that some mapping takes. */
export const mappedColumns = (rules: Rule[]) => new Set(rules.flatMap((rule) => [...namesIn(rule)]));

/** Required fields that nothing feeds although they, or what they are part of, must be there. */
export function missingFields(rules: Rule[], fields: TargetField[]): TargetField[] {
  const fed = rules.filter((rule) => !rule.suggestion).map((rule) => rule.destination);
  return fields.filter(
    (field) =>
      field.required &&
      !fed.some((destination) => feeds(destination, field.path)) &&
      (!field.within || fed.some((destination) => destination.startsWith(`${field.within}.`))),
  );
}

/** A mapping from each column to the field that is called as it is. */
export function byName(columns: SourceColumn[], fields: TargetField[]): Rule[] {
  const paths = new Map(fields.map((field) => [field.path.split(".").at(-1)?.toLowerCase(), field.path]));
  return columns.flatMap((column) => {
    const destination = paths.get(column.name.toLowerCase());
    return destination
      ? [{ id: newId(), kind: "field" as const, source: column.name, destination, onError: "null" as const }]
      : [];
  });
}

/** Whether a mapping to `destination` feeds the field at `path`, or a part of it. */
export const feeds = (destination: string, path: string) =>
  destination === path ||
  destination.startsWith(`${path}.`) ||
  destination.startsWith(`${path}[`) ||
  path.startsWith(`${destination}.`);
