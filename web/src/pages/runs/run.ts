/** A run of the wire as pages read it. */
import type { Run } from "../../api/types";
import type { Tone } from "../../ui/feedback";
import type { IconName } from "../../ui/Icon";
import { T } from "./texts";

export type RunState = Run["metrics"]["statusSummary"]["status"];
export type Ended = RunState | "cancelled" | "undone";
export type Trigger = "schedule" | "manual" | "window" | "retry" | "replay" | "undo";

export interface Tally {
  code: string;
  field: string;
  message: string;
  count: number;
}

export interface RunError {
  code: string;
  message: string;
  advice?: string;
}

export interface Change {
  kind: "newColumn" | "removedColumn" | "typeChange";
  column: string;
  was: string[];
  now: string[];
}

/** Rows; null where a run that failed cannot know. */
export interface Counts {
  read: number | null;
  filtered: number | null;
  rejected: number | null;
  warnings: number | null;
  written: number;
  deleted: number;
  restored: number;
  inputBytes: number | null;
  outputBytes: number;
  files: number;
}

export interface ReadRun {
  id: string;
  flowId: string;
  batchId: string;
  etag: string;
  state: RunState;
  /** The state, or what became of the run besides. */
  told: Ended;
  trigger: Trigger;
  window: { start: number | null; end: number | null } | null;
  madeAt: number;
  madeBy: string;
  madeByClient: string;
  startedAt: number | null;
  plannedAt: number | null;
  readAt: number | null;
  endedAt: number | null;
  counts: Counts;
  errors: RunError[];
  rejections: Tally[];
  warnings: Tally[];
  skipped: Tally[];
  drift: Change[];
  parent: string | null;
  replays: string | null;
  undoes: string | null;
  undoneBy: string | null;
  rewinds: boolean;
  cancelledBy: string | null;
}

const known = (count: unknown) => (typeof count === "number" && count >= 0 ? count : null);
const time = (at: unknown) => (typeof at === "number" ? at : null);
const text = (found: unknown) => (typeof found === "string" && found !== "" ? found : null);

export const isActive = (run: { state: RunState }) => run.state === "scheduled" || run.state === "inProgress";

export function readRun(run: Run): ReadRun {
  const metrics = run.metrics as unknown as Record<string, Record<string, unknown>>;
  const records = metrics.recordSummary ?? {};
  const sizes = metrics.sizeSummary ?? {};
  const durations = metrics.durationSummary ?? {};
  const bounds = (durations.extensions ?? {}) as Record<string, unknown>;
  const extensions = (metrics.statusSummary?.extensions ?? {}) as Record<string, unknown>;
  const activities = run.activities as { id?: string; durationSummary?: Record<string, unknown> }[];
  const copy = activities.find((one) => one.id === "copyActivity");
  const state = run.metrics.statusSummary.status;
  const errors = run.metrics.statusSummary.errors as unknown as RunError[];
  const parent = text(run.parentFlowRunId);
  const [replays, undoes] = [text(extensions.replays), text(extensions.undoes)];
  const undoneBy = text(extensions.undoneBy);
  const asked = run.params;
  const hasWindow = "windowStartTime" in asked || "windowEndTime" in asked;
  return {
    id: run.id,
    flowId: run.flowId,
    batchId: run.providerRefId,
    etag: run.etag,
    state,
    told: undoneBy ? "undone" : errors.some((one) => one.code === "cancelled") ? "cancelled" : state,
    trigger: undoes
      ? "undo"
      : replays
        ? "replay"
        : parent
          ? "retry"
          : hasWindow
            ? "window"
            : extensions.type === "periodic" && Object.keys(asked).length === 0
              ? "schedule"
              : "manual",
    window:
      bounds.windowStart === undefined && bounds.windowEnd === undefined
        ? null
        : { start: time(bounds.windowStart), end: time(bounds.windowEnd) },
    madeAt: run.createdAt,
    madeBy: run.createdBy,
    madeByClient: run.createdClient,
    startedAt: time(durations.startedAtUTC),
    plannedAt: time(bounds.plannedAt),
    readAt: time(copy?.durationSummary?.completedAtUTC),
    endedAt: time(durations.completedAtUTC),
    counts: {
      read: known(records.inputRecordCount),
      filtered: known(records.skippedRecordCount),
      rejected: known(records.failedRecordCount),
      warnings: known(records.warningRecordCount),
      written: known(records.outputRecordCount) ?? 0,
      deleted: known(records.deletedRecordCount) ?? 0,
      restored: known(records.updatedRecordCount) ?? 0,
      inputBytes: known(sizes.inputBytes),
      outputBytes: known(sizes.outputBytes) ?? 0,
      files: known(metrics.fileSummary?.outputFileCount) ?? 0,
    },
    errors,
    rejections: (records.failedInfo ?? []) as Tally[],
    warnings: (records.warningInfo ?? []) as Tally[],
    skipped: (records.skippedInfo ?? []) as Tally[],
    drift: (extensions.schemaDrift ?? []) as Change[],
    parent,
    replays,
    undoes,
    undoneBy,
    rewinds: extensions.takesWindowAgain === true,
    cancelledBy: text(extensions.cancelledBy),
  };
}

export const TONES: Record<Ended, { tone: Tone; icon: IconName }> = {
  scheduled: { tone: "neutral", icon: "clock" },
  inProgress: { tone: "info", icon: "running" },
  success: { tone: "good", icon: "check" },
  partialSuccess: { tone: "warn", icon: "warn" },
  failed: { tone: "bad", icon: "fail" },
  cancelled: { tone: "neutral", icon: "skip" },
  undone: { tone: "neutral", icon: "undo" },
};

export const stateName = (state: string) => (T.states as Record<string, string>)[state] ?? state;

/** How long it took, or takes until now; null before it began. */
export const lasted = (run: ReadRun, now: number) =>
  run.startedAt === null ? null : Math.max((run.endedAt ?? now) - run.startedAt, 0);
