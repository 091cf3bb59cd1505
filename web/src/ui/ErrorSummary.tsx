import { useEffect, useRef } from "react";
import { texts } from "../texts";
import { Icon } from "./Icon";

export interface Problem {
  field: string;
  label: string;
  text: string;
}

/** After a refused submit the focus comes here; each line leads to its field. `attempt` counts the submits. */
export function ErrorSummary({ problems, attempt }: { problems: Problem[]; attempt: number }) {
  const summary = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt brings the focus back
  useEffect(() => summary.current?.focus(), [attempt]);
  if (problems.length === 0) return null;
  return (
    <section
      className="error-panel"
      ref={summary}
      tabIndex={-1}
      aria-label={texts.newAccount.summary(problems.length)}
    >
      <Icon name="fail" />
      <div>
        <h2>{texts.newAccount.summary(problems.length)}</h2>
        <ul className="plain-list">
          {problems.map((problem) => (
            <li key={problem.field}>
              <button
                type="button"
                className="link"
                onClick={() =>
                  document
                    .querySelector<HTMLElement>(
                      `[name="${problem.field}"]:not([aria-hidden]), [data-field="${problem.field}"]`,
                    )
                    ?.focus()
                }
              >
                {problem.label}: {problem.text}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
