/** What is known of the things that were chosen, and what is still wrong with the choices. */
import { useQuery } from "@tanstack/react-query";
import { now } from "../../api/clock";
import { connectionsQuery, type Source, sourcesQuery } from "../../api/queries";
import type { Connection } from "../../api/types";
import { useSettled } from "../../settled";
import { useSandbox } from "../../shell/page";
import { schemaFieldsQuery } from "../mapping/queries";
import { mappingsOf, type TargetField } from "../mapping/rules";
import { kindIn } from "./making";
import {
  type Column,
  type Dataset,
  datasetsQuery,
  type Explored,
  planQuery,
  type SchemaName,
  type SourceSchema,
  schemasQuery,
  tableQuery,
} from "./queries";
import { BadFilter, columnsOf, nodeOf } from "./rowFilter";
import type { StepName, WizardState } from "./state";
import { texts } from "./texts";

export const leastEvery = { minute: 15, hour: 1, day: 1, week: 1 };
const MOST_KEYS = 16;
const SETTLED_MS = 600;

export interface Known {
  source: Source | undefined;
  account: Connection | undefined;
  explored: Explored | undefined;
  /** Why the table could not be looked into. */
  exploredError: unknown;
  lookAgain: () => void;
  columns: Column[];
  datasets: Dataset[] | undefined;
  schemas: SchemaName[] | undefined;
  /** `$id` of the schema that is written to; null: it is made of the source. */
  schemaId: string | null;
  plan: { data: SourceSchema | undefined; error: unknown; pending: boolean; retry: () => void };
  /** The fields that rows are written to, as far as they are known. */
  fields: TargetField[];
  fieldsError: unknown;
}

export const schemaIdOf = (state: WizardState, datasets: Dataset[] | undefined): string | null => {
  const { details } = state;
  if (details.target === "existing")
    return datasets?.find((one) => one.id === details.datasetId)?.schemaId ?? "";
  return details.schema === "existing" ? details.schemaId : null;
};

export const plannedOf = (state: WizardState) => ({
  title: state.details.schemaTitle.trim(),
  object: state.table,
  columns: state.columns,
});

export const fieldsOf = (plan: SourceSchema | undefined): TargetField[] =>
  (plan?.fields ?? []).map((field) => ({ path: field.path, type: field.type, title: field.source }));

export function useKnown(state: WizardState, step: StepName): Known {
  const sandbox = useSandbox();
  const sources = useQuery(sourcesQuery(sandbox));
  const accounts = useQuery(connectionsQuery(sandbox));
  const later = step !== "account";
  const explored = useQuery({
    ...tableQuery(sandbox, state.account, state.table),
    enabled: later && state.account !== "" && state.table !== "",
  });
  const lists = later && step !== "select";
  const datasets = useQuery({ ...datasetsQuery(sandbox), enabled: lists });
  const schemas = useQuery({ ...schemasQuery(sandbox), enabled: lists });
  const schemaId = schemaIdOf(state, datasets.data);
  // A title is not looked up letter by letter: each plan asks the source for a sample.
  const title = useSettled(state.details.schemaTitle.trim(), SETTLED_MS);
  const planned = { ...plannedOf(state), title };
  const plan = useQuery({
    ...planQuery(sandbox, state.account, planned),
    enabled: lists && schemaId === null && state.account !== "" && state.table !== "" && planned.title !== "",
    placeholderData: (previous, query) => {
      const asked = query?.queryKey[3] as typeof planned | undefined;
      // Another title makes no other fields.
      return asked && asked.object === planned.object && `${asked.columns}` === `${planned.columns}`
        ? previous
        : undefined;
    },
  });
  const fields = useQuery({
    ...schemaFieldsQuery(sandbox, schemaId || null),
    enabled: lists && Boolean(schemaId),
  });
  const account = accounts.data?.items.find((one) => one.id === state.account);
  const spec = account?.connectionSpec.id ?? state.source;
  return {
    source: sources.data?.find((one) => one.id === spec),
    account,
    explored: explored.data,
    exploredError: explored.data ? null : explored.error,
    lookAgain: () => void explored.refetch(),
    columns: explored.data?.columns ?? [],
    datasets: datasets.data,
    schemas: schemas.data,
    schemaId,
    plan: {
      data: plan.data,
      error: plan.error,
      pending: plan.isFetching,
      retry: () => void plan.refetch(),
    },
    fields: schemaId === null ? fieldsOf(plan.data) : (fields.data ?? []),
    fieldsError: schemaId === null ? null : fields.error,
  };
}

export interface Wrong {
  field: string;
  label: string;
  text: string;
}

/** The columns that are read. */
export const readColumns = (state: WizardState, columns: Column[]) =>
  state.columns ? columns.filter((column) => state.columns?.includes(column.name)) : columns;

export const timeColumns = (columns: Column[]) => columns.filter((column) => column.kind === "date-time");

