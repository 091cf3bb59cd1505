/** What is filled in of a new dataflow. It is what a draft keeps, so reading one takes nothing for granted. */
import type { MappingState } from "../mapping/rules";
import type { Remaining } from "./making";
import { NO_FILTER, type RowFilter } from "./rowFilter";

export const STEPS = ["account", "select", "details", "mapping", "schedule", "review"] as const;
export type StepName = (typeof STEPS)[number];

export const isStep = (text: string): text is StepName => STEPS.includes(text as StepName);

export interface Details {
  target: "new" | "existing";
  datasetId: string;
  datasetName: string;
  datasetDescription: string;
  schema: "source" | "existing";
  schemaId: string;
  schemaTitle: string;
  flowName: string;
  flowDescription: string;
  writeMode: "append" | "upsert";
  /** Dotted paths of the fields that tell which row is meant. */
  keys: string[];
  partial: boolean;
  /** Share of rejected rows that is let pass, in per cent, as it was typed. */
  percent: string;
  /** Number of rejected rows that is let pass, as it was typed; empty: the share alone counts. */
  most: string;
  newColumns: "ignore" | "add" | "hold";
  removedColumns: "null" | "hold";
  typeChanges: "reject" | "hold";
}

export interface Schedule {
  kind: "once" | "interval";
  start: "now" | "later";
  /** As a field of local time has it: `2026-03-01T12:00`. */
  startAt: string;
  every: string;
  unit: "minute" | "hour" | "day" | "week";
  backfill: boolean;
  deltaColumn: string;
}

/** What a dry run said, and of what. */
export interface Tried {
  /** Of the choices that it tried: others make it out of date. */
  of: string;
  at: number;
  read: number;
  written: number;
  rejected: number;
  filtered: number;
  warnings: number;
  isTolerable: boolean;
  hasMore: boolean;
}

export interface WizardState {
  /** The connection spec. */
  source: string;
  account: string;
  table: string;
  /** The columns that are read; null: all, also those that come later. */
  columns: string[] | null;
  filter: RowFilter;
  details: Details;
  mapping: MappingState;
  schedule: Schedule;
  tried: Tried | null;
  /** What an earlier visit left behind when it tried to publish. */
  remains: Remaining[];
  /** The furthest step that was reached. */
  reached: StepName;
}

export const NEW: WizardState = {
  source: "",
  account: "",
  table: "",
  columns: null,
  filter: NO_FILTER,
  details: {
    target: "new",
    datasetId: "",
    datasetName: "",
    datasetDescription: "",
    schema: "source",
    schemaId: "",
    schemaTitle: "",
    flowName: "",
    flowDescription: "",
    writeMode: "append",
    keys: [],
    partial: true,
    percent: "5",
    most: "",
    newColumns: "add",
    removedColumns: "null",
    typeChanges: "reject",
  },
  mapping: { rules: [], suggested: false, added: [] },
  schedule: {
    kind: "once",
    start: "now",
    startAt: "",
    every: "1",
    unit: "day",
    backfill: true,
    deltaColumn: "",
  },
  tried: null,
  remains: [],
  reached: "account",
};

/** `kept` where it has the shape of `plain`, member by member; else what `plain` has. */
function shaped<T>(plain: T, kept: unknown): T {
  if (plain === null || Array.isArray(plain)) return (kept ?? plain) as T;
  if (typeof plain === "object" && typeof kept === "object" && kept !== null && !Array.isArray(kept)) {
    const members = Object.entries(plain as Record<string, unknown>).map(([name, value]) => [
      name,
      shaped(value, (kept as Record<string, unknown>)[name]),
    ]);
    return Object.fromEntries(members) as T;
  }
  return typeof kept === typeof plain ? (kept as T) : plain;
}

export const stateOf = (body: unknown): WizardState => {
  const state = shaped(NEW, body);
  return isStep(state.reached) ? state : { ...state, reached: "account" };
};

export const isBefore = (one: StepName, other: StepName) => STEPS.indexOf(one) < STEPS.indexOf(other);

/** All that is published. */
export function choicesOf(state: WizardState): string {
  const { tried: _tried, reached: _reached, remains: _remains, ...rest } = state;
  return JSON.stringify(rest);
}

/** Of what decides what a run does. A dry run of other choices says nothing of these. */
export function fingerprint(state: WizardState): string {
  const { tried: _tried, reached: _reached, remains: _remains, ...rest } = state;
  const { flowName: _name, flowDescription: _words, ...details } = rest.details;
  return JSON.stringify({ ...rest, details });
}
