/** Making a dataflow: one thing after the other, and taking away what was made where one of them is refused. */
import { ApiError, type Call, send, Unreachable, variable } from "../../api/client";
import type { Source } from "../../api/queries";
import type { NamedCall } from "../../shell/page";
import { mappingsOf } from "../mapping/rules";
import {
  CATALOG,
  type Column,
  FLOW,
  PREP,
  planBody,
  REGISTRY,
  type SourceSchema,
  scheduleParams,
} from "./queries";
import { filtersOf, nodeOf } from "./rowFilter";
import type { WizardState } from "./state";
import { texts } from "./texts";

const LAKE = { id: "c604ff05-7f1a-43c0-8e18-33bf874cb11c", version: "1.0" };
const CRM_TO_AEP = { id: "14518937-270c-4525-bdec-c2ba7cce3860", version: "1.0" };
const CONTENT_TYPE = "application/vnd.adobe.xed-full+json;version=1";

export type ThingKind = "schema" | "dataset" | "source" | "target" | "mapping" | "flow";
export type ThingState = "waiting" | "making" | "made" | "open" | "failed" | "removing" | "removed" | "left";

/** One of the things that a dataflow is made of. */
export interface Thing {
  kind: ThingKind;
  name: string;
  state: ThingState;
  id?: string;
  /** Why it could not be made, or not be taken away again. */
  error?: unknown;
}

/** Ids of what was made before, by what it is. */
type Made = Partial<Record<ThingKind | "group", string>>;

interface Making {
  kind: ThingKind;
  name: string;
  call: (made: Made) => Call;
  /** The id in the answer; other ids that come with it go into `made`. */
  idOf: (answer: never, made: Made) => string;
  undo: (made: Made) => Call[];
}

export interface Wanted {
  state: WizardState;
  source: Source;
  columns: Column[];
  /** `$id` of the schema of the dataset that is written to, where it exists. */
  schemaId: string | null;
  /** A flow that is only to be tried is made as a draft. */
  draft?: boolean;
}

const remove = (path: string): Call => ({ method: "DELETE", path });

export const kindIn = (columns: Column[]) => (name: string) =>
  columns.find((column) => column.name === name)?.kind ?? "string";

export function sourceParams({ state, columns }: Pick<Wanted, "state" | "columns">): Record<string, unknown> {
  const node = nodeOf(state.filter, kindIn(columns));
  return {
    tableName: state.table,
    ...(node ? { filters: filtersOf(node) } : {}),
    ...(state.columns ? { columns: state.columns.map((name) => ({ name })) } : {}),
  };
}

export function optionsOf({ details }: WizardState): Record<string, unknown> {
  return {
    errorDiagnosticsEnabled: true,
    ...(details.partial ? { partialIngestionPercent: Number(details.percent) } : {}),
    ...(details.partial && details.most.trim() ? { maxRejectedRecords: Number(details.most) } : {}),
    schemaDrift: {
      newColumns: details.newColumns,
      removedColumns: details.removedColumns,
      typeChanges: details.typeChanges,
    },
  };
}

export function transformationsOf(state: WizardState, mappingId: string, version = 0) {
  const { kind, deltaColumn } = state.schedule;
  return [
    ...(kind === "interval" ? [{ name: "Copy", params: { deltaColumn: { name: deltaColumn } } }] : []),
    { name: "Mapping", params: { mappingId, mappingVersion: version } },
  ];
}

