/** A dataflow as the wizard has it, and what of it was changed. */
import { type Call, send } from "../../api/client";
import { now } from "../../api/clock";
import { mappingsOf, type Rule, ruleOf } from "../mapping/rules";
import { optionsOf } from "./making";
import { FLOW, PREP } from "./queries";
import { conditionsOf, NO_FILTER, type Node, type RowFilter, textOf } from "./rowFilter";
import type { Fixed } from "./ScheduleStep";
import { NEW, type Schedule, type WizardState } from "./state";

type Transformation = { name: string; params?: Record<string, unknown> };

/** As the API tells it, as far as it is edited here. */
export interface FlowDocument {
  id: string;
  etag: string;
  name?: string;
  description?: string;
  state: string;
  sourceConnectionIds: string[];
  targetConnectionIds: string[];
  transformations: Transformation[];
  scheduleParams: Record<string, unknown>;
  options: Record<string, unknown>;
  lastRunDetails?: unknown;
}

interface SourceDocument {
  baseConnectionId?: string;
  connectionSpec: { id: string };
  params: { tableName?: string; columns?: { name: string }[]; filters?: { value?: Node } };
}

interface TargetDocument {
  params: { dataSetId?: string; writeMode?: string; keyFields?: string[] };
}

/** A dataflow with all that is told of its parts. */
export interface Opened {
  flow: FlowDocument;
  state: WizardState;
  fixed: Fixed;
  mapping: { set: string; version: number };
}

const part = encodeURIComponent;
const get = (path: string): Call => ({ method: "GET", path });

export const editCalls = {
  flow: (id: string) => get(`${FLOW}/flows/${part(id)}`),
  source: (id: string) => get(`${FLOW}/sourceConnections/${part(id)}`),
  target: (id: string) => get(`${FLOW}/targetConnections/${part(id)}`),
  mappings: (set: string, version: number) =>
    get(`${PREP}/mappingSets/${part(set)}/mappings?version=${version}`),
  version: (set: string, name: string, schemaId: string, state: WizardState): Call => ({
    method: set ? "PUT" : "POST",
    path: `${PREP}/mappingSets${set ? `/${part(set)}` : ""}`,
    body: {
      name,
      outputSchema: {
        schemaRef: { id: schemaId, contentType: "application/vnd.adobe.xed-full+json;version=1" },
      },
      mappings: mappingsOf(state.mapping),
    },
  }),
  patch: (id: string, etag: string, operations: object[]): Call => ({
    method: "PATCH",
    path: `${FLOW}/flows/${part(id)}`,
    body: operations,
    headers: { "If-Match": etag },
  }),
};

const one = async <T>(call: Call, sandbox: string, signal?: AbortSignal): Promise<T> => {
  const { items } = await send<{ items: T[] }>(call, sandbox, signal);
  return items[0] as T;
};

function filterOf(node: Node | undefined): RowFilter {
  if (!node) return NO_FILTER;
  const lines = conditionsOf(node);
  return lines ? { ...NO_FILTER, ...lines } : { ...NO_FILTER, mode: "text", text: textOf(node) };
}

const UNITS = ["minute", "hour", "day", "week"] as const;

function scheduleOf(sent: Record<string, unknown>, column: string): Schedule {
  const unit = UNITS.find((name) => name === sent.frequency);
  return {
    ...NEW.schedule,
    kind: unit ? "interval" : "once",
    every: unit ? String(sent.interval ?? 1) : NEW.schedule.every,
    unit: unit ?? NEW.schedule.unit,
    backfill: `${sent.backfill ?? true}` === "true",
    deltaColumn: column,
  };
}

const step = (flow: FlowDocument, name: string) => flow.transformations.find((one_) => one_.name === name);

const columnOf = (flow: FlowDocument) =>
  (step(flow, "Copy")?.params?.deltaColumn as { name?: string } | undefined)?.name ?? "";

const oneOf = <T extends string>(value: unknown, choices: readonly T[]): T =>
  choices.find((choice) => choice === value) ?? (choices[0] as T);

