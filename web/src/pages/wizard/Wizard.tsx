/** Adding data: six steps from an account to a dataflow, kept as a draft after each. */
import "./wizard.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useAddress } from "../../address";
import { ApiError, onConnection, send, Unreachable } from "../../api/client";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { type NamedCall, Page, useSandbox } from "../../shell/page";
import { texts as shared } from "../../texts";
import { Button, Link } from "../../ui/Button";
import { ErrorSummary } from "../../ui/ErrorSummary";
import { EmptyState, ErrorPanel, Skeleton, toast } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { visibly } from "../../ui/text";
import { mappingCalls } from "../mapping/queries";
import { AccountStep } from "./AccountStep";
import { DetailsStep } from "./DetailsStep";
import { opened } from "./editing";
import { type Known, plannedOf, useKnown, type Wrong, wrongWith } from "./known";
import { MapStep } from "./MapStep";
import { tellCalls } from "./making";
import { Published } from "./Published";
import { prefilled, withRules } from "./prefilling";
import {
  type Draft,
  datasetsQuery,
  planBody,
  planQuery,
  scheduleParams,
  schemasQuery,
  tableQuery,
  wizardCalls,
} from "./queries";
import { NO_ATTEMPT, Parting, remainsOf } from "./Remains";
import { ReviewStep } from "./ReviewStep";
import { ScheduleStep } from "./ScheduleStep";
import { SelectStep } from "./SelectStep";
import { StepList } from "./StepList";
import { SummaryRail } from "./SummaryRail";
import { isBefore, isStep, NEW, STEPS, type StepName, stateOf, type WizardState } from "./state";
import { texts } from "./texts";
import { draftCall, draftName, useDraft } from "./useDraft";
import { useKeys } from "./useKeys";

