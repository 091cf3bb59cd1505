/** Editing a dataflow: the steps of the wizard that a dataflow at work still lets change. */
import "./wizard.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLocation, useParams } from "wouter";
import { useAddress } from "../../address";
import { ApiError, send } from "../../api/client";
import { forgetForm, keptForm, useKeptForm } from "../../kept";
import { useSession } from "../../session";
import { PAGES, pathOf } from "../../shell/navigation";
import { type NamedCall, Page, useSandbox } from "../../shell/page";
import { texts as shared } from "../../texts";
import { Button, Link } from "../../ui/Button";
import { ErrorSummary } from "../../ui/ErrorSummary";
import { EmptyState, ErrorPanel, Skeleton, toast } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { Hostile, visibly } from "../../ui/text";
import { mappingsOf } from "../mapping/rules";
import { About, ErrorsAndChanges } from "./DetailsStep";
import { changes, editCalls, type Opened, opened, operations, type Part } from "./editing";
import { told } from "./FilterBuilder";
import { type Known, useKnown, type Wrong, wrongWith } from "./known";
import { MapStep } from "./MapStep";
import { inWords, ScheduleStep } from "./ScheduleStep";
import { StepList } from "./StepList";
import type { WizardState } from "./state";
import { texts } from "./texts";
import { useKeys } from "./useKeys";
import type { Before } from "./Wizard";

const T = texts.edit;
const EDITED = ["details", "mapping", "schedule", "review"] as const;
type Step = (typeof EDITED)[number];
const isEdited = (name: string): name is Step => (EDITED as readonly string[]).includes(name);
const STALE = 412;