/** Whether a filter can be put to keys alone, by which a source seeks. */
const KEYS = new Set(["PartitionKey", "RowKey"]);
export function scans(state: WizardState, columns: Column[]): boolean {
  try {
    const read = columnsOf(nodeOf(state.filter, kindIn(columns)));
    return read.length > 0 && !read.some((name) => KEYS.has(name));
  } catch {
    return false;
  }
}

export function filterProblem(state: WizardState, columns: Column[]): string {
  const { filter } = state;
  if (filter.mode === "builder") {
    if (filter.conditions.some((one) => !one.column)) return texts.filter.columnMissing;
    const wanting = filter.conditions.some(
      (one) => !["isNull", "notNull"].includes(one.operator) && one.value === "",
    );
    return wanting ? texts.filter.valueMissing : "";
  }
  try {
    nodeOf(filter, kindIn(columns));
    return "";
  } catch (problem) {
    return problem instanceof BadFilter ? texts.filter.wrong(problem.message, problem.at) : String(problem);
  }
}

type Check = (state: WizardState, known: Known) => Wrong[];

const wrong = (field: string, label: string, text: string | false): Wrong[] =>
  text ? [{ field, label, text }] : [];

const T = texts.details;

const CHECKS: Record<StepName, Check> = {
  account: (state) => wrong("account", texts.account.choice, !state.account && texts.account.missing),
  select: (state, known) => [
    ...wrong("table", texts.rail.table, !state.table && texts.select.missing),
    ...wrong(
      "table",
      texts.rail.table,
      state.table !== "" && known.explored?.columns.length === 0 && texts.select.tableEmptyWrong,
    ),
    ...wrong("columns", texts.rail.columns, state.columns?.length === 0 && texts.select.noColumns),
    ...wrong("filter", texts.filter.title, filterProblem(state, known.columns)),
  ],
  details: ({ details }, known) => {
    const fresh = details.target === "new";
    const made = fresh && details.schema === "source";
    const percent = Number(details.percent);
    const most = Number(details.most);
    return [
      ...wrong("dataset", T.target, !fresh && !details.datasetId && T.datasetMissing),
      ...wrong("datasetName", T.datasetName, fresh && !details.datasetName.trim() && T.datasetNameMissing),
      ...wrong("schemaTitle", T.schemaTitle, made && !details.schemaTitle.trim() && T.schemaTitleMissing),
      ...wrong(
        "schemaTitle",
        T.schemaTitle,
        made && isTaken(details.schemaTitle, known) && T.schemaTitleTaken,
      ),
      ...wrong("schema", T.pickSchema, fresh && !made && !details.schemaId && T.schemaMissing),
      ...wrong("flowName", T.flowName, !details.flowName.trim() && T.flowNameMissing),
      ...wrong("keys", T.keys, details.writeMode === "upsert" && keysProblem(details.keys)),
      ...wrong("percent", T.percent, details.partial && !(percent > 0 && percent <= 100) && T.percentWrong),
      ...wrong(
        "most",
        T.most,
        details.partial &&
          details.most.trim() !== "" &&
          !(Number.isInteger(most) && most >= 0) &&
          T.mostWrong,
      ),
    ];
  },
  mapping: ({ mapping, details }) => {
    const made = mappingsOf(mapping);
    const fed = new Set(made.map((one) => one.destination));
    const unfed = details.writeMode === "upsert" ? details.keys.filter((key) => !fed.has(key)) : [];
    return [
      ...wrong("mapping", texts.steps.mapping, made.length === 0 && texts.mapping.none),
      ...wrong("mapping", texts.steps.mapping, unfed.length > 0 && texts.mapping.unfedKey(unfed.join(", "))),
    ];
  },
  schedule: ({ schedule }, known) => {
    const S = texts.schedule;
    const every = Number(schedule.every);
    const least = leastEvery[schedule.unit];
    const repeats = schedule.kind === "interval";
    const at = new Date(schedule.startAt).getTime();
    const later = schedule.start === "later";
    return [
      ...wrong(
        "every",
        S.every,
        repeats && !(Number.isInteger(every) && every >= least) && S.everyWrong(String(least)),
      ),
      ...wrong(
        "deltaColumn",
        S.column,
        repeats &&
          !schedule.deltaColumn &&
          (timeColumns(known.columns).length > 0 ? S.columnMissing : S.noColumn),
      ),
      ...wrong(
        "startAt",
        S.startAt,
        later && (Number.isNaN(at) ? S.startMissing : at < now() && S.startPast),
      ),
    ];
  },
  review: () => [],
};

export const isTaken = (title: string, known: Known) =>
  known.schemas?.some((one) => one.title.toLowerCase() === title.trim().toLowerCase()) ?? false;

const keysProblem = (keys: string[]) =>
  keys.length === 0 ? T.keysMissing : keys.length > MOST_KEYS ? T.keysMost : "";

/** What is wrong with what is chosen in a step. */
export const wrongWith = (step: StepName, state: WizardState, known: Known): Wrong[] =>
  CHECKS[step](state, known);
