/** Schedules in words. */
import type { FlowLine } from "../../api/types";
import { T } from "./texts";

export function inWords(schedule: FlowLine["schedule"]): string {
  if (!schedule) return T.schedule.none;
  return schedule.frequency === "once"
    ? T.schedule.once
    : T.schedule.every(schedule.interval ?? 1, schedule.frequency);
}

const UNIT_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000 };

/** Its next slots, epoch milliseconds. They are in UTC, at even distances: daylight saving time plays no part. */
export function nextSlots(line: FlowLine, count: number): number[] {
  const { nextRunAt: first, schedule } = line;
  if (first === null || !schedule) return [];
  if (schedule.frequency === "once") return [first];
  const period = UNIT_MS[schedule.frequency] * (schedule.interval ?? 1);
  return Array.from({ length: count }, (_, place) => first + place * period);
}
