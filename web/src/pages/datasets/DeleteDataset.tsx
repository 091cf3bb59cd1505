import { useQuery, useQueryClient } from "@tanstack/react-query";
import { send } from "../../api/client";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { DeleteDialog } from "../../ui/DeleteDialog";
import { toast } from "../../ui/feedback";
import { visibly } from "../../ui/text";
import { calls, type Dataset, writersQuery } from "./queries";
import { texts } from "./texts";

const T = texts.remove;

interface DeleteDatasetProps {
  dataset: Dataset;
  onClose: () => void;
  onDeleted: () => void;
}

/** Says how many rows go, and which dataflows stand against it; asks for the name. */
export function DeleteDataset({ dataset, onClose, onDeleted }: DeleteDatasetProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const writers = useQuery(writersQuery(sandbox, dataset.id));
  const name = visibly(dataset.name);
  return (
    <DeleteDialog
      title={T.title(name)}
      go={T.go}
      failed={T.failed}
      users={writers.data?.map((flow) => ({
        id: flow.flowId,
        name: flow.name || flow.flowId,
        to: pathOf(sandbox, `flows/${encodeURIComponent(flow.flowId)}`),
      }))}
      usersError={writers.error}
      onAskUsers={() => void writers.refetch()}
      used={T.used}
      usersFailed={texts.one.writersFailed}
      typing={{ label: T.type(name), name }}
      onDelete={async () => {
        await send(calls.remove(dataset.id), sandbox);
        await client.invalidateQueries({ queryKey: ["datasets", sandbox] });
        toast(T.done);
        onDeleted();
      }}
      onClose={onClose}
    >
      <p>{T.text(dataset.extensions?.adobe_lakeHouse?.metrics.rowCount ?? null)}</p>
    </DeleteDialog>
  );
}
