/** The figures of the span. Each is a link to the table with what it counts. */
import { Link } from "../../ui/Button";
import { duration } from "../../ui/duration";
import { Icon, type IconName } from "../../ui/Icon";
import { type Monitored, runsIn } from "./queries";
import { texts } from "./texts";

const T = texts.card;

interface CardsProps {
  told: Monitored;
  /** The filter that is on. */
  only: string;
  view: string;
  /** The address of the page with these parameters. */
  to: (change: Record<string, string>) => string;
}

interface Card {
  id: string;
  name: string;
  value: number;
  note: string;
  icon: IconName;
  alarming: boolean;
  change: Record<string, string>;
}

const share = (part: number, whole: number) =>
  whole ? `${((100 * part) / whole).toFixed(part === whole || part === 0 ? 0 : 1)} %` : "0 %";

export function Cards({ told, only, view, to }: CardsProps) {
  const { totals } = told;
  const latest = Math.max(0, ...told.flows.map((flow) => flow.lateByMs ?? 0));
  const flows = { view: "", account: "", flow: "" };
  const cards: Card[] = [
    {
      id: "received",
      name: T.received,
      value: totals.received,
      note: texts.cardNote.received(runsIn(totals.runs)),
      icon: "down",
      alarming: false,
      change: { ...flows, only: "", sort: "-received" },
    },
    {
      id: "ingested",
      name: T.ingested,
      value: totals.ingested,
      note: texts.cardNote.ingested(share(totals.ingested, totals.received)),
      icon: "check",
      alarming: false,
      change: { ...flows, only: "", sort: "-ingested" },
    },
    {
      id: "rejecting",
      name: T.rejected,
      value: totals.rejected,
      note: texts.cardNote.rejected(share(totals.rejected, totals.received)),
      icon: "warn",
      alarming: totals.rejected > 0,
      change: { ...flows, only: "rejecting", sort: "-rejected" },
    },
    {
      id: "failing",
      name: T.failing,
      value: told.flowsFailing,
      note: texts.cardNote.flows(told.flowCount),
      icon: "fail",
      alarming: told.flowsFailing > 0,
      change: { ...flows, only: "failing", sort: "" },
    },
    {
      id: "late",
      name: T.late,
      value: told.flowsLate,
      note:
        latest > 0
          ? texts.cardNote.lateBy(duration(latest), told.flowCount)
          : texts.cardNote.flows(told.flowCount),
      icon: "clock",
      alarming: told.flowsLate > 0,
      change: { ...flows, only: "late", sort: "-lateBy" },
    },
    {
      id: "running",
      name: T.running,
      value: totals.runs.inProgress,
      note: texts.cardNote.waiting(totals.runs.scheduled),
      icon: "pulse",
      alarming: false,
      change: { view: "runs", only: "running", account: "", flow: "", sort: "" },
    },
  ];
  return (
    <nav aria-label={texts.cards}>
      <ul className="metric-cards">
        {cards.map((card) => {
          const on = card.id === only && (card.id === "running") === (view === "runs");
          return (
            <li key={card.id}>
              {/* Once it is on, the same press takes it off again. */}
              <Link
                to={to(on ? { ...card.change, only: "", view: "", sort: "" } : card.change)}
                className={`metric-card ${card.alarming ? "alarming" : ""}`}
                current={on}
              >
                <span className="metric-name">
                  <Icon name={card.icon} />
                  {card.name}
                </span>
                <span className="metric-value">{card.value.toLocaleString()}</span>
                <span className="metric-note">{card.note}</span>
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
