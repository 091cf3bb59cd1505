/** The fourth step: the mapping, with what is known of both of its sides. */
import { useCallback, useEffect, useMemo, useRef } from "react";
import { ErrorPanel, Skeleton } from "../../ui/feedback";
import { MappingStep } from "../mapping/MappingStep";
import type { MappingState } from "../mapping/rules";
import { readColumns } from "./known";
import { texts } from "./texts";
import type { StepProps } from "./Wizard";

export function MapStep({ state, change, known, problemOf, before }: StepProps) {
  const count = useRef(0);
  const problems = useCallback((found: number) => {
    count.current = found;
  }, []);
  useEffect(() => {
    before.current = async () =>
      count.current > 0
        ? {
            wrong: [
              { field: "mapping", label: texts.steps.mapping, text: texts.mapping.wrong(count.current) },
            ],
          }
        : { change: {} };
    return () => {
      before.current = null;
    };
  });
  const columns = useMemo(
    () =>
      readColumns(state, known.columns).map((column) => ({
        name: column.name,
        type: column.kind,
        ...(column.coverage === null ? {} : { coverage: column.coverage }),
      })),
    [state, known.columns],
  );
  const onChange = useCallback((mapping: MappingState) => change({ mapping }), [change]);
  const { plan } = known;
  if (known.schemaId === null && plan.error)
    return <ErrorPanel what={texts.details.planFailed} error={plan.error} onRetry={plan.retry} />;
  if (known.fieldsError) return <ErrorPanel what={texts.details.fieldsFailed} error={known.fieldsError} />;
  if (known.exploredError)
    return <ErrorPanel what={texts.select.failed} error={known.exploredError} onRetry={known.lookAgain} />;
  if (!known.explored || known.fields.length === 0) return <Skeleton rows={8} />;
  return (
    <div className="stack" data-field="mapping" tabIndex={-1}>
      {problemOf("mapping") ? <p className="field-error">{problemOf("mapping")}</p> : null}
      <MappingStep
        columns={columns}
        rows={known.explored.rows}
        schemaId={known.schemaId}
        {...(known.schemaId === null ? { targetFields: known.fields } : {})}
        writeMode={state.details.writeMode}
        keys={state.details.keys}
        source={{ connectionId: state.account, object: state.table }}
        value={state.mapping}
        onChange={onChange}
        problems={problems}
      />
    </div>
  );
}
