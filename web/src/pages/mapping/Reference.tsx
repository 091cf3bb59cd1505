/** Functions, columns and operators to look up and insert. */
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useState } from "react";
import { useSandbox } from "../../shell/page";
import { ErrorPanel, Skeleton } from "../../ui/feedback";
import { SearchField } from "../../ui/SearchField";
import { Tabs } from "../../ui/Tabs";
import { Hostile } from "../../ui/text";
import { functionsQuery, operatorsQuery } from "./queries";
import { quoted, type SourceColumn } from "./rules";
import { shown } from "./targets";
import { texts as T } from "./texts";

const D = T.dialog;
const MOST = 200;

interface Entry {
  id: string;
  name: string;
  note: string;
  description: string;
  example: string;
  insert: string;
}

export function Reference({
  columns,
  onInsert,
}: {
  columns: SourceColumn[];
  onInsert: (text: string) => void;
}) {
  const sandbox = useSandbox();
  const [open, setOpen] = useState("functions");
  const functions = useQuery(functionsQuery(sandbox));
  const operators = useQuery(operatorsQuery(sandbox));
  return (
    <section className="reference" aria-label={D.reference}>
      <Tabs
        label={D.reference}
        open={open}
        onOpen={setOpen}
        tabs={[
          {
            id: "functions",
            name: D.functions,
            content: () => (
              <>
                {" "}
                {functions.error ? <ErrorPanel what={T.failed} error={functions.error} /> : null}
                {functions.isPending ? <Skeleton rows={4} shape="text" /> : null}
                <Entries
                  what={D.functions}
                  onInsert={onInsert}
                  entries={(functions.data ?? []).map((each) => ({
                    id: each.function,
                    name: each.syntax,
                    note: each.category,
                    description: each.description,
                    example: `${each.example} → ${shown(each.result)}`,
                    insert: `${each.function}()`,
                  }))}
                />
              </>
            ),
          },
          {
            id: "fields",
            name: D.fields,
            content: () => (
              <>
                {" "}
                <Entries
                  what={D.fields}
                  onInsert={onInsert}
                  entries={columns.map((column) => ({
                    id: column.name,
                    name: column.name,
                    note: column.type,
                    description: "",
                    example: "",
                    insert: quoted(column.name),
                  }))}
                />
              </>
            ),
          },
          {
            id: "operators",
            name: D.operators,
            content: () => (
              <>
                {" "}
                {operators.error ? <ErrorPanel what={T.failed} error={operators.error} /> : null}
                <Entries
                  what={D.operators}
                  onInsert={onInsert}
                  entries={(operators.data ?? []).map((each) => ({
                    id: `${each.operatorSymbol} ${each.methodName}`,
                    name: each.operatorSymbol,
                    note: "",
                    description: each.description,
                    example: each.example,
                    insert: ` ${each.operatorSymbol} `,
                  }))}
                />
              </>
            ),
          },
        ]}
      />
    </section>
  );
}

interface EntriesProps {
  what: string;
  entries: Entry[];
  onInsert: (text: string) => void;
}

function Entries({ what, entries, onInsert }: EntriesProps) {
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const words = text.toLowerCase();
  const found = entries
    .filter((entry) => `${entry.name} ${entry.note} ${entry.description}`.toLowerCase().includes(words))
    .slice(0, MOST);
  const current = Math.min(active, found.length - 1);
  // One stop on the way through the dialog, however many there are.
  const move = (event: KeyboardEvent<HTMLUListElement>) => {
    const places: Record<string, number> = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      Home: 0,
      End: found.length - 1,
    };
    const place = places[event.key];
    if (place === undefined) return;
    event.preventDefault();
    const buttons = event.currentTarget.querySelectorAll<HTMLElement>(".reference-entry");
    buttons[Math.max(0, Math.min(place, found.length - 1))]?.focus();
  };
  return (
    <>
      <SearchField label={D.find(what)} value={text} onChange={setText} />
      <ul className="reference-list" onKeyDown={move}>
        {found.map((entry, place) => (
          <li key={entry.id}>
            <button
              type="button"
              className="reference-entry"
              tabIndex={place === current ? 0 : -1}
              onFocus={() => setActive(place)}
              onClick={() => onInsert(entry.insert)}
            >
              <span className="visually-hidden">{D.insert} </span>
              <span className="reference-name">
                <code>
                  <Hostile>{entry.name}</Hostile>
                </code>
                {entry.note ? <span className="type-chip">{entry.note}</span> : null}
              </span>
              {entry.description ? <span className="muted">{entry.description}</span> : null}
              {entry.example ? <code className="muted">{entry.example}</code> : null}
            </button>
          </li>
        ))}
      </ul>
      {found.length === 0 ? <p className="muted">{T.nothingFits}</p> : null}
    </>
  );
}
