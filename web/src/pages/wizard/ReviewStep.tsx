/** The last step: everything at a glance, a dry run, and making it. */
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { send } from "../../api/client";
import { now } from "../../api/clock";
import { useSession } from "../../session";
import { useSandbox } from "../../shell/page";
import { texts as shared } from "../../texts";
import { Button, Link } from "../../ui/Button";
import { EmptyState, ErrorPanel, Skeleton, StatusBadge, type Tone } from "../../ui/feedback";
import { Count, Hostile, sentence, Time, visibly } from "../../ui/text";
import { mappingsOf } from "../mapping/rules";
import { told } from "./FilterBuilder";
import { make, type Remaining, remainingOf, type Thing, type ThingState, type Wanted } from "./making";
import type { DryRun } from "./queries";
import { type Attempt, RemainsList, remainsOf } from "./Remains";
import { inWords, NextRuns } from "./ScheduleStep";
import { choicesOf, fingerprint, type StepName, type Tried } from "./state";
import { texts } from "./texts";
import type { StepProps } from "./Wizard";

const T = texts.review;
const ROWS = 1_000;
const SHOWN_RULES = 8;
const SHOWN_ROWS = 5;

interface ReviewProps extends StepProps {
  pathTo: (step: StepName) => string;
  attempt: Attempt;
  onAttempt: (attempt: Attempt) => void;
  onTried: (tried: Tried) => void;
  onPublished: (flow: string) => Promise<void>;
}

export function ReviewStep(props: ReviewProps) {
  const { state, change, known, pathTo, before, attempt, onAttempt, onPublished, onTried } = props;
  const sandbox = useSandbox();
  const client = useQueryClient();
  const wanted: Wanted | null = known.source
    ? { state, source: known.source, columns: known.columns, schemaId: known.schemaId }
    : null;
  const { explored } = known;

  useEffect(() => {
    before.current = async () => {
      if (!wanted || !explored) return {};
      const of = choicesOf(state);
      const tell = (told: Thing[]) => onAttempt({ of, things: told, outcome: null });
      // What becomes of it is told above.
      window.scrollTo({ top: 0 });
      let earlier = attempt.outcome;
      if (earlier && remainsOf(attempt).length > 0 && !(earlier.resume && attempt.of === of)) {
        // What is there of an earlier try would stand in the way of the same things.
        earlier = await earlier.undo(tell);
        if (earlier.resume) {
          onAttempt({ of: attempt.of, things: earlier.things, outcome: earlier });
          return {};
        }
        const left = remainingOf(earlier.things);
        if (left.length > 0) change({ remains: [...state.remains, ...left] });
      }
      const done = await (earlier?.resume ? earlier.resume(tell) : make(wanted, sandbox, tell));
      onAttempt({ of, things: done.things, outcome: done });
      for (const key of ["wizard-datasets", "wizard-schemas", "flowUses", "flows"])
        void client.invalidateQueries({ queryKey: [key, sandbox] });
      if (done.flow) await onPublished(done.flow);
      return {};
    };
    return () => {
      before.current = null;
    };
  });

  const { things, outcome } = attempt;
  const remains = remainsOf(attempt);
  const undo = async () => {
    const done = await outcome?.undo((told) => onAttempt({ ...attempt, things: told }));
    if (done) onAttempt({ ...attempt, things: done.things, outcome: done });
  };
  if (known.exploredError)
    return <ErrorPanel what={texts.select.failed} error={known.exploredError} onRetry={known.lookAgain} />;
  if (!explored) return <Skeleton rows={8} />;
  return (
    <>
      {outcome?.error ? (
        <ErrorPanel what={T.failed} error={outcome.error}>
          {outcome.resume ? (
            <p>{T.failedOpen}</p>
          ) : remains.length === 0 ? (
            <p>{T.failedClean}</p>
          ) : (
            <>
              <p>{remains.every((one) => one.isKnown) ? T.failedLeft : T.failedLost}</p>
              <RemainsList remains={remains} />
              {remains.some((one) => one.isKnown) ? (
                <Button size="small" onPress={() => void undo()}>
                  {T.undoAgain}
                </Button>
              ) : null}
            </>
          )}
        </ErrorPanel>
      ) : null}
      {state.remains.length > 0 ? (
        <section className="banner warn" aria-label={T.earlier}>
          <div>
            <p>{T.earlierText}</p>
            <RemainsList remains={state.remains} />
            <Button size="small" onPress={() => change({ remains: [] })}>
              {T.earlierSeen}
            </Button>
          </div>
        </section>
      ) : null}
      {things.length > 0 ? <Progress things={things} /> : null}
      <div className="review-groups">
        <Groups state={state} known={known} pathTo={pathTo} />
      </div>
      {wanted ? <DryRunPanel wanted={wanted} tried={state.tried} onTried={onTried} /> : null}
    </>
  );
}

