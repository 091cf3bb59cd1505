/** Which mappings that come from elsewhere fit the source and the schema at hand, told before any is taken over. */
import type { ReactNode } from "react";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/overlays";
import { Hostile } from "../../ui/text";
import type { Rule, SourceColumn, TargetField } from "./rules";
import { texts } from "./texts";

const T = texts.fit;

interface Fit {
  fitting: Rule[];
  lacking: { rule: Rule; why: string }[];
}

function fitOf(rules: Rule[], columns: SourceColumn[], fields: TargetField[]): Fit {
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

function FitTold({ fit: { fitting, lacking } }: { fit: Fit }) {
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

interface TakeOverProps {
  title: string;
  /** Those that were found; undefined before that. */
  rules: Rule[] | undefined;
  columns: SourceColumn[];
  fields: TargetField[];
  onClose: () => void;
  onTake: (rules: Rule[]) => void;
  /** Where they come from. */
  children: ReactNode;
}

/** Asks where mappings come from, says which of them fit, and takes those over. */
export function TakeOver({ title, rules, columns, fields, onClose, onTake, children }: TakeOverProps) {
  const fit = rules ? fitOf(rules, columns, fields) : null;
  const fitting = fit?.fitting ?? [];
  return (
    <Dialog
      title={title}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{texts.cancel}</Button>
          <Button look="primary" isDisabled={fitting.length === 0} onPress={() => onTake(fitting)}>
            {T.apply(fitting.length)}
          </Button>
        </>
      }
    >
      <div className="form">
        {children}
        {fit ? <FitTold fit={fit} /> : null}
      </div>
    </Dialog>
  );
}
