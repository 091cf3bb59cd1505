/** Which column feeds which field, by what rule, and what becomes of the sample. */
import { useQuery } from "@tanstack/react-query";
import { Suspense, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useAddress } from "../../address";
import { send } from "../../api/client";
import { partOf } from "../../loading";
import { saveFile } from "../../saveFile";
import { useSandbox } from "../../shell/page";
import { Button, IconButton } from "../../ui/Button";
import { EmptyState, ErrorPanel, NothingFound, Skeleton } from "../../ui/feedback";
import { Menu } from "../../ui/overlays";
import { SearchField } from "../../ui/SearchField";
import { sentence, visibly } from "../../ui/text";
import { useHistory } from "./history";
import { type GridActs, type GridRow, MappingGrid } from "./MappingGrid";
import "./mapping.css";
import { useSettled } from "../../settled";
import {
  mappingCalls,
  previewQuery,
  schemaFieldsQuery,
  spoken,
  suggested,
  type Target,
  TRIED,
  validationQuery,
} from "./queries";
import { Result } from "./Result";
import {
  byName,
  type MappingState,
  mappedColumns,
  missingFields,
  newId,
  type Rule,
  type SourceColumn,
  type TargetField,
} from "./rules";
import { texts as T } from "./texts";

const RuleDialog = partOf(() => import("./RuleDialog"));
const CopyDialog = partOf(() => import("./CopyDialog"));
const ImportDialog = partOf(() => import("./ImportDialog"));

export type { MappingState, Rule, SourceColumn, TargetField } from "./rules";
export { mappingsOf, ruleOf, wireOf } from "./rules";

export interface MappingStepProps {
  columns: SourceColumn[];
  /** A sample of the source. */
  rows: Record<string, unknown>[];
  /** `$id` of the target's schema; null where it is yet to be made, with `targetFields`. */
  schemaId: string | null;
  targetFields?: TargetField[];
  writeMode: "append" | "upsert";
  /** Paths of the fields that tell rows apart. */
  keys?: string[];
  /** Where the columns come from, for better suggestions. */
  source?: { connectionId: string; object: string };
  value: MappingState;
  onChange: (next: MappingState) => void;
  /** Told whenever the number of what blocks going on changes. */
  problems?: (count: number) => void;
}

const SHOWS = ["all", "mapped", "suggested", "required", "errors", "warnings", "unmapped"] as const;
type Show = (typeof SHOWS)[number];
const NO_FAULTS = new Map<string, never>();