export default function Wizard() {
  const sandbox = useSandbox();
  const address = useAddress();
  const session = useSession();
  const asked = address.get("draft");
  // Which draft is being filled in. One that is kept for the first time gets an id, and stays the same form.
  const own = useRef(asked);
  const [form, setForm] = useState({ key: 0, draft: asked });
  useEffect(() => {
    if (asked === own.current) return;
    own.current = asked;
    setForm((known) => ({ key: known.key + 1, draft: asked }));
  }, [asked]);
  const draft = useQuery({
    queryKey: ["draft", sandbox, form.draft, form.key],
    queryFn: ({ signal }) => send<Draft>(wizardCalls.draft(form.draft), sandbox, signal),
    enabled: form.draft !== "",
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  // Another dataflow that begins as this one is.
  const from = form.draft ? "" : address.get("from");
  const pattern = useQuery({
    queryKey: ["edited", sandbox, from, "copied"],
    queryFn: ({ signal }) => opened(from, sandbox, signal),
    enabled: from !== "",
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  const done = address.get("done");
  if (done) return <Published flow={done} />;
  if (!session.permissions.includes("manage-sources"))
    return (
      <Page title={texts.title} calls={[]}>
        <EmptyState
          icon="sources"
          title={texts.forbiddenTitle}
          action={
            <Link to={pathOf(sandbox, "sources")} className="button primary normal">
              {shared.newAccount.toCatalog}
            </Link>
          }
        >
          {shared.error.forbiddenNext}
        </EmptyState>
      </Page>
    );
  if (form.draft && !draft.data) {
    const missing = draft.error instanceof ApiError && [400, 404].includes(draft.error.status);
    return (
      <Page title={texts.title} calls={[{ ...wizardCalls.draft(form.draft), title: texts.callDraft }]}>
        {draft.error && !missing ? (
          <ErrorPanel what={texts.draftFailed} error={draft.error} onRetry={() => void draft.refetch()} />
        ) : null}
        {missing ? (
          <EmptyState
            icon="file"
            title={texts.draftMissingTitle}
            action={
              <Link to={pathOf(sandbox, "flows/new")} className="button primary normal">
                {texts.startAnew}
              </Link>
            }
          >
            {texts.draftMissing}
          </EmptyState>
        ) : null}
        {draft.isPending ? <Skeleton rows={5} /> : null}
      </Page>
    );
  }
  if (from && !pattern.data)
    return (
      <Page title={texts.title} calls={[{ ...wizardCalls.flow(from), title: texts.done.callFlow }]}>
        {pattern.error ? (
          <ErrorPanel what={texts.done.failed} error={pattern.error} onRetry={() => void pattern.refetch()} />
        ) : (
          <Skeleton rows={5} />
        )}
      </Page>
    );
  return (
    <Filling
      key={form.key}
      draft={draft.data ?? null}
      pattern={pattern.data?.state ?? null}
      onKept={(id) => {
        own.current = id;
      }}
    />
  );
}

const LONGEST_NAME = 255;
const toFocus = (element: HTMLElement | null) => element?.focus();

const changedMembers = (before: WizardState, after: WizardState): Partial<WizardState> =>
  Object.fromEntries(
    Object.entries(after).filter(([name, value]) => before[name as keyof WizardState] !== value),
  );

/** What the address says of a new dataflow: the account or source of the page from which it was begun. */
function begun(address: ReturnType<typeof useAddress>): WizardState {
  const account = address.get("account");
  return {
    ...NEW,
    source: address.get("source"),
    account,
    reached: account ? "select" : "account",
  };
}

/** A dataflow that reads and lands as `pattern` does, by a name of its own. */
const copyOf = (pattern: WizardState): WizardState => ({
  ...pattern,
  details: { ...pattern.details, flowName: texts.copyOf(pattern.details.flowName).slice(0, LONGEST_NAME) },
});

interface FillingProps {
  draft: Draft | null;
  pattern: WizardState | null;
  onKept: (id: string) => void;
}

function Filling({ draft, pattern, onKept }: FillingProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const address = useAddress();
  const [, navigate] = useLocation();
  const [state, setState] = useState<WizardState>(() =>
    draft ? stateOf(draft.body) : pattern ? copyOf(pattern) : begun(address),
  );
  const kept = useDraft(sandbox, draft);
  const [tries, setTries] = useState(0);
  const [wrong, setWrong] = useState<Wrong[]>([]);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<unknown>(null);
  const [leaving, setLeaving] = useState(false);
  const [attempt, setAttempt] = useState(NO_ATTEMPT);
  const [parting, setParting] = useState<string | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const before = useRef<Before | null>(null);

  const wanted = address.get("step") || (draft ? draft.step : state.reached);
  const step: StepName = isStep(wanted) && !isBefore(state.reached, wanted) ? wanted : state.reached;
  const place = STEPS.indexOf(step);
  const remains = remainsOf(attempt);
  const everything = useKnown(state, step);
  // What this very form has made is in nobody's way: it goes before it is made again.
  const isOwn = (id: string) => remains.some((one) => one.id === id);
  const known = { ...everything, schemas: everything.schemas?.filter((one) => !isOwn(one.id)) };

  const begunAs = useRef(JSON.stringify(state));
  const text = JSON.stringify(state);
  const dirty = text !== (kept.saved || begunAs.current);

  const change = useCallback((part: Partial<WizardState>) => {
    setState((now) => ({ ...now, ...part }));
    setWrong([]);
  }, []);

  const pathTo = (name: StepName, id = kept.id) =>
    pathOf(sandbox, `flows/new?${new URLSearchParams({ ...(id ? { draft: id } : {}), step: name })}`);

  const stepShown = useRef(step);
  useEffect(() => {
    if (stepShown.current === step) return;
    stepShown.current = step;
    setWrong([]);
    setFailed(null);
    heading.current?.focus();
    window.scrollTo({ top: 0 });
  }, [step]);

  // Who leaves by a link keeps a draft; nothing that was typed is lost.
  const latest = useRef({ state, step, dirty, remains, save: kept.save, done: false, isGone: false });
  latest.current = { ...latest.current, state, step, dirty, remains, save: kept.save };
  useEffect(() => {
    const held = latest;
    held.current.isGone = false;
    const warn = (event: BeforeUnloadEvent) => {
      if (held.current.dirty || held.current.remains.length > 0) event.preventDefault();
    };
    window.addEventListener("beforeunload", warn);
    return () => {
      window.removeEventListener("beforeunload", warn);
      held.current.isGone = true;
      const { dirty: unsaved, done, state: last, step: at, remains: left, save } = held.current;
      if (done || !(unsaved || left.length > 0) || (!last.table && !last.account)) return;
      void save(left.length > 0 ? { ...last, remains: left } : last, at).then((id) =>
        id ? toast(texts.kept(visibly(draftName(last)))) : undefined,
      );
    };
  }, []);

  // What could not be kept while the server was away is kept once it answers.
  const again = useRef<(() => Promise<void>) | null>(null);
  useEffect(() => onConnection((event) => (event === "online" ? void again.current?.() : undefined)), []);

  const keep = async (next: WizardState, at: StepName): Promise<string | null> => {
    const id = await kept.save(next, at);
    if (id) onKept(id);
    return id;
  };

  const go = async () => {
    if (busy) return;
    setBusy(true);
    setFailed(null);
    try {
      let next = state;
      if (before.current) {
        const done = await before.current();
        if (done.wrong) {
          setWrong(done.wrong);
          setTries((count) => count + 1);
        }
        if (!done.change) return;
        next = { ...next, ...done.change };
      }
      const found = wrongWith(step, next, known);
      setWrong(found);
      setTries((count) => count + 1);
      if (found.length > 0) return;
      const following = STEPS[place + 1];
      if (!following) return;
      if (step === "select") {
        const [datasets, schemas, explored] = await Promise.all([
          client.ensureQueryData(datasetsQuery(sandbox)),
          client.ensureQueryData(schemasQuery(sandbox)),
          client.ensureQueryData(tableQuery(sandbox, next.account, next.table)),
        ]);
        next = prefilled(next, datasets, schemas, explored.columns);
      }
      if (step === "details" && known.schemaId === null) {
        const plan = await client.ensureQueryData(planQuery(sandbox, next.account, plannedOf(next)));
        next = withRules(next, plan);
      }
      if (isBefore(next.reached, following)) next = { ...next, reached: following };
      // What is typed while the server is asked stays.
      const mine = changedMembers(state, next);
      setState((now) => ({ ...now, ...mine }));
      const id = await keep(next, following);
      // Back leads to this step of the draft, not to a form that knows nothing of it.
      navigate(pathTo(step, id ?? kept.id), { replace: true });
      navigate(pathTo(following, id ?? kept.id));
    } catch (problem) {
      setFailed(problem);
    } finally {
      setBusy(false);
    }
  };

  const saveNow = async () => {
    const id = await keep(state, step);
    if (id) navigate(pathTo(step, id), { replace: true });
  };

  again.current = kept.error instanceof Unreachable ? saveNow : null;

  const back = () => {
    const earlier = STEPS[place - 1];
    if (!earlier) return;
    if (dirty) void keep(state, step);
    navigate(pathTo(earlier));
  };

  const toCatalog = () => {
    latest.current.done = true;
    navigate(pathOf(sandbox, "sources"));
  };

  const leave = () => {
    if (remains.length > 0) setParting(pathOf(sandbox, "sources"));
    else if (dirty && (state.account || state.table)) setLeaving(true);
    else toCatalog();
  };

  useKeys({
    s: () => void saveNow(),
    // Publishing is never a shortcut.
    ...(step === "review" ? {} : { enter: () => void go() }),
  });

  const problemOf = (field: string) => wrong.find((one) => one.field === field)?.text ?? "";
  const stepProps = { state, change, known, problemOf, before, busy };

  const calls: NamedCall[] = [
    ...(step === "account"
      ? []
      : step === "select"
        ? [
            { ...wizardCalls.tables(state.account), title: texts.callTables },
            ...(state.table
              ? [{ ...wizardCalls.table(state.account, state.table), title: texts.callTable }]
              : []),
          ]
        : stepCalls(step, state, known)),
    { ...draftCall(state, step, kept.id), title: texts.callDraft },
  ];

  return (
    <Page title={texts.title} lead={texts.lead} calls={calls}>
      <div className="wizard">
        <StepList steps={STEPS} step={step} reached={state.reached} to={pathTo} wrong={wrong.length > 0} />
        {kept.conflict ? (
          <section className="conflict" role="alert" tabIndex={-1} ref={toFocus}>
            <h2>{texts.conflictTitle}</h2>
            <p>{texts.conflict}</p>
            <div className="form-actions">
              <Button
                onPress={() => {
                  latest.current.done = true;
                  window.location.assign(pathTo(step));
                }}
              >
                {texts.takeTheirs}
              </Button>
              <Button look="primary" onPress={() => void kept.save(state, step, true)}>
                {texts.keepMine}
              </Button>
            </div>
          </section>
        ) : null}
        {kept.error ? (
          <ErrorPanel what={texts.saveFailed} error={kept.error} onRetry={() => void saveNow()} />
        ) : null}
        <div className={WIDE.has(step) ? "wizard-body wide" : "wizard-body"}>
          <section className="wizard-step" aria-labelledby="step-heading">
            <div className="step-heading">
              <p className="muted">{texts.stepOf(place + 1, STEPS.length)}</p>
              <h2 id="step-heading" ref={heading} tabIndex={-1}>
                {headingOf(step)}
              </h2>
            </div>
            {wrong.length > 0 ? <ErrorSummary problems={wrong} attempt={tries} /> : null}
            {failed ? <ErrorPanel what={failedAt(step)} error={failed} /> : null}
            {step === "account" ? <AccountStep {...stepProps} /> : null}
            {step === "select" ? (
              <SelectStep
                {...stepProps}
                pathTo={pathTo}
                onAccount={(account) => {
                  change({ ...NEW, account, remains: state.remains, reached: "select" });
                  // What was pressed is not there any more.
                  heading.current?.focus();
                }}
              />
            ) : null}
            {step === "details" ? <DetailsStep {...stepProps} /> : null}
            {step === "mapping" ? <MapStep {...stepProps} /> : null}
            {step === "schedule" ? <ScheduleStep {...stepProps} /> : null}
            {step === "review" ? (
              <ReviewStep
                {...stepProps}
                pathTo={pathTo}
                attempt={attempt}
                onAttempt={setAttempt}
                onTried={(tried) => {
                  const next = { ...state, tried };
                  change({ tried });
                  void keep(next, "review");
                }}
                onPublished={async (flow) => {
                  latest.current.done = true;
                  await kept.discard().catch(() => undefined);
                  if (latest.current.isGone) {
                    toast(texts.review.publishedTitle(visibly(state.details.flowName)));
                    return;
                  }
                  onKept("");
                  navigate(pathOf(sandbox, `flows/new?done=${flow}`), { replace: true });
                }}
              />
            ) : null}
          </section>
          <SummaryRail state={state} known={known} step={step} />
        </div>
        <footer className="wizard-footer">
          <Button look="quiet" onPress={leave}>
            {texts.close}
          </Button>
          <p className="draft-state" role="status">
            {kept.busy
              ? texts.saving
              : kept.conflict
                ? texts.conflictTitle
                : kept.id && !dirty
                  ? texts.saved
                  : dirty
                    ? texts.unsaved
                    : ""}
          </p>
          <Button onPress={() => void saveNow()} aria-keyshortcuts="Control+S">
            {texts.saveDraft}
          </Button>
          {place > 0 ? <Button onPress={back}>{texts.back}</Button> : null}
          <Button
            look="primary"
            onPress={() => void go()}
            isPending={busy}
            // Nothing can be published before it is known what.
            isDisabled={step === "review" && !(known.source && known.explored)}
            {...(step === "review" ? {} : { "aria-keyshortcuts": "Control+Enter" })}
          >
            {step === "review" ? (busy ? texts.review.publishing : texts.review.publish) : texts.next}
          </Button>
        </footer>
      </div>
      <Parting
        attempt={attempt}
        onAttempt={setAttempt}
        to={parting}
        onTo={setParting}
        onLeave={(path, left) => {
          latest.current.remains = left;
          navigate(path);
        }}
      />
      {leaving ? (
        <Dialog
          title={texts.leaveTitle}
          isOpen
          onClose={() => setLeaving(false)}
          role="alertdialog"
          footer={
            <>
              <Button onPress={() => setLeaving(false)}>{texts.stay}</Button>
              <Button
                look="danger"
                onPress={() => {
                  latest.current.done = true;
                  void kept.discard().finally(toCatalog);
                }}
              >
                {texts.discard}
              </Button>
              <Button
                look="primary"
                onPress={() =>
                  void keep(state, step).then((id) => {
                    setLeaving(false);
                    if (!id) return;
                    toast(texts.kept(visibly(draftName(state))));
                    toCatalog();
                  })
                }
              >
                {texts.keep}
              </Button>
            </>
          }
        >
          <p>{texts.leave}</p>
        </Dialog>
      ) : null}
    </Page>
  );
}

/** The calls of a step behind the second one. */
function stepCalls(step: StepName, state: WizardState, known: Known): NamedCall[] {
  if (step === "details")
    return [
      { ...wizardCalls.datasets, title: texts.callDatasets },
      ...(known.schemaId === null
        ? [{ ...wizardCalls.plan(state.account, planBody(plannedOf(state))), title: texts.callPlan }]
        : []),
    ];
  if (step === "mapping") {
    const target = known.schemaId === null ? { fields: known.fields } : { schemaId: known.schemaId };
    const call = mappingCalls.preview(target, state.mapping, (known.explored?.rows ?? []).slice(0, 1));
    return [{ ...call, title: texts.callPreview }];
  }
  if (step === "schedule")
    return [{ ...wizardCalls.slots(scheduleParams(state.schedule)), title: texts.callSlots }];
  return known.source
    ? tellCalls({ state, source: known.source, columns: known.columns, schemaId: known.schemaId })
    : [];
}

// Grids need the room; what was chosen stands below them.
const WIDE = new Set<StepName>(["select", "mapping"]);

const headingOf = (step: StepName) => texts[step].heading;

const failedAt = (step: StepName) =>
  step === "select" ? texts.select.failed : step === "details" ? texts.details.planFailed : texts.saveFailed;

/** Done before a step is left. Without a `change` it stays; `wrong` tells why. */
export type Before = () => Promise<{ change?: Partial<WizardState>; wrong?: Wrong[] }>;

export interface StepProps {
  state: WizardState;
  change: (part: Partial<WizardState>) => void;
  known: Known;
  /** What is wrong with a field, once that was told. */
  problemOf: (field: string) => string;
  before: { current: Before | null };
  busy: boolean;
}
