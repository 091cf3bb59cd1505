/** Mappings of another dataflow: which of them fit here is shown before any is taken over. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../api/client";
import { calls } from "../../api/queries";
import { useSandbox } from "../../shell/page";
import { Select } from "../../ui/choices";
import { ErrorPanel, Skeleton } from "../../ui/feedback";
import { visibly } from "../../ui/text";
import { mappingCalls } from "./queries";
import { type Rule, ruleOf, type SourceColumn, type TargetField } from "./rules";
import { TakeOver } from "./TakeOver";
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
  return (
    <TakeOver
      title={T.title}
      rules={mappings.data}
      columns={columns}
      fields={fields}
      onClose={onClose}
      onTake={onCopy}
    >
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
    </TakeOver>
  );
}