/** What is made, in order. Each step knows the ids of those before it. */
function makings(wanted: Wanted): Making[] {
  const { state, source, schemaId } = wanted;
  const { details } = state;
  const named = { name: details.flowName.trim() };
  const flow: Making = {
    kind: "flow",
    name: named.name,
    call: (made) => ({
      method: "POST",
      path: `${FLOW}/flows${wanted.draft ? "?mode=draft" : ""}`,
      body: {
        ...named,
        ...(details.flowDescription.trim() ? { description: details.flowDescription.trim() } : {}),
        flowSpec: CRM_TO_AEP,
        sourceConnectionIds: [made.source],
        targetConnectionIds: [made.target],
        transformations: transformationsOf(state, made.mapping ?? ""),
        scheduleParams: scheduleParams(state.schedule),
        options: optionsOf(state),
      },
    }),
    idOf: (answer: { id: string }) => answer.id,
    undo: (made) => [remove(`${FLOW}/flows/${made.flow}`)],
  };
  const schemaOf = (made: Made) => schemaId ?? made.schema ?? "";
  const rest: Making[] = [
    {
      kind: "source",
      name: state.table,
      call: () => ({
        method: "POST",
        path: `${FLOW}/sourceConnections`,
        body: {
          ...named,
          baseConnectionId: state.account,
          connectionSpec: { id: source.id, version: source.version },
          data: { format: "tabular" },
          params: sourceParams(wanted),
        },
      }),
      idOf: (answer: { id: string }) => answer.id,
      undo: (made) => [remove(`${FLOW}/sourceConnections/${made.source}`)],
    },
    {
      kind: "target",
      name: details.target === "new" ? details.datasetName.trim() : named.name,
      call: (made) => ({
        method: "POST",
        path: `${FLOW}/targetConnections`,
        body: {
          ...named,
          connectionSpec: LAKE,
          data: { format: "parquet_xdm", schema: { id: schemaOf(made), version: CONTENT_TYPE } },
          params: {
            dataSetId: made.dataset ?? details.datasetId,
            ...(details.writeMode === "upsert" ? { writeMode: "upsert", keyFields: details.keys } : {}),
          },
        },
      }),
      idOf: (answer: { id: string }) => answer.id,
      undo: (made) => [remove(`${FLOW}/targetConnections/${made.target}`)],
    },
    {
      kind: "mapping",
      name: texts.fields(mappingsOf(state.mapping).length),
      call: (made) => ({
        method: "POST",
        path: `${PREP}/mappingSets`,
        body: {
          ...named,
          outputSchema: { schemaRef: { id: schemaOf(made), contentType: CONTENT_TYPE } },
          mappings: mappingsOf(state.mapping),
        },
      }),
      idOf: (answer: { id: string }) => answer.id,
      undo: (made) => [remove(`${PREP}/mappingSets/${made.mapping}`)],
    },
    flow,
  ];
  const dataset: Making = {
    kind: "dataset",
    name: details.datasetName.trim(),
    call: (made) => ({
      method: "POST",
      path: `${CATALOG}/dataSets`,
      body: {
        name: details.datasetName.trim(),
        ...(details.datasetDescription.trim() ? { description: details.datasetDescription.trim() } : {}),
        schemaRef: { id: schemaOf(made), contentType: CONTENT_TYPE },
      },
    }),
    idOf: (answer: string[]) => answer[0]?.split("/").pop() ?? "",
    undo: (made) => [remove(`${CATALOG}/dataSets/${made.dataset}`)],
  };
  const schema: Making = {
    kind: "schema",
    name: details.schemaTitle.trim(),
    call: () => ({
      method: "POST",
      path: `/v1/connections/${encodeURIComponent(state.account)}/schema`,
      body: planBody(
        { title: details.schemaTitle.trim(), object: state.table, columns: state.columns },
        state.mapping.added ?? [],
      ),
    }),
    idOf: (answer: SourceSchema, made) => {
      made.group = answer.fieldGroupId ?? "";
      return answer.schemaId ?? "";
    },
    undo: (made) => [
      remove(`${REGISTRY}/tenant/schemas/${encodeURIComponent(made.schema ?? "")}`),
      remove(`${REGISTRY}/tenant/fieldgroups/${encodeURIComponent(made.group ?? "")}`),
    ],
  };
  if (details.target === "existing") return rest;
  return details.schema === "source" ? [schema, dataset, ...rest] : [dataset, ...rest];
}

export const thingsOf = (wanted: Wanted): Thing[] =>
  makings(wanted).map(({ kind, name }) => ({ kind, name, state: "waiting" }));

/** The calls of publishing, with a $VARIABLE for each id that an earlier one answers. */
export function tellCalls(wanted: Wanted): NamedCall[] {
  const ids: Made = {
    schema: variable("SCHEMA_ID"),
    source: variable("SOURCE_ID"),
    target: variable("TARGET_ID"),
    mapping: variable("MAPPING_ID"),
  };
  if (wanted.state.details.target === "new") ids.dataset = variable("DATASET_ID");
  return makings(wanted).map((one) => ({ ...one.call(ids), title: texts.makes[one.kind] }));
}

const GONE = 404;

