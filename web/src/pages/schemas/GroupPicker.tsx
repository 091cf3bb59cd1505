/** Field groups to choose from, your own ones first. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSandbox } from "../../shell/page";
import { Checkbox } from "../../ui/choices";
import { ErrorPanel, Skeleton } from "../../ui/feedback";
import { SearchField } from "../../ui/SearchField";
import { visibly } from "../../ui/text";
import { knownQuery } from "./queries";
import { texts } from "./texts";

const T = texts.addGroups;
// What classes and other field groups bring along by themselves.
const PARTS = /\/(common|data)\/(auditable|extensible)$/;

interface GroupPickerProps {
  chosen: string[];
  /** Those that are there already are not offered. */
  without: string[];
  onChange: (ids: string[]) => void;
}

export function GroupPicker({ chosen, without, onChange }: GroupPickerProps) {
  const groups = useQuery(knownQuery(useSandbox(), "fieldgroups"));
  const [text, setText] = useState("");
  if (groups.isPending) return <Skeleton rows={3} />;
  if (groups.error)
    return <ErrorPanel what={T.failed} error={groups.error} onRetry={() => void groups.refetch()} />;
  const offered = [
    { title: T.own, groups: groups.data.own },
    { title: T.standard, groups: groups.data.standard },
  ].map((part) => ({
    ...part,
    groups: part.groups.filter(
      (group) =>
        !without.includes(group.$id) &&
        !PARTS.test(group.$id) &&
        `${group.title} ${group.description ?? ""}`.toLowerCase().includes(text.toLowerCase()),
    ),
  }));
  return (
    <div className="group-picker">
      <div className="tool-bar">
        <SearchField label={T.search} value={text} onChange={setText} />
        <p className="result-count" role="status">
          {T.chosen(chosen.length)}
        </p>
      </div>
      {offered.every((part) => part.groups.length === 0) ? <p className="muted">{T.nothing}</p> : null}
      <div className="group-list">
        {offered.map((part) =>
          part.groups.length > 0 ? (
            <fieldset key={part.title}>
              <legend className="side-title">{part.title}</legend>
              {part.groups.map((group) => (
                <Checkbox
                  key={group.$id}
                  value={chosen.includes(group.$id)}
                  onChange={(on) =>
                    onChange(on ? [...chosen, group.$id] : chosen.filter((id) => id !== group.$id))
                  }
                  help={group.description ? visibly(group.description) : undefined}
                >
                  {visibly(group.title)}
                </Checkbox>
              ))}
            </fieldset>
          ) : null,
        )}
      </div>
    </div>
  );
}
