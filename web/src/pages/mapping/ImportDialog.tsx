/** Mappings of a CSV table in a file: which of them fit here is shown before any is taken over. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { FileTrigger } from "react-aria-components/FileTrigger";
import { send } from "../../api/client";
import { useSandbox } from "../../shell/page";
import { Button } from "../../ui/Button";
import { ErrorPanel, Skeleton } from "../../ui/feedback";
import { Hostile } from "../../ui/text";
import { mappingCalls } from "./queries";
import { type Rule, ruleOf, type SourceColumn, type TargetField } from "./rules";
import { TakeOver } from "./TakeOver";
import { texts } from "./texts";

const T = texts.table;

interface ImportDialogProps {
  columns: SourceColumn[];
  fields: TargetField[];
  onClose: () => void;
  onImport: (rules: Rule[]) => void;
}

export default function ImportDialog({ columns, fields, onClose, onImport }: ImportDialogProps) {
  const sandbox = useSandbox();
  const [file, setFile] = useState<File | null>(null);
  const reading = useQuery({
    queryKey: ["mappingTable", sandbox, file?.name, file?.lastModified, file?.size],
    enabled: file !== null,
    queryFn: async ({ signal }) => {
      const call = mappingCalls.readTable((await file?.text()) ?? "");
      const told = await send<{ mappings: Parameters<typeof ruleOf>[0][] }>(call, sandbox, signal);
      return told.mappings.map(ruleOf);
    },
  });
  return (
    <TakeOver
      title={T.title}
      rules={reading.data}
      columns={columns}
      fields={fields}
      onClose={onClose}
      onTake={onImport}
    >
      <p>{T.lead}</p>
      <div className="file-choice">
        <FileTrigger
          acceptedFileTypes={[".csv", "text/csv"]}
          onSelect={(files) => setFile(files?.[0] ?? file)}
        >
          <Button>{T.choose}</Button>
        </FileTrigger>
        {file ? <Hostile>{file.name}</Hostile> : <span className="muted">{T.none}</span>}
      </div>
      {reading.isFetching ? <Skeleton rows={1} shape="text" /> : null}
      {reading.error ? <ErrorPanel what={T.failed} error={reading.error} /> : null}
    </TakeOver>
  );
}
