/** The choices so far, and what is worth knowing of them. */

import { useSandbox } from "../../shell/page";
import { texts as shared } from "../../texts";
import { Icon } from "../../ui/Icon";
import { Hostile, visibly } from "../../ui/text";
import { useHealth } from "../accounts/health";
import { mappingsOf } from "../mapping/rules";
import { told } from "./FilterBuilder";
import { type Known, readColumns, scans } from "./known";
import { inWords } from "./ScheduleStep";
import { fingerprint, isBefore, type StepName, type WizardState } from "./state";
import { texts } from "./texts";

const T = texts.rail;

interface SummaryRailProps {
  state: WizardState;
  known: Known;
  step: StepName;
}

export function SummaryRail({ state, known, step }: SummaryRailProps) {
  const { healthOf } = useHealth(useSandbox());
  const { details, schedule } = state;
  const from = (name: StepName) => !isBefore(state.reached, name);
  const dataset =
    details.target === "new"
      ? details.datasetName
      : (known.datasets?.find((one) => one.id === details.datasetId)?.name ?? "");
  const read = readColumns(state, known.columns);
  const facts: [string, React.ReactNode][] = [];
  if (known.source && state.account) facts.push([T.source, visibly(known.source.title)]);
  if (known.account)
    facts.push([T.account, <Hostile key="account">{known.account.name || shared.accounts.unnamed}</Hostile>]);
  if (state.table) {
    facts.push([T.table, <Hostile key="table">{state.table}</Hostile>]);
    facts.push([
      T.columns,
      state.columns
        ? T.someColumns(state.columns.length, known.columns.length)
        : T.allColumns(known.columns.length),
    ]);
    const filter = told(state.filter, known.columns);
    if (filter !== texts.filter.none) facts.push([T.filter, <code key="filter">{filter}</code>]);
  }
  if (from("details") && dataset)
    facts.push([
      T.dataset,
      <span key="dataset">
        <Hostile>{dataset}</Hostile>{" "}
        {details.target === "new" ? <span className="chip">{T.newDataset}</span> : null}
      </span>,
    ]);
  if (from("details")) facts.push([T.write, texts.details.writes[details.writeMode]]);
  if (from("mapping")) facts.push([T.mapping, texts.fields(mappingsOf(state.mapping).length)]);
  if (from("schedule")) facts.push([T.schedule, inWords(schedule)]);

  // The review tells all of it.
  const shown = step === "review" ? [] : facts;
  const mixed = read.filter((column) => column.mixed.length > 0).length;
  const warnings = [
    state.account && healthOf(state.account).state === "failing" ? T.failingAccount : "",
    state.table && mixed > 0 ? T.mixed(mixed) : "",
    scans(state, known.columns) ? T.scan : "",
    from("details") && !details.partial ? T.noLimit : "",
    from("schedule") && schedule.kind === "once" && details.writeMode === "append" ? T.appendAgain : "",
    step === "review" && state.tried?.of !== fingerprint(state) ? T.untried : "",
  ].filter(Boolean);
  return (
    <aside className="side-panel summary-rail" aria-labelledby="rail-title">
      <h2 id="rail-title">{step === "review" ? T.warnings : T.title}</h2>
      {step !== "review" && facts.length === 0 ? <p className="muted">{T.nothing}</p> : null}
      {step === "review" && warnings.length === 0 ? <p className="muted">{T.noWarnings}</p> : null}
      {shown.length > 0 ? (
        <dl className="rail-facts">
          {shown.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      ) : null}
      {warnings.length > 0 ? (
        <>
          {step === "review" ? null : <h3>{T.warnings}</h3>}
          <ul className="rail-warnings">
            {warnings.map((warning) => (
              <li key={warning}>
                <Icon name="warn" />
                <span>{warning}</span>
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </aside>
  );
}
