/** The sample rows as they will land, and those that would be rejected. */
import { useMemo } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components/Tabs";
import { Table, type TableColumn } from "../../ui/Table";
import { Hostile, sentence } from "../../ui/text";
import type { TriedRow } from "./queries";
import { shown, valueAt } from "./targets";
import { texts as T } from "./texts";

const MOST_COLUMNS = 40;

interface Landed {
  id: string;
  number: number;
  data: Record<string, unknown>;
}
interface Refused {
  id: string;
  number: number;
  reasons: { field: string; text: string }[];
}

const isRejected = (row: TriedRow) => Object.keys(row.data).length === 0 && (row.errors?.length ?? 0) > 0;

export function Result({ tried, paths }: { tried: TriedRow[]; paths: string[] }) {
  const landed: Landed[] = tried.flatMap((row, place) =>
    isRejected(row) ? [] : [{ id: String(place), number: place + 1, data: row.data }],
  );
  const refused: Refused[] = tried.flatMap((row, place) =>
    isRejected(row)
      ? [
          {
            id: String(place),
            number: place + 1,
            reasons: (row.errors ?? []).map((error) => ({ field: error.destination, text: error.exception })),
          },
        ]
      : [],
  );
  const told = paths.slice(0, MOST_COLUMNS).join("\n");
  const columns = useMemo<TableColumn<Landed>[]>(
    () => [
      { id: "#row", name: T.result.row, numeric: true, rowHeader: true, cell: (row) => row.number },
      ...told
        .split("\n")
        .filter(Boolean)
        .map((path) => ({
          id: path,
          name: path,
          cell: (row: Landed) => (
            <span className="sample">
              <Hostile>{shown(valueAt(row.data, path)).slice(0, 200)}</Hostile>
            </span>
          ),
        })),
    ],
    [told],
  );
  return (
    <Tabs className="tabs">
      <TabList className="tab-list" aria-label={T.result.tabs}>
        <Tab id="landed" className="tab">
          {T.result.landed(landed.length)}
        </Tab>
        <Tab id="rejected" className="tab">
          {T.result.rejected(refused.length)}
        </Tab>
      </TabList>
      <TabPanel id="landed" className="tab-panel">
        {landed.length === 0 ? (
          <p className="muted">{T.result.noneLands}</p>
        ) : (
          <Table
            label={T.result.landed(landed.length)}
            columns={columns}
            rows={landed}
            textOf={(row) => row.id}
          />
        )}
      </TabPanel>
      <TabPanel id="rejected" className="tab-panel">
        {refused.length === 0 ? (
          <p className="muted">{T.result.noneRejected}</p>
        ) : (
          <Table
            label={T.result.rejected(refused.length)}
            columns={[
              { id: "#row", name: T.result.row, numeric: true, rowHeader: true, cell: (row) => row.number },
              {
                id: "reason",
                name: T.result.reason,
                cell: (row) => (
                  <ul className="plain-list">
                    {row.reasons.map((reason) => (
                      <li key={`${reason.field}:${reason.text}`}>
                        <code>
                          <Hostile>{reason.field}</Hostile>
                        </code>
                        {": "}
                        {sentence(reason.text)}
                      </li>
                    ))}
                  </ul>
                ),
              },
            ]}
            rows={refused}
            textOf={(row) => row.id}
          />
        )}
      </TabPanel>
    </Tabs>
  );
}
