/** The steps of a form: which are done, which is current, and links to those that were reached. */
import type { ReactNode } from "react";
import { Link } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { isBefore, type StepName } from "./state";
import { texts } from "./texts";

interface StepListProps {
  steps: readonly StepName[];
  step: StepName;
  reached: StepName;
  to: (step: StepName) => string;
  wrong: boolean;
}

export function StepList({ steps, step, reached, to, wrong }: StepListProps) {
  return (
    <nav className="steps" aria-label={texts.stepsLabel}>
      <ol>
        {steps.map((name, place) => {
          const current = name === step;
          const done = !current && !isBefore(reached, name);
          const sign: ReactNode = done ? (
            <Icon name="check" />
          ) : current && wrong ? (
            <Icon name="warn" />
          ) : (
            place + 1
          );
          const inside = (
            <>
              <span className="step-sign">{sign}</span>
              <span className="step-name">{texts.steps[name]}</span>
            </>
          );
          return (
            <li key={name} className={current ? "step current" : done ? "step done" : "step"}>
              {done ? (
                <Link to={to(name)} className="step-link">
                  {inside}
                </Link>
              ) : (
                <span className="step-link" {...(current ? { "aria-current": "step" as const } : {})}>
                  {inside}
                </span>
              )}
            </li>
          );
        })}
      </ol>
    </nav>
  );
}
