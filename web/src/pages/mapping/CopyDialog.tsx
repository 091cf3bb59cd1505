/** Mappings of another dataflow: which of them fit here is shown before any is taken over. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../api/client";
import { calls } from "../../api/queries";
import { useSandbox } from "../../shell/page";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/choices";
import { ErrorPanel, Skeleton } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { Hostile, visibly } from "../../ui/text";
import { mappingCalls } from "./queries";
import { type Rule, ruleOf, type SourceColumn, type TargetField } from "./rules";
import { texts } from "./texts";

const T = texts.copy;
const FLOWS = `${calls.connections.path.split("/connections")[0]}/flows?limit=100&property=id,name,transformations`;

interface Mapped {
  id: string;
  name?: string;
  transformations?: { params?: { mappingId?: string; mappingVersion?: number } }[];
}

interface CopyDialogProps {
  columns: SourceColumn[];
  fields: TargetField[];
  onClose: () => void;
  onCopy: (rules: Rule[]) => void;
}

const setOf = (flow: Mapped) => flow.transformations?.find((step) => step.params?.mappingId)?.params;

export default function CopyDialog({ columns, fields, onClose, onCopy }: CopyDialogProps) {
  const sandbox = useSandbox();
  const [chosen, setChosen] = useState("");
  const flows = useQuery({
    queryKey: ["mappedFlows", sandbox],
    queryFn: async ({ signal }) => {
      const page = await send<{ items: Mapped[] }>({ method: "GET", path: FLOWS }, sandbox, signal);
      return page.items.filter(setOf);
    },
  });
  const params = flows.data?.find((flow) => flow.id === chosen);
  const set = params ? setOf(params) : undefined;
  const mappings = useQuery({
    queryKey: ["mappingsOf", sandbox, set?.mappingId, set?.mappingVersion],
    enabled: Boolean(set?.mappingId),
    queryFn: async ({ signal }) => {
      const call = mappingCalls.mappings(set?.mappingId ?? "", set?.mappingVersion ?? 0);
      return (await send<Parameters<typeof ruleOf>[0][]>(call, sandbox, signal)).map(ruleOf);
    },
  });
  const names = new Set(columns.map((column) => column.name));
  const paths = new Set(fields.map((field) => field.path));
  const problem = (rule: Rule) =>
    rule.kind === "field" && !names.has(rule.source)
      ? T.noColumn
      : !paths.has(rule.destination) && !rule.destination.includes("[")
        ? T.noField
        : "";
  const fitting = mappings.data?.filter((rule) => !problem(rule)) ?? [];
  const lacking = mappings.data?.filter(problem) ?? [];
  return (
    <Dialog
      title={T.title}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{texts.cancel}</Button>
          <Button look="primary" isDisabled={fitting.length === 0} onPress={() => onCopy(fitting)}>
            {T.apply(fitting.length)}
          </Button>
        </>
      }
    >
      <div className="form">
        {flows.error ? <ErrorPanel what={texts.failed} error={flows.error} /> : null}
        {flows.isPending ? <Skeleton rows={1} shape="text" /> : null}
        {flows.data?.length === 0 ? <p>{T.none}</p> : null}
        {flows.data && flows.data.length > 0 ? (
          <Select
            label={T.flow}
            value={chosen}
            onChange={setChosen}
            options={[
              { id: "", name: T.choose },
              ...flows.data.map((flow) => ({ id: flow.id, name: visibly(flow.name ?? flow.id) })),
            ]}
          />
        ) : null}
        {mappings.error ? <ErrorPanel what={texts.failed} error={mappings.error} /> : null}
        {mappings.data ? (
          <div role="status">
            <p>
              {T.fits(fitting.length, mappings.data.length)} {T.replaced}
            </p>
            {lacking.length > 0 ? (
              <>
                <p>{T.lacks}</p>
                <ul className="plain-list">
                  {lacking.map((rule) => (
                    <li key={rule.id}>
                      <code>
                        <Hostile>{`${rule.source} → ${rule.destination}`}</Hostile>
                      </code>
                      {`: ${problem(rule)}`}
                    </li>
                  ))}
                </ul>
              </>
            ) : null}
          </div>
        ) : null}
      </div>
    </Dialog>
  );
}