/** Takes away what was made, the last first; what resists is told, and left with its reason. */
async function takeAway(
  list: Making[],
  made: Made,
  things: Thing[],
  sandbox: string,
  tell: (next: Thing[]) => void,
) {
  for (const [place, making] of [...list.entries()].reverse()) {
    const thing = things[place];
    if (!thing?.id || thing.state === "removed") continue;
    things[place] = { ...thing, state: "removing" };
    tell([...things]);
    try {
      for (const call of making.undo(made))
        await send(call, sandbox).catch((problem) => {
          // Gone is gone, whoever took it away.
          if (!(problem instanceof ApiError && problem.status === GONE)) throw problem;
        });
      const { error: _was, ...rest } = thing;
      things[place] = { ...rest, state: "removed" };
    } catch (problem) {
      things[place] = { ...thing, state: "left", error: problem };
    }
    tell([...things]);
  }
}

/** Whether a thing is there, or may be: what was begun counts until it is known how it ended. */
const THERE: Partial<Record<ThingState, boolean>> = {
  made: true,
  left: true,
  removing: true,
  making: false,
  open: false,
};

/** Something that publishing left behind. */
export interface Remaining {
  kind: ThingKind;
  name: string;
  id: string;
  /** Without an id nobody knows whether it was made. */
  isKnown: boolean;
}

/** What is there of these, or may be. */
export const remainingOf = (things: Thing[]): Remaining[] =>
  things
    .filter((thing) => thing.state in THERE)
    .map(({ kind, name, id, state }) => ({ kind, name, id: id ?? "", isKnown: THERE[state] ?? false }));

export interface Outcome {
  things: Thing[];
  /** What kept one of them from being made. */
  error: unknown;
  flow: string | null;
  /** Takes away what was made and is still there. Of one whose answer was lost it first asks what became of it. */
  undo: (tell: (next: Thing[]) => void) => Promise<Outcome>;
  /** Goes on with the one whose answer was lost, by the same call: it is made once. */
  resume?: (tell: (next: Thing[]) => void) => Promise<Outcome>;
}

/** Another run of the server was asked first: what it did cannot be told any more. */
const isLost = (problem: unknown) => problem instanceof ApiError && problem.code === "answer-lost";

/**
 * Makes all of it, or takes away what was made up to the one that was refused. Where it is not known whether one was made,
 * all stays as it is. `tell` gets every change.
 */
export async function make(wanted: Wanted, sandbox: string, tell: (next: Thing[]) => void): Promise<Outcome> {
  const list = makings(wanted);
  const things = thingsOf(wanted);
  const made: Made = {};
  let error: unknown = null;
  // The call whose answer was lost: sent again, it is done once.
  let unanswered: { place: number; call: Call } | null = null;

  const outcome = (flow: string | null): Outcome => ({
    things: [...things],
    error,
    flow,
    undo,
    ...(unanswered ? { resume: (told) => goOn(unanswered?.place ?? 0, told) } : {}),
  });
  /** Whether it was made. */
  const makeOne = async (place: number, told: typeof tell): Promise<boolean> => {
    const making = list[place] as Making;
    const { error: _was, ...thing } = things[place] as Thing;
    const call: Call = unanswered?.place === place ? unanswered.call : making.call(made);
    things[place] = { ...thing, state: "making" };
    told([...things]);
    unanswered = null;
    try {
      const id = making.idOf((await send(call, sandbox)) as never, made);
      made[making.kind] = id;
      things[place] = { ...thing, state: "made", id };
    } catch (problem) {
      error = problem;
      if (problem instanceof Unreachable) unanswered = { place, call };
      things[place] = { ...thing, state: unanswered || isLost(problem) ? "open" : "failed", error: problem };
    }
    told([...things]);
    return things[place]?.state === "made";
  };
  const undo: Outcome["undo"] = async (told) => {
    if (unanswered) {
      const before = error;
      await makeOne(unanswered.place, told);
      if (unanswered) return outcome(null);
      if (!isLost(error)) error = before;
    }
    await takeAway(list, made, things, sandbox, told);
    return outcome(null);
  };
  const goOn = async (from: number, told: typeof tell): Promise<Outcome> => {
    error = null;
    for (let place = from; place < list.length; place++) {
      if (await makeOne(place, told)) continue;
      return things[place]?.state === "open" ? outcome(null) : undo(told);
    }
    return outcome(made.flow ?? "");
  };
  return goOn(0, tell);
}
