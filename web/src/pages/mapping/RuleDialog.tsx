/** One mapping: where the value comes from, where it goes, and what if it cannot be taken; with results as one types. */
import { useQuery } from "@tanstack/react-query";
import { Suspense, useMemo, useRef, useState } from "react";
import { partOf } from "../../loading";
import { useSettled } from "../../settled";
import { useSandbox } from "../../shell/page";
import { Button } from "../../ui/Button";
import { RadioGroup, Select } from "../../ui/choices";
import { ErrorPanel, Skeleton } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { Dialog } from "../../ui/overlays";
import { sentence } from "../../ui/text";
import type { EditorHandle } from "./ExpressionEditor";
import { Picker } from "./Picker";
import { functionsQuery, previewQuery, spoken, type Target, validationQuery } from "./queries";
import { Reference } from "./Reference";
import type { MappingState, Rule, RuleKind, SourceColumn, TargetField } from "./rules";
import { TriedValues } from "./TriedValues";
import { FIELD_TYPES, nodeOf } from "./targets";
import { texts as T } from "./texts";

const ExpressionEditor = partOf(() => import("./ExpressionEditor"));
const D = T.dialog;
const LONGEST = 4_096;
const TRIED = 20;
const NEW_FIELD = "\u0000new";
const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const RESULT = "result";

interface RuleDialogProps {
  rule: Rule;
  isNew: boolean;
  rules: Rule[];
  columns: SourceColumn[];
  rows: Record<string, unknown>[];
  fields: TargetField[];
  /** Whether the schema is yet to be made, and may get further fields. */
  mayAddFields: boolean;
  onClose: () => void;
  onSave: (rule: Rule, added: TargetField | null) => void;
}

