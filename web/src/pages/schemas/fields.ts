/** The fields of a schema as the registry tells them resolved (`-full-desc`): a tree with what is said of each. */

export interface Descriptor {
  "@id": string;
  "@type": string;
  "xdm:sourceSchema": string;
  "xdm:sourceProperty": string | string[];
  "xdm:labels"?: string[];
  "xdm:namespace"?: string;
  "xdm:isPrimary"?: boolean;
}

/** A node of JSON Schema, as far as fields are read from it. */
export interface Node {
  type?: string;
  title?: string;
  description?: string;
  format?: string;
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  properties?: Record<string, Node>;
  required?: string[];
  items?: Node;
  additionalProperties?: Node | boolean;
  "meta:xdmType"?: string;
  "meta:enum"?: Record<string, string>;
  "meta:referencedFrom"?: string;
  "meta:descriptors"?: Descriptor[];
}

export interface Field {
  /** Dotted, from the root; it names the field in mappings, too. */
  path: string;
  name: string;
  depth: number;
  type: string;
  title: string;
  description: string;
  required: boolean;
  /** What values there may be, in words of JSON Schema. */
  limits: { name: string; value: string }[];
  descriptors: Descriptor[];
  children: Field[];
}

const typeOf = (node: Node): string => {
  if (node.type === "array") return `${node.items ? typeOf(node.items) : "any"}[]`;
  const told = node["meta:xdmType"] ?? node.type ?? "object";
  return told === "object" && !node.properties && typeof node.additionalProperties === "object"
    ? "map"
    : told;
};

const limitsOf = (node: Node) => {
  const told = {
    format: node.format,
    pattern: node.pattern,
    enum: node.enum?.map(String).join(", "),
    minimum: node.minimum,
    maximum: node.maximum,
    minLength: node.minLength,
    maxLength: node.maxLength,
  };
  return Object.entries(told).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: String(value) }],
  );
};

/** The fields in `node`, in its own order. */
export function fieldsOf(node: Node, above = "", depth = 0): Field[] {
  return Object.entries(node.properties ?? {}).map(([name, child]) => {
    const path = above ? `${above}.${name}` : name;
    const inside = child.type === "array" ? child.items : child;
    return {
      path,
      name,
      depth,
      type: typeOf(child),
      title: child.title ?? "",
      description: child.description ?? "",
      required: Boolean(node.required?.includes(name)),
      limits: limitsOf(child.type === "array" && child.items ? child.items : child),
      descriptors: [...(child["meta:descriptors"] ?? []), ...(inside?.["meta:descriptors"] ?? [])].filter(
        (one, place, all) => all.findIndex((other) => other["@id"] === one["@id"]) === place,
      ),
      children: inside ? fieldsOf(inside, path, depth + 1) : [],
    };
  });
}

/** All of them, each before those that are in it. */
export const flat = (fields: Field[]): Field[] => fields.flatMap((field) => [field, ...flat(field.children)]);

/** Names of labels without their kind, as people say them: `core/I1` is I1. */
export const bare = (label: string) => label.replace(/^(core|custom)\//, "");

export const identityOf = (field: Field) =>
  field.descriptors.find((one) => one["@type"] === "xdm:descriptorIdentity");

export const isKey = (field: Field) =>
  field.descriptors.some((one) => one["@type"] === "xdm:descriptorPrimaryKey");

export const labelsOf = (field: Field) =>
  field.descriptors
    .filter((one) => one["@type"] === "xdm:descriptorLabel")
    .flatMap((one) => one["xdm:labels"] ?? [])
    .map(bare);
