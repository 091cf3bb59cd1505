/** The third step: where the rows go, how they are written, and what becomes of those that do not fit. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useAddress } from "../../address";
import { useSandbox } from "../../shell/page";
import { Checkbox, RadioGroup, Select } from "../../ui/choices";
import { ErrorPanel, Skeleton } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { RadioRows } from "../../ui/RadioRows";
import { SearchField } from "../../ui/SearchField";
import { Hostile, visibly } from "../../ui/text";
import type { Known } from "./known";
import { KEY_KINDS, keyFields } from "./prefilling";
import { datasetsQuery, schemasQuery } from "./queries";
import { type Details, NEW, type WizardState } from "./state";
import { texts } from "./texts";
import type { StepProps } from "./Wizard";
import { WritePicture } from "./WritePicture";

const T = texts.details;
const MOST = 50;
const MOST_FIELDS = 200;
const options = (names: Record<string, string>) => Object.entries(names).map(([id, name]) => ({ id, name }));

export function DetailsStep({ state, change, known, problemOf }: StepProps) {
  const { details } = state;
  const set = (part: Partial<Details>) => change({ details: { ...details, ...part } });
  // The table's own keys are ticked once they are known, unless somebody chose otherwise.
  const mayOffer = useRef(true);
  useEffect(() => {
    if (!mayOffer.current || details.writeMode !== "upsert" || details.keys.length > 0) return;
    if (known.schemaId !== null) return;
    const keys = keyFields(known.plan.data, known.explored?.keys ?? []);
    if (keys.length === 0) return;
    mayOffer.current = false;
    set({ keys });
  });
  /** Another target has other fields: what was mapped to the one before says nothing of it. */
  const retarget = (part: Partial<Details>) => {
    mayOffer.current = true;
    change({ details: { ...details, keys: [], ...part }, mapping: NEW.mapping });
  };
  const fresh = details.target === "new";
  return (
    <div className="form">
      <fieldset className="form-section">
        <legend>{T.target}</legend>
        <RadioGroup
          label={T.target}
          hideLabel
          segmented
          value={details.target}
          onChange={(target) => retarget({ target: target as Details["target"] })}
          options={options(T.targets)}
        />
        {fresh ? (
          <NewDataset details={details} set={set} retarget={retarget} known={known} problemOf={problemOf} />
        ) : (
          <ExistingDataset
            value={details.datasetId}
            onChange={(datasetId) => retarget({ datasetId, newColumns: "ignore" })}
            error={problemOf("dataset")}
          />
        )}
      </fieldset>
      <About details={details} set={set} problemOf={problemOf} />
      <fieldset className="form-section">
        <legend>{T.write}</legend>
        <RadioGroup
          label={T.write}
          hideLabel
          value={details.writeMode}
          onChange={(mode) => {
            mayOffer.current = true;
            set({ writeMode: mode as Details["writeMode"] });
          }}
          options={(["append", "upsert"] as const).map((id) => ({
            id,
            name: T.writes[id],
            help: T.writeHelp[id],
          }))}
        />
        <WritePicture mode={details.writeMode} />
        {details.writeMode === "upsert" ? (
          <Keys
            known={known}
            value={details.keys}
            onChange={(keys) => {
              mayOffer.current = false;
              set({ keys });
            }}
            error={problemOf("keys")}
          />
        ) : null}
      </fieldset>
      <ErrorsAndChanges details={details} set={set} problemOf={problemOf} />
    </div>
  );
}

interface SectionProps {
  details: Details;
  set: (part: Partial<Details>) => void;
  problemOf: StepProps["problemOf"];
}

/** What the dataflow is called. */
export function About({ details, set, problemOf }: SectionProps) {
  return (
    <fieldset className="form-section">
      <legend>{T.about}</legend>
      <TextField
        label={T.flowName}
        name="flowName"
        value={details.flowName}
        onChange={(flowName) => set({ flowName })}
        error={problemOf("flowName") || undefined}
        required
      />
      <TextField
        label={T.flowDescription}
        value={details.flowDescription}
        onChange={(flowDescription) => set({ flowDescription })}
        required={false}
      />
    </fieldset>
  );
}

