/** The sample rows as they will land, and those that would be rejected. */
import { useMemo, useState } from "react";
import { Table, type TableColumn } from "../../ui/Table";
import { Tabs } from "../../ui/Tabs";
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
  const [open, setOpen] = useState("landed");
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
    <Tabs
      label={T.result.tabs}
      open={open}
      onOpen={setOpen}
      tabs={[
        {
          id: "landed",
          name: T.result.landed(landed.length),
          content: () =>
            landed.length === 0 ? (
              <p className="muted">{T.result.noneLands}</p>
            ) : (
              <Table
                label={T.result.landed(landed.length)}
                columns={columns}
                rows={landed}
                textOf={(row) => row.id}
              />
            ),
        },
        {
          id: "rejected",
          name: T.result.rejected(refused.length),
          content: () =>
            refused.length === 0 ? (
              <p className="muted">{T.result.noneRejected}</p>
            ) : (
              <Table
                label={T.result.rejected(refused.length)}
                columns={[
                  {
                    id: "#row",
                    name: T.result.row,
                    numeric: true,
                    rowHeader: true,
                    cell: (row) => row.number,
                  },
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
            ),
        },
      ]}
    />
  );
}
