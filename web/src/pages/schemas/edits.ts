/** Changes of schemas and field groups, as JSON Patches of the resource that is shown. */
import type { Node } from "./fields";
import type { Resource } from "./queries";

export interface PatchStep {
  op: "add" | "replace" | "remove";
  path: string;
  value?: unknown;
}

export interface NewField {
  name: string;
  /** Dotted path of the object that holds it. */
  inside: string;
  type: string;
  list: boolean;
  title: string;
  description: string;
  required: boolean;
}

const pointer = (...steps: string[]) =>
  steps.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const textOf = (name: "title" | "description", resource: Resource, value: string): PatchStep[] =>
  (resource[name] ?? "") === value
    ? []
    : [{ op: resource[name] === undefined ? "add" : "replace", path: `/${name}`, value }];

export const renamed = (resource: Resource, title: string, description: string): PatchStep[] => [
  ...textOf("title", resource, title),
  ...textOf("description", resource, description),
];

export const withGroups = (ids: string[]): PatchStep[] =>
  ids.map((id) => ({ op: "add", path: "/allOf/-", value: { $ref: id } }));

export function withoutGroup(schema: Resource, id: string): PatchStep[] {
  const place = schema.allOf?.findIndex((part) => part.$ref === id) ?? -1;
  return place < 0 ? [] : [{ op: "remove", path: `/allOf/${place}` }];
}

/** The field as JSON Schema. */
export function nodeOf(field: NewField): Node {
  const single: Node =
    field.type === "date" || field.type === "date-time"
      ? { type: "string", format: field.type }
      : { type: field.type, ...(field.type === "object" ? { properties: {} } : {}) };
  return {
    ...(field.list ? { type: "array", items: single } : single),
    ...(field.title ? { title: field.title } : {}),
    ...(field.description ? { description: field.description } : {}),
  };
}

/** The object at the end of `names` in `root`; null if there is none. */
function objectAt(root: Node, names: string[]): Node | null {
  let node: Node = root;
  for (const name of names) {
    const next = node.properties?.[name];
    if (!next) return null;
    node = next.type === "array" && next.items ? next.items : next;
  }
  return node;
}

function requiring(node: Node, name: string, required: boolean) {
  const others = (node.required ?? []).filter((known) => known !== name);
  if (required) node.required = [...others, name];
  else if (others.length > 0) node.required = others;
  else delete node.required;
}

/** The places of a field group that hold fields: itself, and the parts that it is made of. */
function roots(group: Resource): { path: string; node: Node }[] {
  const parts = (group.allOf ?? []).flatMap((part) => {
    const name = /^#\/definitions\/(.+)$/.exec(part.$ref ?? "")?.[1];
    const node = name === undefined ? undefined : group.definitions?.[name];
    return name !== undefined && node ? [{ path: pointer("definitions", name), node }] : [];
  });
  return [...parts, { path: "", node: { properties: group.properties ?? {} } }];
}

const writing = (group: Resource, path: string, node: Node): PatchStep =>
  path
    ? { op: "replace", path, value: node }
    : { op: group.properties ? "replace" : "add", path: "/properties", value: node.properties };

/** A field group with another field. Where it has no object of that path yet, it gets one. */
export function withField(group: Resource, field: NewField): PatchStep[] {
  const names = field.inside.split(".");
  const known = roots(group).find((root) => objectAt(root.node, names));
  const path = known?.path ?? "";
  const node = copy(known?.node ?? { properties: group.properties ?? {} });
  placed(node, names, field);
  return [writing(group, path, node)];
}

/** `root` with the field in it, and the objects on the way. */
export function placed(root: Node, names: string[], field: NewField): Node {
  let node = root;
  for (const name of names) {
    node.properties ??= {};
    const held = node.properties[name] ?? { type: "object", properties: {} };
    node.properties[name] = held;
    node = held.type === "array" && held.items ? held.items : held;
  }
  node.properties = { ...node.properties, [field.name]: nodeOf(field) };
  if (field.required) requiring(node, field.name, true);
  return root;
}

/** Whether a field group itself defines the field. */
export const defines = (group: Resource, path: string) =>
  roots(group).some((root) => objectAt(root.node, path.split(".")) !== null);

/** A field group with other texts of a field, and with or without the need for a value. */
export function withEdited(
  group: Resource,
  path: string,
  change: { title: string; description: string; required: boolean },
): PatchStep[] {
  const names = path.split(".");
  const name = names.pop() as string;
  const known = roots(group).find((root) => objectAt(root.node, [...names, name]));
  if (!known) return [];
  const node = copy(known.node);
  const holder = objectAt(node, names);
  const field = holder?.properties?.[name];
  if (!holder || !field) return [];
  for (const text of ["title", "description"] as const)
    if (change[text]) field[text] = change[text];
    else delete field[text];
  requiring(holder, name, change.required);
  return JSON.stringify(node) === JSON.stringify(known.node) ? [] : [writing(group, known.path, node)];
}