/** What becomes of rows that do not fit, and of a table that changes. */
export function ErrorsAndChanges({ details, set, problemOf }: SectionProps) {
  return (
    <>
      <fieldset className="form-section">
        <legend>{T.errors}</legend>
        <Checkbox
          value={details.partial}
          onChange={(partial) => set({ partial })}
          help={details.partial ? T.partialOn : T.partialOff}
        >
          {T.partial}
        </Checkbox>
        {details.partial ? (
          <div className="field-pair">
            <TextField
              label={T.percent}
              name="percent"
              value={details.percent}
              onChange={(percent) => set({ percent })}
              error={problemOf("percent") || undefined}
            />
            <TextField
              label={T.most}
              name="most"
              help={T.mostHelp}
              value={details.most}
              onChange={(most) => set({ most })}
              error={problemOf("most") || undefined}
              required={false}
            />
          </div>
        ) : null}
      </fieldset>
      <fieldset className="form-section">
        <legend>{T.drift}</legend>
        <div className="field-pair">
          <Select
            label={T.newColumns}
            value={details.newColumns}
            onChange={(id) => set({ newColumns: id as Details["newColumns"] })}
            options={options(T.newColumnsChoices)}
          />
          <Select
            label={T.removedColumns}
            value={details.removedColumns}
            onChange={(id) => set({ removedColumns: id as Details["removedColumns"] })}
            options={options(T.removedColumnsChoices)}
          />
          <Select
            label={T.typeChanges}
            value={details.typeChanges}
            onChange={(id) => set({ typeChanges: id as Details["typeChanges"] })}
            options={options(T.typeChangesChoices)}
          />
        </div>
      </fieldset>
    </>
  );
}

interface NewDatasetProps {
  details: WizardState["details"];
  set: (part: Partial<Details>) => void;
  retarget: (part: Partial<Details>) => void;
  known: Known;
  problemOf: StepProps["problemOf"];
}

function NewDataset({ details, set, retarget, known, problemOf }: NewDatasetProps) {
  const schemas = useQuery(schemasQuery(useSandbox()));
  const made = details.schema === "source";
  return (
    <>
      <TextField
        label={T.datasetName}
        name="datasetName"
        help={T.format}
        value={details.datasetName}
        onChange={(datasetName) =>
          set({
            datasetName,
            // They go together until somebody tells them apart.
            ...(details.schemaTitle === details.datasetName ? { schemaTitle: datasetName } : {}),
          })
        }
        error={problemOf("datasetName") || undefined}
        required
      />
      <TextField
        label={T.datasetDescription}
        value={details.datasetDescription}
        onChange={(datasetDescription) => set({ datasetDescription })}
        required={false}
      />
      <RadioGroup
        label={T.schema}
        value={details.schema}
        onChange={(schema) =>
          retarget({
            schema: schema as Details["schema"],
            newColumns: schema === "source" ? "add" : "ignore",
          })
        }
        options={options(T.schemas)}
      />
      {made ? (
        <>
          <TextField
            label={T.schemaTitle}
            name="schemaTitle"
            value={details.schemaTitle}
            onChange={(schemaTitle) => set({ schemaTitle })}
            error={problemOf("schemaTitle") || undefined}
            required
          />
          <Plan known={known} />
        </>
      ) : (
        <>
          {schemas.error ? (
            <ErrorPanel what={T.schemasFailed} error={schemas.error} onRetry={() => void schemas.refetch()} />
          ) : null}
          {schemas.data?.length === 0 ? <p className="muted">{T.noSchemas}</p> : null}
          <Select
            label={T.pickSchema}
            name="schema"
            value={details.schemaId}
            onChange={(schemaId) => retarget({ schemaId })}
            options={(schemas.data ?? []).map((one) => ({ id: one.id, name: visibly(one.title) }))}
            error={problemOf("schema") || undefined}
          />
        </>
      )}
    </>
  );
}

