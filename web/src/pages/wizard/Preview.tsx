/** Rows of a table as the source has them, with what is known of each column. */
import { useState } from "react";
import { Button } from "../../ui/Button";
import { Checkbox } from "../../ui/choices";
import { CopyButton, EmptyState } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Dialog } from "../../ui/overlays";
import { Hostile, visibly } from "../../ui/text";
import type { Column } from "./queries";
import { texts } from "./texts";

const T = texts.select;
const PINNED = new Set(["PartitionKey", "RowKey"]);
const LONG = 60;

const shown = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);

interface PreviewProps {
  table: string;
  columns: Column[];
  rows: Record<string, unknown>[];
  note: string;
  /** Whether the rows are those that a filter lets pass. */
  filtered: boolean;
  /** The columns that are read; null: all. */
  chosen: string[] | null;
  problem: string;
  onChoose: (columns: string[] | null) => void;
}

export function Preview({ table, columns, rows, note, filtered, chosen, problem, onChoose }: PreviewProps) {
  const [whole, setWhole] = useState<{ column: string; value: string } | null>(null);
  const reads = (name: string) => chosen === null || chosen.includes(name);
  const toggle = (name: string) => {
    const now = columns
      .map((column) => column.name)
      .filter((one) => (one === name ? !reads(one) : reads(one)));
    onChoose(now.length === columns.length ? null : now);
  };
  return (
    <div className="preview">
      <div className="panel-title">
        <h3>{T.preview}</h3>
        <span className="muted">
          {chosen === null ? T.columnsAll : T.columnsSome(chosen.length, columns.length)}
          {chosen === null ? null : (
            <>
              {" "}
              <Button size="small" look="quiet" onPress={() => onChoose(null)}>
                {T.all}
              </Button>
            </>
          )}
        </span>
      </div>
      <p className="muted" role="status">
        {note}
      </p>
      {problem ? <p className="field-error">{problem}</p> : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there */}
      <section className="table-scroll grid-scroll" aria-label={T.previewOf(visibly(table))} tabIndex={0}>
        <table className="table preview-table">
          <thead>
            <tr>
              {columns.map((column) => (
                <th
                  key={column.name}
                  scope="col"
                  className={pinned(column.name)}
                  data-out={!reads(column.name) || undefined}
                >
                  <Heading column={column} reads={reads(column.name)} onToggle={() => toggle(column.name)} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, place) => (
              // Rows of a sample are never put in another order.
              // biome-ignore lint/suspicious/noArrayIndexKey: as above
              <tr key={place}>
                {columns.map((column) => (
                  <td
                    key={column.name}
                    className={pinned(column.name)}
                    data-out={!reads(column.name) || undefined}
                  >
                    <Value
                      value={row[column.name]}
                      onWhole={(value) => setWhole({ column: column.name, value })}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {rows.length === 0 && filtered ? (
        <EmptyState icon="search" title={T.noPassTitle}>
          {T.noPass}
        </EmptyState>
      ) : null}
      {whole ? (
        <Dialog
          title={T.wholeTitle(visibly(whole.column))}
          isOpen
          onClose={() => setWhole(null)}
          size="large"
          footer={<CopyButton text={whole.value} label={T.copyValue} />}
        >
          <div className="code">
            <Hostile>{whole.value}</Hostile>
          </div>
        </Dialog>
      ) : null}
    </div>
  );
}

const pinned = (name: string) => (PINNED.has(name) ? `pinned ${name.toLowerCase()}` : "");

function Heading({ column, reads, onToggle }: { column: Column; reads: boolean; onToggle: () => void }) {
  return (
    <div className="preview-heading">
      <Checkbox value={reads} onChange={onToggle} label={T.include(visibly(column.name))}>
        <Hostile>{column.name}</Hostile>
      </Checkbox>
      <span className="muted">
        <code>{visibly(column.type)}</code>
        {column.coverage === null ? null : ` · ${T.filled(column.coverage)}`}
      </span>
      {column.mixed.length > 0 ? (
        <span className="mixed">
          <Icon name="warn" />
          {T.mixed(visibly(column.mixed.join(", ")))}
        </span>
      ) : null}
    </div>
  );
}

function Value({ value, onWhole }: { value: unknown; onWhole: (value: string) => void }) {
  const text = shown(value);
  if (value === undefined || value === null) return <span className="muted no-value">{T.noValue}</span>;
  if (text.length <= LONG) return <Hostile>{text}</Hostile>;
  return (
    <button type="button" className="link whole" onClick={() => onWhole(text)} title={T.whole}>
      <Hostile>{`${text.slice(0, LONG)}…`}</Hostile>
    </button>
  );
}