/** Reads a dataflow and its parts. */
export async function opened(id: string, sandbox: string, signal: AbortSignal): Promise<Opened> {
  const flow = await one<FlowDocument>(editCalls.flow(id), sandbox, signal);
  const params = step(flow, "Mapping")?.params ?? {};
  const mapping = { set: String(params.mappingId ?? ""), version: Number(params.mappingVersion ?? 0) };
  type Told = Parameters<typeof ruleOf>[0];
  const [source, target, told] = await Promise.all([
    one<SourceDocument>(editCalls.source(flow.sourceConnectionIds[0] ?? ""), sandbox, signal),
    one<TargetDocument>(editCalls.target(flow.targetConnectionIds[0] ?? ""), sandbox, signal),
    // A draft may be without one.
    mapping.set ? send<Told[]>(editCalls.mappings(mapping.set, mapping.version), sandbox, signal) : [],
  ]);
  const percent = flow.options.partialIngestionPercent;
  const most = flow.options.maxRejectedRecords;
  const drift = (flow.options.schemaDrift ?? {}) as Record<string, unknown>;
  const hasRun = flow.lastRunDetails !== undefined;
  const schedule = scheduleOf(flow.scheduleParams, columnOf(flow));
  const rules: Rule[] = told.map(ruleOf);
  return {
    flow,
    mapping,
    fixed: { kind: schedule.kind === "interval" || hasRun, start: true, column: hasRun },
    state: {
      ...NEW,
      source: source.connectionSpec.id,
      account: source.baseConnectionId ?? "",
      table: source.params.tableName ?? "",
      columns: source.params.columns?.map((column) => column.name) ?? null,
      filter: filterOf(source.params.filters?.value),
      details: {
        ...NEW.details,
        target: "existing",
        datasetId: target.params.dataSetId ?? "",
        flowName: flow.name ?? "",
        flowDescription: flow.description ?? "",
        writeMode: target.params.writeMode === "upsert" ? "upsert" : "append",
        keys: target.params.keyFields ?? [],
        partial: percent !== undefined || most !== undefined,
        percent: percent === undefined ? (most === undefined ? NEW.details.percent : "100") : String(percent),
        most: most === undefined ? "" : String(most),
        newColumns: oneOf(drift.newColumns, ["ignore", "add", "hold"]),
        removedColumns: oneOf(drift.removedColumns, ["null", "hold"]),
        typeChanges: oneOf(drift.typeChanges, ["reject", "hold"]),
      },
      mapping: { rules, suggested: true, added: [] },
      schedule,
      reached: "review",
    },
  };
}

const told = (state: WizardState) => JSON.stringify(mappingsOf(state.mapping));

/** Which parts were changed. */
export function changes(before: WizardState, after: WizardState) {
  const options = (state: WizardState) => optionsOf(state);
  const { schemaDrift: driftWas, ...errorsWere } = options(before);
  const { schemaDrift: driftIs, ...errorsAre } = options(after);
  const rhythm = ({ schedule }: WizardState) =>
    schedule.kind === "once" ? "once" : `${schedule.every} ${schedule.unit}`;
  const column = ({ schedule }: WizardState) => (schedule.kind === "once" ? "" : schedule.deltaColumn);
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  return {
    name: before.details.flowName !== after.details.flowName,
    description: before.details.flowDescription !== after.details.flowDescription,
    mapping: told(before) !== told(after),
    schedule: rhythm(before) !== rhythm(after),
    column: column(before) !== column(after),
    errors: !same(errorsWere, errorsAre),
    drift: !same(driftWas, driftIs),
  };
}

export type Part = keyof ReturnType<typeof changes>;

/** The JSON Patch of the dataflow; `made` is the version of a mapping set that was made for it. */
export function operations(
  { flow, state: before, mapping }: Opened,
  after: WizardState,
  made: Opened["mapping"] | null,
) {
  const changed = changes(before, after);
  const put = (path: string, value: unknown) => ({ op: "add", path, value });
  const list: object[] = [];
  if (changed.name) list.push(put("/name", after.details.flowName.trim()));
  if (changed.description) list.push(put("/description", after.details.flowDescription.trim()));
  if (made || changed.column) {
    const { kind, deltaColumn } = after.schedule;
    const copy = step(flow, "Copy");
    const known = (copy?.params?.deltaColumn ?? {}) as Record<string, unknown>;
    // How another column is read is another thing.
    const read = changed.column ? { name: deltaColumn } : { ...known, name: deltaColumn };
    const others = flow.transformations.filter((one_) => !["Copy", "Mapping"].includes(one_.name));
    list.push(
      put("/transformations", [
        ...(kind === "interval" ? [{ name: "Copy", params: { ...copy?.params, deltaColumn: read } }] : []),
        ...(kind === "once" && copy && !changed.column ? [copy] : []),
        ...others,
        {
          name: "Mapping",
          params: {
            ...step(flow, "Mapping")?.params,
            mappingId: (made ?? mapping).set,
            mappingVersion: (made ?? mapping).version,
          },
        },
      ]),
    );
  }
  if (changed.schedule) {
    const { startTime, ...rest } = flow.scheduleParams;
    const { every, unit } = after.schedule;
    list.push(
      put("/scheduleParams", {
        ...rest,
        // A flow that has not run may become a recurring one, from now on.
        startTime: before.schedule.kind === "once" ? Math.floor(now() / 1000) : startTime,
        frequency: unit,
        interval: Number(every),
      }),
    );
  }
  if (changed.errors || changed.drift) {
    const { partialIngestionPercent: _p, maxRejectedRecords: _m, ...rest } = flow.options;
    list.push(put("/options", { ...rest, ...optionsOf(after) }));
  }
  return list;
}