/** What a schema of the table's columns would have. */
function Plan({ known }: { known: Known }) {
  const { data, error, pending, retry } = known.plan;
  if (error) return <ErrorPanel what={T.planFailed} error={error} onRetry={retry} />;
  if (!data) return pending ? <Skeleton rows={1} shape="text" /> : null;
  const renamed = data.fields.filter((field) => field.reason);
  return (
    <div className="parsed">
      <p>{T.planned(data.fields.length)}</p>
      {renamed.length > 0 ? (
        <details>
          <summary>{T.renamed(renamed.length)}</summary>
          <ul className="plain-list">
            {renamed.map((field) => (
              <li key={field.path}>
                {T.renamedTo(visibly(field.source), visibly(field.path.split(".").pop() ?? ""))}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
      {data.passedOver.length > 0 ? (
        <p>
          {T.passedOver(data.passedOver.length)} <Hostile>{data.passedOver.join(", ")}</Hostile>
        </p>
      ) : null}
    </div>
  );
}

interface ExistingDatasetProps {
  value: string;
  onChange: (id: string) => void;
  error: string;
}

function ExistingDataset({ value, onChange, error }: ExistingDatasetProps) {
  const sandbox = useSandbox();
  const address = useAddress();
  const datasets = useQuery(datasetsQuery(sandbox));
  const schemas = useQuery(schemasQuery(sandbox));
  const text = address.get("dataset");
  if (datasets.error)
    return (
      <ErrorPanel what={T.datasetsFailed} error={datasets.error} onRetry={() => void datasets.refetch()} />
    );
  if (!datasets.data) return <Skeleton rows={4} />;
  if (datasets.data.length === 0) return <p className="muted">{T.datasetsNone}</p>;
  const titles = new Map(schemas.data?.map((one) => [one.id, one.title]));
  const found = datasets.data.filter((one) =>
    `${one.name} ${titles.get(one.schemaId) ?? ""}`.toLowerCase().includes(text.toLowerCase()),
  );
  const shown = found.slice(0, MOST);
  const chosen = datasets.data.find((one) => one.id === value);
  if (chosen && !shown.includes(chosen)) shown.unshift(chosen);
  return (
    <div className="stack">
      <SearchField label={T.pickDataset} value={text} onChange={(dataset) => address.set({ dataset })} />
      {shown.length === 0 ? <p className="muted">{T.noDatasetFits}</p> : null}
      <RadioRows
        label={T.datasets}
        name="dataset"
        columns={[T.datasetName, T.pickSchema]}
        rows={shown}
        value={value}
        onChange={onChange}
        error={error}
        cells={(one) => [
          <Hostile key="name">{one.name || one.id}</Hostile>,
          <Hostile key="schema">{titles.get(one.schemaId) ?? one.schemaId}</Hostile>,
        ]}
      />
      {found.length > MOST ? <p className="muted">{T.moreDatasets(found.length - MOST)}</p> : null}
      {error ? <p className="field-error">{error}</p> : null}
    </div>
  );
}

interface KeysProps {
  known: Known;
  value: string[];
  onChange: (keys: string[]) => void;
  error: string;
}

function Keys({ known, value, onChange, error }: KeysProps) {
  const [text, setText] = useState("");
  if (known.fieldsError) return <ErrorPanel what={T.fieldsFailed} error={known.fieldsError} />;
  const usable = known.fields.filter((field) => KEY_KINDS.has(field.type));
  const wanted = text.toLowerCase();
  const shown = usable
    .filter((field) => `${field.path} ${field.title ?? ""}`.toLowerCase().includes(wanted))
    // Chosen ones stand first.
    .sort((a, b) => Number(value.includes(b.path)) - Number(value.includes(a.path)))
    .slice(0, MOST_FIELDS);
  return (
    <fieldset className="field keys">
      <legend className="field-label">{T.keys}</legend>
      <span className="field-help">{T.keysHelp}</span>
      {usable.length > 8 ? <SearchField label={T.keySearch} value={text} onChange={setText} /> : null}
      <div className="key-list">
        {shown.map((field) => (
          <Checkbox
            key={field.path}
            name="keys"
            value={value.includes(field.path)}
            onChange={(on) =>
              onChange(on ? [...value, field.path] : value.filter((known_) => known_ !== field.path))
            }
          >
            <Hostile>{field.title ?? field.path}</Hostile>{" "}
            <code className="muted">{visibly(field.path)}</code>
          </Checkbox>
        ))}
      </div>
      {error ? <p className="field-error">{error}</p> : null}
    </fieldset>
  );
}
