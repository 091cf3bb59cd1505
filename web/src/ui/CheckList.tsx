/** The steps that the server takes to reach a source, as far as they are known. */
import type { Step } from "../api/checks";
import { texts } from "../texts";
import { duration } from "./duration";
import { Icon, type IconName } from "./Icon";
import { sentence, visibly } from "./text";

const SIGNS: Record<Step["state"], { icon: IconName; tone: string; name: string }> = {
  passed: { icon: "check", tone: "good", name: texts.check.passed },
  failed: { icon: "fail", tone: "bad", name: texts.check.failed },
  skipped: { icon: "skip", tone: "neutral", name: texts.check.skipped },
  waiting: { icon: "dot", tone: "neutral", name: texts.check.waiting },
};

export function CheckList({ steps }: { steps: Step[] }) {
  const failed = steps.find((step) => step.state === "failed");
  const done = steps.every((step) => step.state !== "waiting");
  const passed = steps.filter((step) => step.state === "passed").length;
  return (
    <>
      <ol className="check-list" aria-label={texts.check.label}>
        {steps.map((step) => {
          const sign = SIGNS[step.state];
          return (
            <li key={step.name} className={`check-step ${step.state}`}>
              <span className={`status ${sign.tone}`}>
                <Icon name={sign.icon} />
              </span>
              <div>
                <p className="check-title">
                  <span>{visibly(step.title)}</span>
                  <span className="muted">
                    {sign.name}
                    {step.durationMs === null ? "" : ` · ${duration(step.durationMs)}`}
                  </span>
                </p>
                {step.message ? (
                  <p className={step.state === "failed" ? "" : "muted"}>{sentence(step.message)}</p>
                ) : null}
                {step.warnings.map((warning) => (
                  <p key={warning} className="check-warning">
                    <Icon name="warn" />
                    {sentence(warning)}
                  </p>
                ))}
                {step.advice ? <p className="check-advice">{sentence(step.advice)}</p> : null}
              </div>
            </li>
          );
        })}
      </ol>
      <p className="visually-hidden" role="status">
        {steps.length > 0 && done
          ? failed
            ? texts.check.failedAt(failed.title)
            : texts.check.done(passed, steps.length)
          : ""}
      </p>
    </>
  );
}
