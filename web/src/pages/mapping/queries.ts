/** What the mapping asks the API for. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type Call, send } from "../../api/client";
import { sentence } from "../../ui/text";
import type { TargetField } from "./rules";
import {
  type JsonNode,
  type MappingState,
  mappingsOf,
  type Rule,
  ruleOf,
  type SourceColumn,
  wireOf,
} from "./rules";
import { fieldsOf, schemaOf } from "./targets";

const PREP = "/data/foundation/conversion";
const REGISTRY = "/data/foundation/schemaregistry/tenant/schemas";
/** Rows that are tried as one maps. */
export const TRIED = 50;
/** Types of columns that the API knows by name. */
const TYPES = new Set("string number long int short byte boolean date date-time object array map".split(" "));

/** Where mappings lead: a schema of the registry, or one that is yet to be made. */
export type Target = { schemaId: string } | { fields: TargetField[] };

const outputOf = (target: Target) =>
  "schemaId" in target
    ? { schemaRef: { id: target.schemaId, contentType: "application/vnd.adobe.xed+json;version=1" } }
    : { schema: schemaOf(target.fields) };

const columnsOf = (columns: SourceColumn[]) =>
  columns.map(({ name, type }) => (TYPES.has(type) ? { name, type } : { name }));

export const mappingCalls = {
  schema: (id: string): Call => ({
    method: "GET",
    path: `${REGISTRY}/${encodeURIComponent(id)}`,
    headers: { accept: "application/vnd.adobe.xed-full+json;version=1" },
  }),
  functions: { method: "GET", path: `${PREP}/languages/el/functions` } satisfies Call,
  operators: { method: "GET", path: `${PREP}/languages/el/operators` } satisfies Call,
  suggest: (schemaId: string, from: unknown): Call => ({
    method: "POST",
    path: `${PREP}/mappingSets/suggestion`,
    body: { xdmSchema: schemaId, ...(from as object) },
  }),
  validate: (target: Target, rules: Rule[], columns: SourceColumn[]): Call => ({
    method: "POST",
    path: `${PREP}/mappingSets/validate`,
    body: {
      outputSchema: outputOf(target),
      mappings: rules.map(wireOf),
      ...(columns.length > 0 ? { columns: columnsOf(columns) } : {}),
    },
  }),
  preview: (target: Target, state: MappingState, rows: Record<string, unknown>[]): Call => ({
    method: "POST",
    path: `${PREP}/mappingSets/preview`,
    body: {
      data: rows.slice(0, TRIED),
      mappingSet: { outputSchema: outputOf(target), mappings: mappingsOf(state) },
    },
  }),
  readTable: (table: string): Call => ({ method: "POST", path: "/v1/mapping-tables/read", body: { table } }),
  writeTable: (state: MappingState): Call => ({
    method: "POST",
    path: "/v1/mapping-tables/write",
    body: { mappings: mappingsOf(state) },
  }),
  mappings: (setId: string, version: number): Call => ({
    method: "GET",
    path: `${PREP}/mappingSets/${setId}/mappings?version=${version}`,
  }),
};

export const schemaFieldsQuery = (sandbox: string, id: string | null) =>
  queryOptions({
    queryKey: ["schemaFields", sandbox, id],
    enabled: id !== null,
    queryFn: async ({ signal }) =>
      fieldsOf(await send<JsonNode>(mappingCalls.schema(id ?? ""), sandbox, signal)),
    staleTime: 60_000,
  });

export interface ElFunction {
  category: string;
  function: string;
  aliases: string[];
  description: string;
  syntax: string;
  returns: string;
  example: string;
  result: unknown;
  params: { name: string; type: "REQUIRED" | "OPTIONAL" }[];
}

export interface ElOperator {
  operatorSymbol: string;
  methodName: string;
  description: string;
  example: string;
}

export const functionsQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["elFunctions"],
    queryFn: ({ signal }) => send<ElFunction[]>(mappingCalls.functions, sandbox, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const operatorsQuery = (sandbox: string) =>
  queryOptions({
    queryKey: ["elOperators"],
    queryFn: ({ signal }) => send<ElOperator[]>(mappingCalls.operators, sandbox, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export interface Fault {
  code: string;
  message: string;
  advice: string;
}

/** What is wrong, without the name of the field that the viewer looks at anyway. */
export const spoken = (fault: Fault) =>
  sentence(fault.message.replace(/^(?:the (?:expression|mapping) of '[^']*'[,:]? )/, ""));

interface Validation {
  validationResponse: { status: string; errors: Fault[] | null }[];
}

/** What is wrong with each mapping, by its id. */
export const validationQuery = (sandbox: string, target: Target, rules: Rule[], columns: SourceColumn[]) =>
  queryOptions({
    queryKey: ["mappingFaults", sandbox, target, rules, columns],
    enabled: rules.length > 0,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const answer = await send<Validation>(mappingCalls.validate(target, rules, columns), sandbox, signal);
      const faults = new Map<string, Fault>();
      for (const [place, told] of answer.validationResponse.entries()) {
        const rule = rules[place];
        if (rule && told.errors?.[0]) faults.set(rule.id, told.errors[0]);
      }
      return faults;
    },
    staleTime: 60_000,
  });

export interface TriedRow {
  data: Record<string, unknown>;
  errors: { source: string | null; destination: string; exception: string }[] | null;
}

/** The sample rows as they will land. */
export const previewQuery = (
  sandbox: string,
  target: Target,
  state: MappingState,
  rows: Record<string, unknown>[],
) =>
  queryOptions({
    queryKey: ["mappedRows", sandbox, target, mappingsOf(state), rows],
    enabled: mappingsOf(state).length > 0 && rows.length > 0,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => send<TriedRow[]>(mappingCalls.preview(target, state, rows), sandbox, signal),
    staleTime: 60_000,
  });

interface Suggestion {
  mappings: { source: string; destination: string; matchScore: number; reason: string }[];
}

/** Proposals, each still to be accepted. */
export async function suggested(
  sandbox: string,
  schemaId: string,
  from: { connectionId: string; object: string } | null,
  columns: SourceColumn[],
): Promise<Rule[]> {
  const told = await send<Suggestion>(
    mappingCalls.suggest(schemaId, from ?? { columns: columnsOf(columns) }),
    sandbox,
  );
  const known = new Set(columns.map((column) => column.name));
  return told.mappings
    .map((each) => ({
      ...ruleOf({ ...each, sourceType: "ATTRIBUTE" }),
      suggestion: { score: each.matchScore, reason: each.reason },
    }))
    .filter((rule) => known.has(rule.source));
}
