/** Which mappings that come from elsewhere fit the source and the schema at hand, told before any is taken over. */
import { Hostile } from "../../ui/text";
import type { Rule, SourceColumn, TargetField } from "./rules";
import { texts } from "./texts";

const T = texts.fit;

export interface Fit {
  fitting: Rule[];
  lacking: { rule: Rule; why: string }[];
}

export function fitOf(rules: Rule[], columns: SourceColumn[], fields: TargetField[]): Fit {
  const names = new Set(columns.map((column) => column.name));
  const paths = new Set(fields.map((field) => field.path));
  const told = rules.map((rule) => ({
    rule,
    why:
      rule.kind === "field" && !names.has(rule.source)
        ? T.noColumn
        : !paths.has(rule.destination) && !rule.destination.includes("[")
          ? T.noField
          : "",
  }));
  return {
    fitting: told.filter(({ why }) => !why).map(({ rule }) => rule),
    lacking: told.filter(({ why }) => why),
  };
}

export function FitTold({ fit: { fitting, lacking } }: { fit: Fit }) {
  return (
    <div role="status">
      <p>
        {T.fits(fitting.length, fitting.length + lacking.length)} {T.replaced}
      </p>
      {lacking.length > 0 ? (
        <>
          <p>{T.lacks}</p>
          <ul className="plain-list">
            {lacking.map(({ rule, why }) => (
              <li key={rule.id}>
                <code>
                  <Hostile>{`${rule.source} → ${rule.destination}`}</Hostile>
                </code>
                {`: ${why}`}
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </div>
  );
}
