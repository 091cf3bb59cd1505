/** Row filters in three forms: lines of a builder, OData text, and the JSON that the API takes. */

export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=" | "like" | "isNull" | "notNull";

export interface Condition {
  id: string;
  column: string;
  operator: Operator;
  /** As it was typed; numbers, truth values and times are read out of it where the column has such values. */
  value: string;
}

export interface RowFilter {
  mode: "builder" | "text";
  /** Whether a row must meet all conditions or any. */
  match: "and" | "or";
  conditions: Condition[];
  text: string;
}

export const NO_FILTER: RowFilter = { mode: "builder", match: "and", conditions: [], text: "" };

type Literal = string | number | boolean;
export type Node =
  | { nodeType: "fieldLookup"; fieldName: string }
  | { nodeType: "literal"; value: Literal }
  | { nodeType: "fnApply"; fnName: string; params: Node[] };

const field = (fieldName: string): Node => ({ nodeType: "fieldLookup", fieldName });
const literal = (value: Literal): Node => ({ nodeType: "literal", value });
const apply = (fnName: string, ...params: Node[]): Node => ({ nodeType: "fnApply", fnName, params });

/** A value as its column's kind (an XDM type, as explore tells) has it. */
function typed(text: string, kind: string): Literal {
  const trimmed = text.trim();
  if (["int", "long", "number"].includes(kind) && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) {
    const number = Number(trimmed);
    // What a number of the browser cannot hold exactly stays text, which the server compares by its exact value.
    if (!Number.isInteger(number) || Number.isSafeInteger(number)) return number;
  }
  if (kind === "boolean" && /^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase() === "true";
  return text;
}

function conditionNode({ column, operator, value }: Condition, kindOf: (column: string) => string): Node {
  if (operator === "isNull") return apply("isNull", field(column));
  if (operator === "notNull") return apply("not", apply("isNull", field(column)));
  if (operator === "like") return apply("like", field(column), literal(value));
  return apply(operator, field(column), literal(typed(value, kindOf(column))));
}

export class BadFilter extends Error {
  constructor(
    message: string,
    /** Where in the text, from 1 on. */
    readonly at: number,
  ) {
    super(message);
  }
}

/** The filter as a tree; null where there is none. Throws BadFilter for text that is none. */
export function nodeOf(filter: RowFilter, kindOf: (column: string) => string): Node | null {
  if (filter.mode === "text") return filter.text.trim() ? parsed(filter.text) : null;
  const nodes = filter.conditions.filter((one) => one.column).map((one) => conditionNode(one, kindOf));
  return nodes.length > 1 ? apply(filter.match, ...nodes) : (nodes[0] ?? null);
}

/** As `params.filters` of a source connection has it. */
export const filtersOf = (node: Node) => ({ type: "PQL", format: "pql/json", value: node });

/** As the query of explore has it. */
export function encoded(node: Node): string {
  const bytes = new TextEncoder().encode(JSON.stringify(filtersOf(node)));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

/** The columns that a filter reads, each once. */
export function columnsOf(node: Node | null): string[] {
  if (!node || node.nodeType === "literal") return [];
  if (node.nodeType === "fieldLookup") return [node.fieldName];
  return [...new Set(node.params.flatMap(columnsOf))];
}

const WORDS: Record<string, string> = { "=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge" };
const SIGNS = Object.fromEntries(Object.entries(WORDS).map(([sign, word]) => [word, sign]));
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

const nameText = (name: string) => (/^[A-Za-z_]\w*$/.test(name) ? name : `[${name.replaceAll("]", "]]")}]`);

function literalText(value: Literal): string {
  if (typeof value !== "string") return String(value);
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return TIME.test(value) ? `datetime${quoted}` : quoted;
}

/** The tree as OData text. Names that OData could not hold stand in brackets. */
export function textOf(node: Node | null, inside = ""): string {
  if (!node) return "";
  if (node.nodeType === "fieldLookup") return nameText(node.fieldName);
  if (node.nodeType === "literal") return literalText(node.value);
  const { fnName, params } = node;
  const [first, second] = params;
  if (fnName === "and" || fnName === "or") {
    const text = params.map((one) => textOf(one, fnName)).join(` ${fnName} `);
    return inside && inside !== fnName ? `(${text})` : text;
  }
  if (fnName === "not" && first?.nodeType === "fnApply" && first.fnName === "isNull")
    return `${textOf(first.params[0] ?? null)} ne null`;
  if (fnName === "not") return `not (${textOf(first ?? null)})`;
  if (fnName === "isNull") return `${textOf(first ?? null)} eq null`;
  if (fnName === "like") return `like(${textOf(first ?? null)}, ${textOf(second ?? null)})`;
  return `${textOf(first ?? null)} ${WORDS[fnName] ?? fnName} ${textOf(second ?? null)}`;
}

/** The tree as lines of the builder; null where it says more than they can. */
export function conditionsOf(node: Node | null): Pick<RowFilter, "match" | "conditions"> | null {
  if (!node) return { match: "and", conditions: [] };
  if (node.nodeType !== "fnApply") return null;
  const joined = node.fnName === "and" || node.fnName === "or";
  const lines = (joined ? node.params : [node]).map(lineOf);
  if (lines.some((line) => line === null)) return null;
  return {
    match: node.fnName === "or" ? "or" : "and",
    conditions: lines.map((line, place) => ({ ...(line as Omit<Condition, "id">), id: `c${place + 1}` })),
  };
}

function lineOf(node: Node): Omit<Condition, "id"> | null {
  if (node.nodeType !== "fnApply") return null;
  const [first, second] = node.params;
  if (node.fnName === "not" && first?.nodeType === "fnApply" && first.fnName === "isNull") {
    const column = first.params[0];
    return column?.nodeType === "fieldLookup"
      ? { column: column.fieldName, operator: "notNull", value: "" }
      : null;
  }
  if (first?.nodeType !== "fieldLookup") return null;
  if (node.fnName === "isNull") return { column: first.fieldName, operator: "isNull", value: "" };
  if (second?.nodeType !== "literal" || !(node.fnName in WORDS || node.fnName === "like")) return null;
  return { column: first.fieldName, operator: node.fnName as Operator, value: String(second.value) };
}

interface Token {
  kind: "name" | "text" | "number" | "sign" | "time";
  text: string;
  at: number;
}

const TOKENS =
  /\s*(?:(?<time>datetime'(?:[^']|'')*')|(?<text>'(?:[^']|'')*')|(?<name>[A-Za-z_]\w*|\[(?:[^\]]|\]\])+\])|(?<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:[LlFfDdMm]\b)?|(?<sign>[(),]))/y;

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKENS.lastIndex = 0;
  let end = 0;
  while (text.slice(end).trim()) {
    TOKENS.lastIndex = end;
    const match = TOKENS.exec(text);
    const at = end + (/^\s*/.exec(text.slice(end))?.[0].length ?? 0) + 1;
    if (!match?.groups) throw new BadFilter("this sign has no meaning here", at);
    const [kind, token] = Object.entries(match.groups).find(([, value]) => value !== undefined) as [
      Token["kind"],
      string,
    ];
    found.push({ kind, text: token, at });
    end = TOKENS.lastIndex;
  }
  return found;
}