export function MappingStep(props: MappingStepProps) {
  const { columns, rows, schemaId, targetFields, keys = [], value, onChange, problems } = props;
  const sandbox = useSandbox();
  const address = useAddress();
  const past = useHistory(value, onChange);
  const [edited, setEdited] = useState<Rule | null>(null);
  const [taking, setTaking] = useState<"flow" | "table" | null>(null);
  const [exportError, setExportError] = useState<unknown>(null);
  const [place, setPlace] = useState(0);
  const [sought, setSought] = useState<{ id: string } | null>(null);
  const [suggestError, setSuggestError] = useState<unknown>(null);
  const frame = useRef<HTMLDivElement>(null);

  const known = useQuery(schemaFieldsQuery(sandbox, schemaId));
  const fields = useMemo(
    () => (schemaId === null ? [...(targetFields ?? []), ...(value.added ?? [])] : (known.data ?? [])),
    [schemaId, targetFields, value.added, known.data],
  );
  const target = useMemo<Target>(() => (schemaId === null ? { fields } : { schemaId }), [schemaId, fields]);
  const finished = useMemo(
    () => value.rules.filter((rule) => !rule.suggestion && rule.source && rule.destination),
    [value.rules],
  );
  const settled = useSettled(finished, 250);
  const settledState = useMemo<MappingState>(() => ({ rules: settled, suggested: true }), [settled]);
  const validation = useQuery(validationQuery(sandbox, target, settled, columns));
  const faults = validation.data ?? NO_FAULTS;
  const sound = useMemo<MappingState>(
    () => ({ ...settledState, rules: settled.filter((rule) => !faults.has(rule.id)) }),
    [settledState, settled, faults],
  );
  const preview = useQuery({
    ...previewQuery(sandbox, target, sound, rows),
    enabled: sound.rules.length > 0 && rows.length > 0 && validation.isFetched,
  });

  // Proposals come once, on entry; nothing of them counts before it is accepted.
  const asked = useRef(false);
  const suggest = async () => {
    setSuggestError(null);
    if (schemaId === null) return;
    try {
      const proposals = await suggested(sandbox, schemaId, props.source ?? null, columns);
      const taken = new Set(value.rules.map((rule) => rule.destination));
      const fresh = proposals.filter((rule) => !taken.has(rule.destination));
      onChange({ ...value, rules: [...value.rules, ...fresh], suggested: true });
    } catch (error) {
      setSuggestError(error);
    }
  };
  useEffect(() => {
    if (value.suggested || asked.current || schemaId === null || columns.length === 0) return;
    asked.current = true;
    void suggest();
  });

  const columnsByName = useMemo(() => new Map(columns.map((column) => [column.name, column])), [columns]);
  const byPath = useMemo(() => new Map(fields.map((field) => [field.path, field])), [fields]);
  const columnChoices = useMemo(
    () => columns.map((column) => ({ id: column.name, name: column.name, note: column.type })),
    [columns],
  );
  const fieldChoices = useMemo(
    () =>
      // What must be there comes first.
      [...fields]
        .sort((a, b) => Number(Boolean(b.required)) - Number(Boolean(a.required)))
        .map((field) => ({
          id: field.path,
          name: field.path,
          note: field.type,
          required: Boolean(field.required),
        })),
    [fields],
  );
  const missing = useMemo(() => missingFields(value.rules, fields), [value.rules, fields]);
  const used = useMemo(() => mappedColumns(value.rules), [value.rules]);
  const unmapped = useMemo(() => columns.filter((column) => !used.has(column.name)), [columns, used]);
  const failing = useMemo(() => {
    const counts = new Map<string, number>();
    for (const row of preview.data ?? [])
      for (const path of new Set(row.errors?.map((error) => error.destination)))
        counts.set(path, (counts.get(path) ?? 0) + 1);
    return counts;
  }, [preview.data]);

  const groups = useMemo<Record<Show, GridRow[]>>(() => {
    const ruleRows = value.rules.map((rule, at): GridRow & { kind: "rule" } => ({
      id: rule.id,
      kind: "rule",
      rule,
      number: at + 1,
      failing: failing.get(rule.destination) ?? 0,
      ...(faults.has(rule.id) ? { fault: faults.get(rule.id) } : {}),
    }));
    const openRows = missing.map(
      (field): GridRow => ({ id: `required:${field.path}`, kind: "required", field }),
    );
    return {
      all: [...ruleRows, ...openRows],
      mapped: ruleRows.filter((row) => !row.rule.suggestion),
      suggested: ruleRows.filter((row) => row.rule.suggestion),
      required: openRows,
      errors: ruleRows.filter((row) => row.fault),
      warnings: ruleRows.filter((row) => !row.fault && row.failing > 0),
      unmapped: unmapped.map(
        (column): GridRow => ({ id: `column:${column.name}`, kind: "unmapped", column }),
      ),
    };
  }, [value.rules, missing, unmapped, faults, failing]);
  const openRows = groups.required;
  const show = (SHOWS as readonly string[]).includes(address.get("show"))
    ? (address.get("show") as Show)
    : "all";
  const [text, setText] = useSearchText();
  const words = useDeferredValue(text).toLowerCase();
  const shownRows = useMemo(
    () => groups[show].filter((row) => !words || wordsOf(row).includes(words)),
    [groups, show, words],
  );
  const clearFilters = () => {
    setText("");
    address.set({ show: "", q: "" });
  };
  const unfinished = value.rules.filter(
    (rule) => !rule.suggestion && !(rule.source && rule.destination),
  ).length;
  const blocking = faults.size + missing.length + unfinished + (finished.length === 0 ? 1 : 0);
  useEffect(() => problems?.(blocking), [blocking, problems]);

  const setRules = (rules: Rule[]) => past.change({ ...value, rules });
  const made: GridActs = {
    change: (id, change) =>
      setRules(
        value.rules.map((rule) => (rule.id === id ? { ...rule, ...change, suggestion: undefined } : rule)),
      ),
    accept: (id) =>
      setRules(value.rules.map((rule) => (rule.id === id ? { ...rule, suggestion: undefined } : rule))),
    remove: (id) => setRules(value.rules.filter((rule) => rule.id !== id)),
    move: (id, by) => {
      const at = value.rules.findIndex((rule) => rule.id === id);
      const next = [...value.rules];
      const [moved] = next.splice(at, 1);
      if (moved) next.splice(Math.max(0, at + by), 0, moved);
      setRules(next);
    },
    edit: (id) => setEdited(value.rules.find((rule) => rule.id === id) ?? null),
    create: (start) => {
      const rule: Rule = {
        id: newId(),
        kind: "field",
        source: "",
        destination: "",
        onError: "null",
        ...start,
      };
      if (rule.source && rule.destination) setRules([...value.rules, rule]);
      else setEdited(rule);
    },
  };
  const acts = useLatest(made);
  const mapByName = () => {
    const taken = new Set(value.rules.map((rule) => rule.destination));
    setRules([...value.rules, ...byName(columns, fields).filter((rule) => !taken.has(rule.destination))]);
  };
  const take = (rules: Rule[]) => {
    const replaced = new Set(rules.map((rule) => rule.destination));
    setRules([...value.rules.filter((rule) => !replaced.has(rule.destination)), ...rules]);
    setTaking(null);
  };
  const exported = async () => {
    setExportError(null);
    try {
      const call = mappingCalls.writeTable({ rules: finished, suggested: true });
      saveFile("mappings.csv", "text/csv", (await send<{ table: string }>(call, sandbox)).table);
    } catch (error) {
      setExportError(error);
    }
  };
  const proposals = groups.suggested.length;
  const focusProblem = () => {
    const list = [...groups.errors, ...openRows, ...groups.warnings];
    const current = document.activeElement?.closest("[role=row]")?.getAttribute("data-key");
    const next = list[(list.findIndex((row) => row.id === current) + 1) % Math.max(list.length, 1)];
    if (!next) return;
    if (show !== "all" || words) clearFilters();
    setSought({ id: next.id });
  };

  if (schemaId !== null && known.isPending) return <Skeleton />;
  if (schemaId !== null && known.error)
    return <ErrorPanel what={T.schemaFailed} error={known.error} onRetry={() => void known.refetch()} />;

  const sampleRow = rows[Math.min(place, rows.length - 1)];
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset groups fields of a form
    <div
      className="mapping"
      role="group"
      aria-label={T.grid}
      ref={frame}
      onKeyDown={(event) => {
        const inText = (event.target as HTMLElement).closest("input, textarea, [contenteditable]");
        const key = event.key.toLowerCase();
        if (event.key === "F8") focusProblem();
        else if (!inText && (event.ctrlKey || event.metaKey) && key === "z")
          event.shiftKey ? past.redo() : past.undo();
        else if (!inText && event.ctrlKey && key === "y") past.redo();
        else return;
        event.preventDefault();
      }}
    >
      <ul className="mapping-counters" aria-label={T.show}>
        {SHOWS.map((id) => (
          <li key={id}>
            <button
              type="button"
              className={`counter ${id} ${groups[id].length > 0 ? "some" : ""}`}
              aria-pressed={show === id}
              onClick={() => address.set({ show: id === "all" ? "" : id })}
            >
              <strong>{groups[id].length.toLocaleString()}</strong> <span>{T.shows[id]}</span>
            </button>
          </li>
        ))}
      </ul>
      <div className="tool-bar" role="toolbar" aria-label={T.toolbar}>
        <SearchField label={T.search} value={text} onChange={setText} />
        <div className="tool-actions">
          {proposals > 0 ? (
            <Button
              look="primary"
              icon="check"
              onPress={() => setRules(value.rules.map((rule) => ({ ...rule, suggestion: undefined })))}
            >
              {T.acceptAll(proposals)}
            </Button>
          ) : null}
          <Menu
            label={T.add}
            groups={[
              {
                id: "add",
                entries: (["field", "calculated", "constant"] as const).map((kind) => ({
                  id: kind,
                  name: T.adds[kind],
                  onAction: () => acts.create({ kind }),
                })),
              },
            ]}
          >
            <Button icon="plus">{T.add}</Button>
          </Menu>
          <IconButton icon="undo" label={T.undo} isDisabled={!past.canUndo} onPress={past.undo} />
          <IconButton icon="redo" label={T.redo} isDisabled={!past.canRedo} onPress={past.redo} />
          <Menu
            label={T.more}
            groups={[
              {
                id: "more",
                entries: [
                  { id: "copy", name: T.copyFrom, onAction: () => setTaking("flow") },
                  { id: "import", name: T.importTable, onAction: () => setTaking("table") },
                  ...(finished.length > 0
                    ? [{ id: "export", name: T.exportTable, onAction: () => void exported() }]
                    : []),
                  ...(schemaId === null
                    ? [{ id: "names", name: T.byName, onAction: mapByName }]
                    : [{ id: "suggest", name: T.suggest, onAction: () => void suggest() }]),
                  ...(proposals > 0
                    ? [
                        {
                          id: "dismiss",
                          name: T.dismissAll,
                          onAction: () => setRules(value.rules.filter((rule) => !rule.suggestion)),
                        },
                      ]
                    : []),
                ],
              },
              {
                id: "end",
                entries: [{ id: "clear", name: T.clear, danger: true, onAction: () => setRules([]) }],
              },
            ]}
          >
            <IconButton icon="more" label={T.more} />
          </Menu>
        </div>
      </div>
      {suggestError ? (
        <ErrorPanel what={T.suggestFailed} error={suggestError} onRetry={() => void suggest()} />
      ) : null}
      {exportError ? <ErrorPanel what={T.table.exportFailed} error={exportError} /> : null}
      {validation.error ? (
        <ErrorPanel what={T.failed} error={validation.error} onRetry={() => void validation.refetch()} />
      ) : null}
      {groups.errors.length > 0 ? (
        <section className="error-panel mapping-errors" aria-label={T.errorsTitle(groups.errors.length)}>
          <div>
            <h3>{T.errorsTitle(groups.errors.length)}</h3>
            <ul className="plain-list">
              {groups.errors.slice(0, 5).map((row) =>
                row.kind === "rule" && row.fault ? (
                  <li key={row.id}>
                    <button type="button" className="link" onClick={() => acts.edit(row.id)}>
                      {visibly(row.rule.destination)}
                    </button>
                    {": "}
                    {spoken(row.fault)}. {sentence(row.fault.advice)}
                  </li>
                ) : null,
              )}
            </ul>
          </div>
        </section>
      ) : null}
      {value.rules.length === 0 && show === "all" && openRows.length === 0 ? (
        <EmptyState
          icon="table"
          title={T.none.title}
          action={
            schemaId === null ? (
              <Button look="primary" onPress={mapByName}>
                {T.byName}
              </Button>
            ) : (
              <Button icon="plus" onPress={() => acts.create({ kind: "field" })}>
                {T.add}
              </Button>
            )
          }
        >
          {T.none.text}
        </EmptyState>
      ) : shownRows.length === 0 ? (
        <NothingFound title={T.noneShown.title} clear={T.noneShown.clear} onClear={clearFilters}>
          {T.noneShown.text}
        </NothingFound>
      ) : (
        <MappingGrid
          rows={shownRows}
          columns={columnsByName}
          fields={byPath}
          sought={sought}
          columnChoices={columnChoices}
          fieldChoices={fieldChoices}
          keys={keys}
          sample={sampleRow}
          landed={preview.data?.[place]?.data}
          tried={Math.min(rows.length, TRIED)}
          acts={acts}
          readOnly={false}
        />
      )}
      <section className="mapping-result" aria-label={T.result.title}>
        <header className="section-header">
          <div>
            <h3>{T.result.title}</h3>
            <p className="muted">{T.result.lead(Math.min(rows.length, TRIED))}</p>
          </div>
          {rows.length > 0 ? (
            <div className="sample-choice">
              <IconButton
                icon="left"
                size="small"
                label={T.result.previous}
                isDisabled={place === 0}
                onPress={() => setPlace(place - 1)}
              />
              <span role="status">{T.result.sample(place + 1, Math.min(rows.length, TRIED))}</span>
              <IconButton
                icon="right"
                size="small"
                label={T.result.following}
                isDisabled={place + 1 >= Math.min(rows.length, TRIED)}
                onPress={() => setPlace(place + 1)}
              />
            </div>
          ) : null}
        </header>
        {rows.length === 0 ? <p className="muted">{T.result.noRows}</p> : null}
        {preview.error ? (
          <ErrorPanel what={T.previewFailed} error={preview.error} onRetry={() => void preview.refetch()} />
        ) : null}
        {preview.isFetching && !preview.data ? <Skeleton rows={3} /> : null}
        {preview.data && rows.length > 0 ? (
          <Result tried={preview.data} paths={sound.rules.map((rule) => rule.destination)} />
        ) : null}
      </section>
      <Suspense fallback={null}>
        {edited ? (
          <RuleDialog
            rule={edited}
            isNew={!value.rules.some((rule) => rule.id === edited.id)}
            rules={value.rules}
            columns={columns}
            rows={rows}
            fields={fields}
            mayAddFields={schemaId === null}
            onClose={() => setEdited(null)}
            onSave={(rule, field) => {
              const there = value.rules.some((each) => each.id === rule.id);
              past.change({
                ...value,
                rules: there
                  ? value.rules.map((each) => (each.id === rule.id ? rule : each))
                  : [...value.rules, rule],
                ...(field ? { added: [...(value.added ?? []), field] } : {}),
              });
              setEdited(null);
            }}
          />
        ) : null}
        {taking === "flow" ? (
          <CopyDialog columns={columns} fields={fields} onClose={() => setTaking(null)} onCopy={take} />
        ) : null}
        {taking === "table" ? (
          <ImportDialog columns={columns} fields={fields} onClose={() => setTaking(null)} onImport={take} />
        ) : null}
      </Suspense>
    </div>
  );
}

