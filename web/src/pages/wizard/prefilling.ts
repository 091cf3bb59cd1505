/** What is filled in by itself, so that a first dataflow needs no typing. */

import { free } from "../../names";
import type { Rule } from "../mapping/rules";
import { timeColumns } from "./known";
import type { Column, Dataset, SchemaName, SourceSchema } from "./queries";
import type { WizardState } from "./state";

/** Of columns with times, the one that most likely tells new rows. */
export const likeliest = (times: Column[]) =>
  (times.find((column) => column.name === "Timestamp") ?? times[0])?.name ?? "";

/** Names that none has yet, and the column that tells when a row was written. What was typed stays. */
export function prefilled(
  state: WizardState,
  datasets: Dataset[],
  schemas: SchemaName[],
  columns: Column[],
): WizardState {
  const { details, schedule } = state;
  const datasetName =
    details.datasetName ||
    free(
      state.table,
      datasets.map((one) => one.name),
    );
  const day = new Date().toISOString().slice(0, 10);
  const times = timeColumns(columns);
  const known = times.some((column) => column.name === schedule.deltaColumn) ? schedule.deltaColumn : "";
  return {
    ...state,
    details: {
      ...details,
      datasetName,
      schemaTitle:
        details.schemaTitle ||
        free(
          datasetName,
          schemas.map((one) => one.title),
        ),
      flowName: details.flowName || `${state.table} ${day}`,
    },
    schedule: {
      ...schedule,
      deltaColumn: known || likeliest(times),
    },
  };
}

const pairs = (plan: SourceSchema): Rule[] =>
  plan.fields.map((field, place) => ({
    id: `f${place + 1}`,
    kind: "field",
    source: field.source,
    destination: field.path,
  }));

/** Each column feeds the field that is made of it, until somebody says otherwise. */
export function withRules(state: WizardState, plan: SourceSchema): WizardState {
  const { mapping } = state;
  if (mapping.rules.length > 0 || mapping.suggested) return state;
  return { ...state, mapping: { ...mapping, rules: pairs(plan), suggested: true } };
}

// As the service lets them be part of a key.
export const KEY_KINDS = new Set([
  "string",
  "int",
  "long",
  "integer",
  "short",
  "byte",
  "boolean",
  "date",
  "date-time",
]);

/** The fields that a table's own keys feed: by them a row is known again. None where one of them has no field. */
export function keyFields(plan: SourceSchema | undefined, keys: string[]): string[] {
  const found = keys.map((key) =>
    plan?.fields.find((field) => field.source === key && KEY_KINDS.has(field.type)),
  );
  return found.every((field) => field !== undefined) ? found.map((field) => field.path) : [];
}