/** The tree of an OData filter: `eq ne lt le gt ge and or not`, parentheses, `like(column, 'pattern')`. Throws BadFilter. */
export function parsed(text: string): Node {
  const all = tokens(text);
  let place = 0;
  const next = () => all[place];
  const end = text.length + 1;
  const word = (...words: string[]) => {
    const token = next();
    return token?.kind === "name" && words.includes(token.text.toLowerCase()) ? token : null;
  };
  const sign = (wanted: string) => {
    const token = next();
    if (token?.text !== wanted) throw new BadFilter(`“${wanted}” is missing`, token?.at ?? end);
    place++;
  };
  const column = (): Node => {
    const token = next();
    if (token?.kind !== "name") throw new BadFilter("the name of a column is missing", token?.at ?? end);
    place++;
    return field(token.text.startsWith("[") ? token.text.slice(1, -1).replaceAll("]]", "]") : token.text);
  };
  const value = (): Literal | null => {
    const token = next();
    if (!token || token.kind === "sign") throw new BadFilter("a value is missing", token?.at ?? end);
    place++;
    if (token.kind === "number") return Number(token.text.replace(/[LlFfDdMm]$/, ""));
    if (token.kind !== "name") return token.text.slice(token.text.indexOf("'") + 1, -1).replaceAll("''", "'");
    const plain = token.text.toLowerCase();
    if (plain === "null") return null;
    if (plain === "true" || plain === "false") return plain === "true";
    throw new BadFilter("a text stands in single quotes", token.at);
  };
  const compared = (): Node => {
    if (word("like")) {
      place++;
      sign("(");
      const of = column();
      sign(",");
      const pattern = value();
      sign(")");
      return apply("like", of, literal(String(pattern)));
    }
    const of = column();
    const operator = word("eq", "ne", "lt", "le", "gt", "ge");
    if (!operator) throw new BadFilter("eq, ne, lt, le, gt or ge is missing", next()?.at ?? end);
    place++;
    const name = SIGNS[operator.text.toLowerCase()] as string;
    const right = value();
    if (right !== null) return apply(name, of, literal(right));
    if (name !== "=" && name !== "!=") throw new BadFilter("null is only compared by eq and ne", operator.at);
    return name === "=" ? apply("isNull", of) : apply("not", apply("isNull", of));
  };
  const single = (): Node => {
    if (word("not")) {
      place++;
      return apply("not", single());
    }
    if (next()?.text === "(") {
      place++;
      const node = either();
      sign(")");
      return node;
    }
    return compared();
  };
  const joined = (name: "and" | "or", part: () => Node): Node => {
    const parts = [part()];
    while (word(name)) {
      place++;
      parts.push(part());
    }
    return parts.length > 1 ? apply(name, ...parts) : (parts[0] as Node);
  };
  const both = (): Node => joined("and", single);
  function either(): Node {
    return joined("or", both);
  }
  const node = either();
  const left = next();
  if (left) throw new BadFilter("this is more than one filter: “and” or “or” is missing", left.at);
  return node;
}
