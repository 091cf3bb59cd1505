/** One of many things, each a row with its facts: arrows choose, the whole row is the target. */
import type { ReactNode } from "react";
import { RadioGroup as AriaRadioGroup, Radio } from "react-aria-components/RadioGroup";

interface RadioRowsProps<T> {
  label: string;
  /** What stands above; the first names the row. */
  columns?: string[];
  rows: T[];
  cells: (row: T) => ReactNode[];
  value: string;
  onChange: (id: string) => void;
  /** By which an error summary leads here. */
  name: string;
  error?: string;
}

export function RadioRows<T extends { id: string }>(props: RadioRowsProps<T>) {
  const { label, columns, rows, cells, value, onChange, name, error } = props;
  return (
    <AriaRadioGroup
      aria-label={label}
      name={name}
      value={value || null}
      onChange={onChange}
      isInvalid={Boolean(error)}
      className="radio-rows"
      data-columns={columns?.length ?? 1}
    >
      {columns ? (
        <div className="radio-rows-head" aria-hidden="true">
          {columns.map((column) => (
            <span key={column}>{column}</span>
          ))}
        </div>
      ) : null}
      {rows.map((row) => (
        <Radio key={row.id} value={row.id} className="radio-row">
          <span className="circle" />
          {cells(row).map((cell, place) => (
            // A row's cells never change their order.
            // biome-ignore lint/suspicious/noArrayIndexKey: as above
            <span key={place} className="radio-cell">
              {cell}
            </span>
          ))}
        </Radio>
      ))}
    </AriaRadioGroup>
  );
}
