/** The fifth step: when it runs, in words and as the next five runs. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { now } from "../../api/clock";
import { useSandbox } from "../../shell/page";
import { Checkbox, RadioGroup, Select } from "../../ui/choices";
import { ErrorPanel, Skeleton } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { exactTime, Hostile, visibly } from "../../ui/text";
import { timeColumns, wrongWith } from "./known";
import { likeliest } from "./prefilling";
import { slotsQuery } from "./queries";
import type { Schedule } from "./state";
import { texts } from "./texts";
import type { StepProps } from "./Wizard";

const T = texts.schedule;
const MINUTE_MS = 60_000;
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** When it runs, in words. */
export function inWords(schedule: Schedule): string {
  if (schedule.kind === "interval") return T.words.every(Number(schedule.every) || 1, schedule.unit);
  return schedule.start === "now" ? T.words.onceNow : T.words.onceAt;
}

/** What of a schedule that is at work cannot be changed any more. */
export interface Fixed {
  kind: boolean;
  start: boolean;
  column: boolean;
}

const FREE: Fixed = { kind: false, start: false, column: false };

type ScheduleProps = Pick<StepProps, "state" | "change" | "known" | "problemOf"> & { fixed?: Fixed };

export function ScheduleStep({ state, change, known, problemOf, fixed = FREE }: ScheduleProps) {
  const { schedule } = state;
  const set = (part: Partial<Schedule>) => change({ schedule: { ...schedule, ...part } });
  const times = timeColumns(known.columns);
  const repeats = schedule.kind === "interval";
  return (
    <div className="form">
      <fieldset className="form-section">
        <legend>{T.kind}</legend>
        {fixed.kind ? (
          <p>
            {T.kinds[schedule.kind]}. <span className="muted">{T.kindFixed[schedule.kind]}</span>
          </p>
        ) : (
          <RadioGroup
            label={T.kind}
            hideLabel
            value={schedule.kind}
            onChange={(kind) =>
              set({
                kind: kind as Schedule["kind"],
                deltaColumn: schedule.deltaColumn || likeliest(times),
              })
            }
            options={(["once", "interval"] as const).map((id) => ({
              id,
              name: T.kinds[id],
              help: T.kindHelp[id],
            }))}
          />
        )}
        {repeats ? (
          <div className="field-pair">
            <TextField
              label={T.every}
              name="every"
              value={schedule.every}
              onChange={(every) => set({ every })}
              error={problemOf("every") || undefined}
            />
            <Select
              label={T.unit}
              value={schedule.unit}
              onChange={(unit) =>
                set({
                  unit: unit as Schedule["unit"],
                  ...(unit === "minute" && Number(schedule.every) < 15 ? { every: "15" } : {}),
                })
              }
              options={Object.entries(T.units).map(([id, name]) => ({ id, name }))}
            />
          </div>
        ) : null}
      </fieldset>
      {fixed.start ? null : (
        <fieldset className="form-section">
          <legend>{T.start}</legend>
          <RadioGroup
            label={T.start}
            hideLabel
            segmented
            value={schedule.start}
            onChange={(start) => set({ start: start as Schedule["start"] })}
            options={Object.entries(T.starts).map(([id, name]) => ({ id, name }))}
          />
          {schedule.start === "later" ? (
            <TextField
              label={T.startAt}
              name="startAt"
              type="datetime-local"
              help={T.startHelp(ZONE)}
              value={schedule.startAt}
              onChange={(startAt) => set({ startAt })}
              error={problemOf("startAt") || undefined}
            />
          ) : null}
        </fieldset>
      )}
      {repeats ? (
        <fieldset className="form-section">
          <legend>{T.column}</legend>
          {fixed.column ? (
            <p>
              <Hostile>{schedule.deltaColumn}</Hostile>. <span className="muted">{T.columnFixed}</span>
            </p>
          ) : times.length > 0 ? (
            <Select
              label={T.column}
              name="deltaColumn"
              help={`${T.columnHelp} ${T.lag}`}
              value={schedule.deltaColumn}
              onChange={(deltaColumn) => set({ deltaColumn })}
              options={times.map((column) => ({
                id: column.name,
                name: column.name === "Timestamp" ? `${column.name} · ${T.timestamp}` : visibly(column.name),
              }))}
              error={problemOf("deltaColumn") || undefined}
            />
          ) : (
            <p className="banner warn">{T.noColumn}</p>
          )}
          {fixed.start ? null : (
            <Checkbox
              value={schedule.backfill}
              onChange={(backfill) => set({ backfill })}
              help={schedule.backfill ? undefined : T.backfillOff}
            >
              {T.backfill}
            </Checkbox>
          )}
        </fieldset>
      ) : null}
      {fixed.start ||
      wrongWith("schedule", state, known).some((one) => one.field !== "deltaColumn") ? null : (
        <NextRuns schedule={schedule} />
      )}
    </div>
  );
}

function useMinute(): number {
  const [minute, setMinute] = useState(() => Math.floor(now() / MINUTE_MS));
  useEffect(() => {
    const timer = setInterval(() => setMinute(Math.floor(now() / MINUTE_MS)), MINUTE_MS / 4);
    return () => clearInterval(timer);
  }, []);
  return minute;
}

/** The next five runs, in the viewer's zone and in UTC. */
export function NextRuns({ schedule }: { schedule: Schedule }) {
  const slots = useQuery(slotsQuery(useSandbox(), schedule, useMinute()));
  return (
    <section className="panel" aria-labelledby="next-runs">
      <h3 id="next-runs">{T.runs}</h3>
      <p>
        <strong>{inWords(schedule)}</strong>
      </p>
      {slots.error ? (
        <ErrorPanel what={T.runsFailed} error={slots.error} onRetry={() => void slots.refetch()} />
      ) : null}
      {slots.isPending ? <Skeleton rows={3} shape="text" /> : null}
      {slots.data ? (
        <ol className="slots" aria-label={T.runs}>
          {slots.data.runs.map((at, place) => (
            <li key={at}>
              {place === 0 && schedule.start === "now" ? (
                <span>{T.atOnce}</span>
              ) : (
                <>
                  <time dateTime={new Date(at).toISOString()}>{exactTime(at, "local")}</time>{" "}
                  <span className="muted">{exactTime(at, "utc")}</span>
                </>
              )}
            </li>
          ))}
        </ol>
      ) : null}
      {schedule.kind === "interval" ? (
        <p className="muted">
          {T.takes} {schedule.backfill ? T.takesAll : T.takesFrom}. {T.zoneNote}
        </p>
      ) : null}
    </section>
  );
}