export default function RuleDialog(props: RuleDialogProps) {
  const { rule, isNew, rules, columns, rows, fields, mayAddFields, onClose, onSave } = props;
  const sandbox = useSandbox();
  const [kind, setKind] = useState<RuleKind>(rule.kind);
  const [sources, setSources] = useState<Record<RuleKind, string>>({
    field: "",
    calculated: "",
    constant: "",
    [rule.kind]: rule.source,
  });
  const [destination, setDestination] = useState(rule.destination);
  const [onError, setOnError] = useState<"null" | "reject">(rule.onError ?? "null");
  const [name, setName] = useState("");
  const [type, setType] = useState("string");
  const [tried, setTried] = useState(false);
  const editor = useRef<EditorHandle | null>(null);
  const functions = useQuery(functionsQuery(sandbox));

  const source = sources[kind];
  const isNewField = destination === NEW_FIELD;
  // A new field stands beside the others of the schema that is to be made.
  const parent = (fields[0]?.path ?? "").split(".").slice(0, -1).join(".");
  const path = isNewField ? (parent ? `${parent}.${name}` : name) : destination;
  const field = fields.find((each) => each.path === path);
  const fieldType = isNewField ? type : (field?.type ?? "string");

  const problems = {
    source: source.trim() ? (source.length > LONGEST ? D.tooLong : "") : D.sourceMissing,
    destination: destination
      ? rules.some((each) => each.id !== rule.id && !each.suggestion && each.destination === path)
        ? D.taken
        : ""
      : D.targetMissing,
    name: !isNewField
      ? ""
      : !NAME.test(name)
        ? D.nameBad
        : fields.some((each) => each.path.toLowerCase() === path.toLowerCase())
          ? D.nameTaken
          : "",
  };

  // Tried alone, on a field of the same kind: what else is wrong with the mapping does not matter here.
  const state = useMemo<MappingState>(
    () => ({
      rules: source.trim() ? [{ id: "tried", kind, source, destination: RESULT, onError: "null" }] : [],
      suggested: true,
    }),
    [kind, source],
  );
  const settled = useSettled(state, 200);
  const target = useMemo<Target>(
    () => ({
      fields: [{ path: RESULT, type: fieldType, node: nodeOf(field ?? { path: RESULT, type: fieldType }) }],
    }),
    [field, fieldType],
  );
  const sample = useMemo(() => rows.slice(0, TRIED), [rows]);
  const validation = useQuery(validationQuery(sandbox, target, settled.rules, columns));
  const fault = validation.data?.get("tried");
  const isSound = settled.rules.length > 0 && validation.data !== undefined && !fault;
  const preview = useQuery({
    ...previewQuery(sandbox, target, settled, sample),
    enabled: isSound && sample.length > 0 && !validation.isPlaceholderData,
  });

  const save = () => {
    setTried(true);
    if (problems.source || problems.destination || problems.name) return;
    const saved: Rule = { id: rule.id, kind, source: source.trim(), destination: path, onError };
    onSave(saved, isNewField ? { path, type, title: name } : null);
  };
  const columnChoices = columns.map((column) => ({ id: column.name, name: column.name, note: column.type }));
  const fieldChoices = [
    ...(mayAddFields ? [{ id: NEW_FIELD, name: D.newField, note: "" }] : []),
    ...fields.map((each) => ({
      id: each.path,
      name: each.path,
      note: each.type,
      required: Boolean(each.required),
    })),
  ];

  return (
    <Dialog
      title={isNew ? D.add : D.edit}
      isOpen
      stays
      size={kind === "calculated" ? "wide" : "large"}
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{T.cancel}</Button>
          <Button look="primary" onPress={save}>
            {D.save}
          </Button>
        </>
      }
    >
      <div className={kind === "calculated" ? "rule-dialog with-reference" : "rule-dialog"}>
        <div className="form">
          <div className="field">
            <span className="field-label">{D.target}</span>
            <Picker
              label={D.target}
              find={T.findField}
              placeholder={T.chooseTarget}
              value={isNewField ? D.newField : destination}
              note={destination && !isNewField ? fieldType : ""}
              choices={fieldChoices}
              onChoose={setDestination}
            />
            {tried && problems.destination ? (
              <p className="field-error" role="alert">
                {problems.destination}
              </p>
            ) : null}
          </div>
          {isNewField ? (
            <div className="field-pair">
              <TextField
                label={D.newName}
                value={name}
                onChange={setName}
                error={tried || name ? problems.name : ""}
                required
              />
              <Select
                label={D.newType}
                value={type}
                onChange={setType}
                options={FIELD_TYPES.map((id) => ({ id, name: id }))}
              />
            </div>
          ) : null}
          <RadioGroup
            segmented
            label={D.kind}
            value={kind}
            onChange={(next) => setKind(next as RuleKind)}
            options={(["field", "calculated", "constant"] as const).map((id) => ({ id, name: D.kinds[id] }))}
          />
          {kind === "field" ? (
            <div className="field">
              <span className="field-label">{D.column}</span>
              <Picker
                label={D.column}
                find={T.findColumn}
                placeholder={T.chooseSource}
                value={source}
                note={columns.find((column) => column.name === source)?.type ?? ""}
                choices={columnChoices}
                onChoose={(next) => setSources({ ...sources, field: next })}
              />
            </div>
          ) : null}
          {kind === "constant" ? (
            <TextField
              label={D.constant}
              value={source}
              onChange={(next) => setSources({ ...sources, constant: next })}
              help={D.constantHelp}
            />
          ) : null}
          {kind === "calculated" ? (
            <Suspense fallback={<Skeleton rows={2} shape="text" />}>
              <ExpressionEditor
                label={D.expression}
                value={source}
                onChange={(next) => setSources({ ...sources, calculated: next })}
                functions={functions.data ?? []}
                columns={columns}
                fault={fault?.message ?? ""}
                handle={editor}
              />
            </Suspense>
          ) : null}
          {tried && problems.source ? (
            <p className="field-error" role="alert">
              {problems.source}
            </p>
          ) : null}
          {source && fault ? (
            <p className="field-error rule-fault" role="status">
              {/* It was tried on a field of another name. */}
              {spoken({ ...fault, message: fault.message.replace(`'${RESULT}'`, `'${path || D.target}'`) })}.{" "}
              {sentence(fault.advice)}
            </p>
          ) : null}
          <RadioGroup
            label={D.onError}
            value={onError}
            onChange={(next) => setOnError(next as "null" | "reject")}
            options={[
              { id: "null", name: D.onErrors.null, help: D.onErrors.nullHelp },
              { id: "reject", name: D.onErrors.reject, help: D.onErrors.rejectHelp },
            ]}
          />
        </div>
        {kind === "calculated" ? (
          <Reference columns={columns} onInsert={(text) => editor.current?.insert(text)} />
        ) : null}
        <div className="rule-results">
          <h3>{D.results}</h3>
          {validation.error ? <ErrorPanel what={T.failed} error={validation.error} /> : null}
          {preview.error ? <ErrorPanel what={T.previewFailed} error={preview.error} /> : null}
          {isSound && preview.data ? (
            <TriedValues rule={settled.rules[0]} columns={columns} rows={sample} tried={preview.data} />
          ) : (
            <p className="muted">{D.typing}</p>
          )}
        </div>
      </div>
    </Dialog>
  );
}
