/** Labels to choose from, with what each says; those that are chosen stand first. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSandbox } from "../../shell/page";
import { Checkbox } from "../../ui/choices";
import { ErrorPanel, Skeleton } from "../../ui/feedback";
import { SearchField } from "../../ui/SearchField";
import { visibly } from "../../ui/text";
import { labelNamesQuery } from "./queries";
import { texts } from "./texts";

const T = texts.labels;

interface LabelPickerProps {
  /** Bare names. */
  chosen: readonly string[];
  onChange: (labels: string[]) => void;
}

export function LabelPicker({ chosen, onChange }: LabelPickerProps) {
  const names = useQuery(labelNamesQuery(useSandbox()));
  const [text, setText] = useState("");
  // The order of the first look: what is ticked stays where it is.
  const [first] = useState(() => new Set(chosen));
  if (names.isPending) return <Skeleton rows={3} />;
  if (names.error)
    return <ErrorPanel what={T.readFailed} error={names.error} onRetry={() => void names.refetch()} />;
  const wanted = text.toLowerCase();
  const found = names.data
    .filter((one) => `${one.name} ${one.friendlyName} ${one.description}`.toLowerCase().includes(wanted))
    .sort((a, b) => Number(first.has(b.name)) - Number(first.has(a.name)));
  return (
    <div className="label-picker">
      <div className="tool-bar">
        <SearchField label={T.search} value={text} onChange={setText} />
        <p className="result-count" role="status">
          {T.chosen(chosen.length)}
        </p>
      </div>
      {found.length === 0 ? <p className="muted">{T.nothing}</p> : null}
      <ul className="label-list">
        {found.map((one) => (
          <li key={one.name}>
            <Checkbox
              value={chosen.includes(one.name)}
              onChange={(on) =>
                onChange(on ? [...chosen, one.name] : chosen.filter((known) => known !== one.name))
              }
              help={visibly(one.description)}
            >
              <strong>{visibly(one.name)}</strong> {visibly(one.friendlyName)}
            </Checkbox>
          </li>
        ))}
      </ul>
    </div>
  );
}