const TONES: Record<ThingState, Tone> = {
  waiting: "neutral",
  making: "info",
  made: "good",
  open: "warn",
  failed: "bad",
  removing: "info",
  removed: "neutral",
  left: "warn",
};

/** What is made, one thing after the other. */
export function Progress({ things }: { things: Thing[] }) {
  return (
    <section className="panel" aria-labelledby="progress-title">
      <h3 id="progress-title">{T.progress}</h3>
      <ul className="rows" aria-live="polite">
        {things.map((thing) => (
          <li key={thing.kind}>
            <span>
              {T.things[thing.kind]}{" "}
              <span className="muted">
                <Hostile>{thing.name}</Hostile>
              </span>
            </span>
            <StatusBadge tone={TONES[thing.state]}>{T.thingStates[thing.state]}</StatusBadge>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Groups({ state, known, pathTo }: Pick<ReviewProps, "state" | "known" | "pathTo">) {
  const { details, schedule } = state;
  const mappings = mappingsOf(state.mapping);
  const D = texts.details;
  const dataset =
    details.target === "new"
      ? details.datasetName
      : (known.datasets?.find((one) => one.id === details.datasetId)?.name ?? "");
  const schema =
    known.schemaId === null
      ? details.schemaTitle
      : (known.schemas?.find((one) => one.id === known.schemaId)?.title ?? "");
  return (
    <>
      <Group title={T.groups.source} step="select" pathTo={pathTo}>
        <Fact name={texts.rail.account}>
          <Hostile>{known.account?.name || shared.accounts.unnamed}</Hostile>
        </Fact>
        <Fact name={texts.rail.table}>
          <Hostile>{state.table}</Hostile>
        </Fact>
        <Fact name={texts.rail.columns}>
          {state.columns
            ? texts.rail.someColumns(state.columns.length, known.columns.length)
            : texts.select.columnsAll}
        </Fact>
        <Fact name={texts.rail.filter}>
          <code>{told(state.filter, known.columns)}</code>
        </Fact>
      </Group>
      <Group title={T.groups.target} step="details" pathTo={pathTo}>
        <Fact name={texts.rail.dataset}>
          <Hostile>{dataset}</Hostile>{" "}
          {details.target === "new" ? <span className="chip">{texts.rail.newDataset}</span> : null}
        </Fact>
        <Fact name={D.pickSchema}>
          <Hostile>{schema}</Hostile>{" "}
          {known.schemaId === null ? <span className="chip">{texts.rail.newDataset}</span> : null}
        </Fact>
        <Fact name={D.write}>{D.writes[details.writeMode]}</Fact>
        {details.writeMode === "upsert" ? (
          <Fact name={D.keys}>
            <code>{visibly(details.keys.join(", "))}</code>
          </Fact>
        ) : null}
        <Fact name={D.flowName}>
          <Hostile>{details.flowName}</Hostile>
        </Fact>
      </Group>
      <Group title={T.groups.mapping} step="mapping" pathTo={pathTo}>
        <div className="rule-list">
          <p>{texts.fields(mappings.length)}</p>
          <ul>
            {mappings.slice(0, SHOWN_RULES).map((rule) => (
              <li key={rule.destination}>
                <code>{visibly(rule.source)}</code> → <code>{visibly(rule.destination)}</code>
              </li>
            ))}
          </ul>
          {mappings.length > SHOWN_RULES ? (
            <p className="muted">{T.more(mappings.length - SHOWN_RULES)}</p>
          ) : null}
        </div>
      </Group>
      <Group title={T.groups.schedule} step="schedule" pathTo={pathTo}>
        <Fact name={texts.rail.schedule}>{inWords(schedule)}</Fact>
        {schedule.kind === "interval" ? (
          <>
            <Fact name={texts.schedule.column}>
              <Hostile>{schedule.deltaColumn}</Hostile>
            </Fact>
            <Fact name={texts.schedule.takes}>
              {schedule.backfill ? texts.schedule.takesAll : texts.schedule.takesFrom}
            </Fact>
          </>
        ) : null}
      </Group>
      <Group title={T.groups.errors} step="details" pathTo={pathTo}>
        <Fact name={D.errors}>
          {details.partial
            ? `${D.percent}: ${visibly(details.percent)}${details.most.trim() ? `; ${D.most.toLowerCase()}: ${visibly(details.most)}` : ""}`
            : D.partialOff}
        </Fact>
        <Fact name={D.newColumns}>{D.newColumnsChoices[details.newColumns]}</Fact>
        <Fact name={D.removedColumns}>{D.removedColumnsChoices[details.removedColumns]}</Fact>
        <Fact name={D.typeChanges}>{D.typeChangesChoices[details.typeChanges]}</Fact>
      </Group>
      {schedule.kind === "interval" || schedule.start === "later" ? <NextRuns schedule={schedule} /> : null}
    </>
  );
}

interface GroupProps {
  title: string;
  step: StepName;
  pathTo: (step: StepName) => string;
  children: ReactNode;
}

function Group({ title, step, pathTo, children }: GroupProps) {
  return (
    <section className="panel" aria-label={title}>
      <div className="panel-title">
        <h3>{title}</h3>
        <Link to={pathTo(step)} label={T.edit(title)}>
          {T.editShort}
        </Link>
      </div>
      <div className="facts">{children}</div>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <dl className="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </dl>
  );
}

interface DryRunProps {
  wanted: Wanted;
  tried: Tried | null;
  onTried: (tried: Tried) => void;
}

/** What the first run would do, tried on some rows: all that it needs is made for the moment. */
function DryRunPanel({ wanted, tried, onTried }: DryRunProps) {
  const sandbox = useSandbox();
  const { permissions } = useSession();
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<unknown>(null);
  const [left, setLeft] = useState<Remaining[]>([]);
  const [result, setResult] = useState<DryRun | null>(null);
  const may = permissions.includes("run") && permissions.includes("view-data");
  const now = fingerprint(wanted.state);

  const go = async () => {
    setBusy(true);
    setRefused(null);
    setLeft([]);
    try {
      const done = await make({ ...wanted, draft: true }, sandbox, () => undefined);
      let things = done.things;
      if (done.flow) {
        const path = `/v1/flows/${encodeURIComponent(done.flow)}/dryRun`;
        const found = await send<DryRun>({ method: "POST", path, body: { rows: ROWS } }, sandbox).catch(
          (problem: unknown) => {
            setRefused(problem);
            return null;
          },
        );
        // Before it is told: whoever reads the result finds nothing that it needed.
        things = (await done.undo(() => undefined)).things;
        if (found) {
          setResult(found);
          onTried(triedOf(found, now));
        }
      } else {
        setRefused(done.error);
        if (remainingOf(things).length > 0) things = (await done.undo(() => undefined)).things;
      }
      setLeft(remainingOf(things));
    } catch (problem) {
      setRefused(problem);
    } finally {
      setBusy(false);
    }
  };

  const stale = tried !== null && tried.of !== now;
  const counts = tried
    ? ([
        ["read", tried.read],
        ["written", tried.written],
        ["rejected", tried.rejected],
        ["filtered", tried.filtered],
        ["warnings", tried.warnings],
      ] as const)
    : [];
  return (
    <section className="panel dry-run" aria-labelledby="dry-run" aria-busy={busy}>
      <div className="panel-title">
        <h3 id="dry-run">{T.dryTitle}</h3>
        <Button size="small" onPress={() => void go()} isPending={busy} isDisabled={!may}>
          {busy ? T.dryGoing : tried ? T.dryAgain : T.dryGo}
        </Button>
      </div>
      <p className="muted">{may ? T.dryLead : T.dryMay}</p>
      {refused ? <ErrorPanel what={T.dryFailed} error={refused} /> : null}
      {left.length > 0 ? (
        <div className="banner warn">
          <div>
            <p>{T.dryCleanFailed}:</p>
            <RemainsList remains={left} />
          </div>
        </div>
      ) : null}
      {tried ? (
        <>
          <p role="status">
            <StatusBadge tone={stale ? "neutral" : tried.isTolerable ? "good" : "bad"}>
              {stale
                ? T.dryStale
                : tried.isTolerable
                  ? T.dryGood(tried.written.toLocaleString("en-US"), texts.rows(tried.read))
                  : T.dryBad}
            </StatusBadge>{" "}
            <span className="muted">
              <Time at={tried.at} /> {tried.hasMore ? T.dryMore : ""}
            </span>
          </p>
          <ul className="count-cards">
            {counts.map(([name, value]) => (
              <li key={name}>
                <Count value={value} />
                <span>{T.dryCounts[name]}</span>
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {result && !stale ? <Findings result={result} /> : null}
    </section>
  );
}

const triedOf = ({ counts, isTolerable, hasMore }: DryRun, of: string): Tried => ({
  of,
  at: now(),
  read: counts.read,
  written: counts.written,
  rejected: counts.rejected,
  filtered: counts.filtered,
  warnings: counts.warnings,
  isTolerable,
  hasMore,
});

function Findings({ result }: { result: DryRun }) {
  const rows = result.rows.slice(0, SHOWN_ROWS);
  return (
    <>
      <Tallies title={T.dryRejects} list={result.rejections} />
      <Tallies title={T.dryWarnings} list={result.warnings} />
      {result.schemaChanges.clash ? (
        <p className="banner warn">{sentence(result.schemaChanges.clash.message)}</p>
      ) : null}
      {rows.length > 0 ? (
        <details>
          <summary>{T.dryRows}</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there */}
          <section className="code" aria-label={T.dryRows} tabIndex={0}>
            <pre>{rows.map((row) => visibly(JSON.stringify(row.after))).join("\n")}</pre>
          </section>
        </details>
      ) : result.counts.read === 0 ? (
        <EmptyState icon="table" title={texts.select.noPassTitle}>
          {texts.select.noPass}
        </EmptyState>
      ) : null}
    </>
  );
}

function Tallies({ title, list }: { title: string; list: DryRun["rejections"] }) {
  if (list.length === 0) return null;
  const C = T.dryRejectColumns;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there
    <section className="table-scroll" aria-label={title} tabIndex={0}>
      <table className="table">
        <caption className="visually-hidden">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{C.field}</th>
            <th scope="col">{C.why}</th>
            <th scope="col" className="numeric">
              {C.count}
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((one) => (
            <tr key={`${one.code} ${one.field}`}>
              <td>
                <code>{visibly(one.field)}</code>
              </td>
              <td>{sentence(one.message)}</td>
              <td className="numeric">
                <Count value={one.count} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