export default function EditFlow() {
  const sandbox = useSandbox();
  const id = useParams<{ id: string }>().id ?? "";
  const { permissions } = useSession();
  const may = permissions.includes("manage-sources");
  const [round, setRound] = useState(0);
  const flow = useQuery({
    queryKey: ["edited", sandbox, id, round],
    queryFn: ({ signal }) => opened(id, sandbox, signal),
    enabled: may,
    // What is edited does not change under the hands; a conflict is told when it is published.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  const key = `edit ${sandbox} ${id}`;
  if (flow.data) {
    const typed = keptForm<Typed>(key) ?? { base: flow.data, state: flow.data.state };
    return (
      <Editing
        key={round}
        keptAs={key}
        begun={typed}
        onAnew={() => {
          forgetForm(key);
          setRound(round + 1);
        }}
      />
    );
  }
  const missing = flow.error instanceof ApiError && [400, 404].includes(flow.error.status);
  return (
    <Page title={T.plain} calls={[{ ...editCalls.flow(id), title: texts.done.callFlow }]}>
      {may ? null : (
        <EmptyState icon="sources" title={T.noEdit}>
          {shared.error.forbiddenNext}
        </EmptyState>
      )}
      {may && flow.isPending ? <Skeleton rows={6} /> : null}
      {missing ? (
        <EmptyState
          icon="stream"
          title={T.missingTitle}
          action={
            <Link to={pathOf(sandbox, "sources")} className="button primary normal">
              {shared.notFound.back}
            </Link>
          }
        >
          {T.missing}
        </EmptyState>
      ) : null}
      {flow.error && !missing ? (
        <ErrorPanel what={T.failed} error={flow.error} onRetry={() => void flow.refetch()} />
      ) : null}
    </Page>
  );
}

/** What was changed, and the dataflow as it was then. */
interface Typed {
  base: Opened;
  state: WizardState;
}

interface EditingProps {
  keptAs: string;
  begun: Typed;
  onAnew: () => void;
}

function Editing({ keptAs, begun, onAnew }: EditingProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const address = useAddress();
  const [, navigate] = useLocation();
  const [{ base }] = useState(begun);
  const [state, setState] = useState(begun.state);
  const [wrong, setWrong] = useState<Wrong[]>([]);
  const [attempt, setAttempt] = useState(0);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [versionKept, setVersionKept] = useState(false);
  const [theirs, setTheirs] = useState<Opened | null>(null);
  const [leaving, setLeaving] = useState(false);
  const before = useRef<Before | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const wanted = address.get("step");
  const step: Step = isEdited(wanted) ? wanted : "details";
  const place = EDITED.indexOf(step);
  const known = useKnown(state, step);
  const changed = changes(base.state, state);
  const parts = (Object.keys(changed) as Part[]).filter((name) => changed[name]);
  const dirty = parts.length > 0;
  const id = base.flow.id;

  const change = useCallback((part: Partial<WizardState>) => {
    setState((now) => ({ ...now, ...part }));
    setWrong([]);
  }, []);

  // Who leaves by a link finds it again; a change that came in between is told when it is published.
  useKeptForm<Typed>(
    keptAs,
    useMemo(() => ({ base, state }), [base, state]),
    dirty,
  );

  const shown = useRef(step);
  useEffect(() => {
    if (shown.current === step) return;
    shown.current = step;
    setWrong([]);
    setError(null);
    heading.current?.focus();
    window.scrollTo({ top: 0 });
  }, [step]);

  const here = `flows/${encodeURIComponent(id)}`;
  const pathTo = (name: string) => pathOf(sandbox, `${here}/edit?step=${name}`);
  const leaveTo = pathOf(
    sandbox,
    PAGES.some((page) => page.id === "flows") ? here : `flows/new?done=${encodeURIComponent(id)}`,
  );

  const leave = () => {
    forgetForm(keptAs);
    navigate(leaveTo);
  };

  const checked = async (): Promise<boolean> => {
    const done = before.current ? await before.current() : { change: {} };
    const found =
      done.wrong ??
      wrongWith(step, state, known).filter(
        // The target stays; its fields are not on the page.
        ({ field }) => step !== "details" || ["flowName", "percent", "most"].includes(field),
      );
    setWrong(found);
    setAttempt((count) => count + 1);
    return found.length === 0;
  };

  const next = async () => {
    const following = EDITED[place + 1];
    if (following && (await checked())) navigate(pathTo(following));
  };

  useKeys(step === "review" ? {} : { enter: () => void next() });

  const publish = async (from: Opened) => {
    setBusy(true);
    setError(null);
    setVersionKept(false);
    let made: Opened["mapping"] | null = null;
    try {
      if (changed.mapping) {
        const call = editCalls.version(
          from.mapping.set,
          state.details.flowName.trim(),
          known.schemaId ?? "",
          state,
        );
        const answer = await send<{ id: string; version: number }>(call, sandbox);
        made = { set: answer.id, version: answer.version };
      }
      await send(editCalls.patch(id, from.flow.etag, operations(from, state, made)), sandbox);
      await client.invalidateQueries({
        predicate: (query) => `${query.queryKey[0]}`.match(/flow/i) !== null,
      });
      toast(T.published);
      leave();
    } catch (problem) {
      setVersionKept(made !== null);
      if (problem instanceof ApiError && problem.status === STALE)
        await opened(id, sandbox, new AbortController().signal).then(setTheirs, setError);
      else setError(problem);
    } finally {
      setBusy(false);
    }
  };

  const problemOf = (field: string) => wrong.find((one) => one.field === field)?.text ?? "";
  const props = { state, change, known, problemOf, before, busy };
  const calls: NamedCall[] = [
    { ...editCalls.flow(id), title: texts.done.callFlow },
    ...(changed.mapping
      ? [
          {
            ...editCalls.version(base.mapping.set, state.details.flowName, known.schemaId ?? "", state),
            title: T.callVersion,
          },
        ]
      : []),
    ...(dirty
      ? [{ ...editCalls.patch(id, base.flow.etag, operations(base, state, null)), title: T.callPatch }]
      : []),
  ];

  return (
    <Page
      title={T.title(visibly(base.flow.name ?? ""))}
      heading={
        <>
          {T.title("")}
          <Hostile>{base.flow.name ?? ""}</Hostile>
        </>
      }
      lead={T.lead}
      calls={calls}
    >
      <div className="wizard">
        <StepList steps={EDITED} step={step} reached="review" to={pathTo} wrong={wrong.length > 0} />
        <section className="wizard-step" aria-labelledby="step-heading">
          <div className="step-heading">
            <p className="muted">{texts.stepOf(place + 1, EDITED.length)}</p>
            <h2 id="step-heading" ref={heading} tabIndex={-1}>
              {step === "details" ? texts.steps.details : texts[step].heading}
            </h2>
          </div>
          {wrong.length > 0 ? <ErrorSummary problems={wrong} attempt={attempt} /> : null}
          {step === "details" ? (
            <div className="form">
              <About
                details={state.details}
                set={(part) => change({ details: { ...state.details, ...part } })}
                problemOf={problemOf}
              />
              <ErrorsAndChanges
                details={state.details}
                set={(part) => change({ details: { ...state.details, ...part } })}
                problemOf={problemOf}
              />
              <Stays state={state} known={known} />
            </div>
          ) : null}
          {step === "mapping" ? <MapStep {...props} /> : null}
          {step === "schedule" ? <ScheduleStep {...props} fixed={base.fixed} /> : null}
          {step === "review" ? (
            <>
              {error ? (
                <ErrorPanel what={T.refused} error={error}>
                  {versionKept ? <p>{T.versionKept}</p> : null}
                </ErrorPanel>
              ) : null}
              <Changes
                title={T.changes}
                parts={parts}
                left={T.before}
                right={T.after}
                before={base}
                after={state}
              />
              {theirs ? (
                <section className="conflict" role="alert">
                  <h3>{T.conflictTitle}</h3>
                  <p>{T.conflict}</p>
                  <Changes
                    title={T.conflictTitle}
                    parts={parts}
                    left={T.theirs}
                    right={T.yours}
                    before={theirs}
                    after={state}
                  />
                  <div className="form-actions">
                    <Button onPress={onAnew}>{T.takeTheirs}</Button>
                    <Button look="primary" isPending={busy} onPress={() => void publish(theirs)}>
                      {T.keepYours}
                    </Button>
                  </div>
                </section>
              ) : null}
            </>
          ) : null}
        </section>
        <footer className="wizard-footer">
          <Button look="quiet" onPress={() => (dirty ? setLeaving(true) : leave())}>
            {texts.close}
          </Button>
          <p className="draft-state" role="status">
            {dirty ? parts.map((part) => T.names[part]).join(", ") : T.nothing}
          </p>
          {place > 0 ? (
            <Button onPress={() => navigate(pathTo(EDITED[place - 1] ?? "details"))}>{texts.back}</Button>
          ) : null}
          {step === "review" ? (
            <Button
              look="primary"
              isPending={busy}
              isDisabled={!dirty || theirs !== null}
              onPress={() => void publish(base)}
            >
              {T.publish}
            </Button>
          ) : (
            <Button look="primary" onPress={() => void next()} aria-keyshortcuts="Control+Enter">
              {texts.next}
            </Button>
          )}
        </footer>
      </div>
      {leaving ? (
        <Dialog
          title={T.leave}
          isOpen
          onClose={() => setLeaving(false)}
          role="alertdialog"
          footer={
            <>
              <Button autoFocus onPress={() => setLeaving(false)}>
                {texts.stay}
              </Button>
              <Button look="danger" onPress={leave}>
                {T.leaveGo}
              </Button>
            </>
          }
        >
          <p>{T.leaveText}</p>
        </Dialog>
      ) : null}
    </Page>
  );
}

function Stays({ state, known }: { state: WizardState; known: Known }) {
  const dataset = known.datasets?.find((one) => one.id === state.details.datasetId)?.name ?? "";
  const facts: [string, ReactNode][] = [
    [texts.rail.table, <Hostile key="table">{state.table}</Hostile>],
    [texts.rail.filter, <code key="filter">{told(state.filter, known.columns)}</code>],
    [texts.rail.dataset, <Hostile key="dataset">{dataset || state.details.datasetId}</Hostile>],
    [texts.rail.write, texts.details.writes[state.details.writeMode]],
  ];
  return (
    <section className="panel" aria-labelledby="stays">
      <h3 id="stays">{T.stays}</h3>
      <p className="muted">{T.staysLead}</p>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name} className="fact">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** A part of a dataflow in words. */
function spoken(part: Part, state: WizardState, version: number | null): string {
  const { details, schedule } = state;
  const D = texts.details;
  switch (part) {
    case "name":
      return visibly(details.flowName);
    case "description":
      return visibly(details.flowDescription) || shared.common.none;
    case "mapping": {
      const fields = texts.fields(mappingsOf(state.mapping).length);
      return version === null ? T.newVersion(fields) : T.version(version, fields);
    }
    case "schedule":
      return inWords(schedule);
    case "column":
      return visibly(schedule.kind === "once" ? "" : schedule.deltaColumn) || shared.common.none;
    case "errors":
      return details.partial
        ? `${D.percent}: ${details.percent}${details.most ? `; ${D.most.toLowerCase()}: ${details.most}` : ""}`
        : D.partialOff;
    case "drift":
      return [
        `${D.newColumns}: ${D.newColumnsChoices[details.newColumns]}`,
        `${D.removedColumns}: ${D.removedColumnsChoices[details.removedColumns]}`,
        `${D.typeChanges}: ${D.typeChangesChoices[details.typeChanges]}`,
      ].join("; ");
  }
}

interface ChangesProps {
  title: string;
  parts: Part[];
  left: string;
  right: string;
  before: Opened;
  after: WizardState;
}

function Changes({ title, parts, left, right, before, after }: ChangesProps) {
  if (parts.length === 0)
    return (
      <EmptyState icon="file" title={T.nothing}>
        {T.lead}
      </EmptyState>
    );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there
    <section className="table-scroll" aria-label={title} tabIndex={0}>
      <table className="table changes">
        <thead>
          <tr>
            <th scope="col">{T.changes}</th>
            <th scope="col">{left}</th>
            <th scope="col">{right}</th>
          </tr>
        </thead>
        <tbody>
          {parts.map((part) => (
            <tr key={part}>
              <th scope="row">{T.names[part]}</th>
              <td>{spoken(part, before.state, before.mapping.version)}</td>
              <td>{spoken(part, after, null)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
