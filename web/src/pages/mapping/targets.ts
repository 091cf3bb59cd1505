/** Fields of a schema as a flat list, and single fields as schemas of their own. */
import type { JsonNode, TargetField } from "./rules";

const MOST = 10_000;
const DEEPEST = 12;

export function xdmType(node: JsonNode): string {
  const said = node["meta:xdmType"];
  if (said) return said === "integer" ? "int" : said;
  if (node.type === "string" && (node.format === "date" || node.format === "date-time")) return node.format;
  if (node.type === "integer") return "long";
  if (node.type === "object" && !node.properties && typeof node.additionalProperties === "object")
    return "map";
  return node.type ?? "object";
}

/** What mappings may feed: values, lists and maps as a whole, and the first item's fields of lists of objects. */
export function fieldsOf(schema: JsonNode): TargetField[] {
  const found: TargetField[] = [];
  const walk = (node: JsonNode, at: string, required: boolean, within: string, depth: number) => {
    if (found.length >= MOST || depth > DEEPEST) return;
    const type = xdmType(node);
    if (type === "object" && node.properties) {
      const musts = new Set(node.required ?? []);
      const inner = required ? within : at;
      for (const [name, child] of Object.entries(node.properties))
        walk(child, at ? `${at}.${name}` : name, musts.has(name), inner, depth + 1);
      return;
    }
    found.push({ path: at, type, required, within, title: node.title ?? "", node });
    if (type === "array" && node.items?.properties) walk(node.items, `${at}[0]`, false, within, depth + 1);
  };
  walk(schema, "", true, "", 0);
  return found.filter((field) => field.path);
}

const FORMATS: Record<string, JsonNode> = {
  string: { type: "string" },
  number: { type: "number" },
  boolean: { type: "boolean" },
  date: { type: "string", format: "date" },
  "date-time": { type: "string", format: "date-time" },
  long: { type: "integer", "meta:xdmType": "long" },
  int: { type: "integer", "meta:xdmType": "int" },
  short: { type: "integer", "meta:xdmType": "short" },
  byte: { type: "integer", "meta:xdmType": "byte" },
};

/** Types that a new field may have. */
export const FIELD_TYPES = ["string", "long", "number", "boolean", "date", "date-time", "int"];

export const nodeOf = (field: TargetField): JsonNode =>
  field.node ?? FORMATS[field.type] ?? { type: "string" };

/** A schema of these fields alone, as the API takes it to try mappings. Items of lists are fed through their lists. */
export function schemaOf(fields: TargetField[]): JsonNode {
  const root: JsonNode = { type: "object", properties: {}, required: [] };
  for (const field of fields) {
    if (field.path.includes("[")) continue;
    const steps = field.path.split(".");
    let at = root;
    for (const [place, step] of steps.entries()) {
      at.properties ??= {};
      if (field.required && place >= (field.within?.split(".").length ?? 0))
        at.required = [...new Set([...(at.required ?? []), step])];
      if (place === steps.length - 1) at.properties[step] = nodeOf(field);
      else {
        at.properties[step] ??= { type: "object", properties: {} };
        at = at.properties[step] as JsonNode;
      }
    }
  }
  return root;
}

/** What a row has at a path such as `person.name` or `lines[0].sku`. */
export function valueAt(row: unknown, path: string): unknown {
  let value = row;
  for (const step of path.match(/[^.[\]]+/g) ?? []) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

/** A value in one line. */
export const shown = (value: unknown): string =>
  value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