/** What is searched: shown at once as it is typed, in the address once the typing rests, and what that says else. */
function useSearchText() {
  const address = useAddress();
  const told = address.get("q");
  const [text, setText] = useState(told);
  const typed = useSettled(text, 300);
  const written = useRef(told);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what was typed changes the address here
  useEffect(() => {
    if (typed === written.current) return;
    written.current = typed;
    address.set({ q: typed });
  }, [typed]);
  useEffect(() => {
    if (told === written.current) return;
    written.current = told;
    setText(told);
  }, [told]);
  return [text, setText] as const;
}

/** The same object every time, which does what the newest of `acts` does: rows need not be drawn for it again. */
function useLatest(acts: GridActs): GridActs {
  const newest = useRef(acts);
  newest.current = acts;
  return useMemo(
    () => ({
      change: (...given) => newest.current.change(...given),
      accept: (...given) => newest.current.accept(...given),
      remove: (...given) => newest.current.remove(...given),
      move: (...given) => newest.current.move(...given),
      edit: (...given) => newest.current.edit(...given),
      create: (...given) => newest.current.create(...given),
    }),
    [],
  );
}

const wordsOf = (row: GridRow) =>
  (row.kind === "rule"
    ? `${row.rule.source} ${row.rule.destination}`
    : row.kind === "required"
      ? row.field.path
      : row.column.name
  ).toLowerCase();
