import { useQuery, useQueryClient } from "@tanstack/react-query";
import { send } from "../../api/client";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { DeleteDialog } from "../../ui/DeleteDialog";
import { toast } from "../../ui/feedback";
import { visibly } from "../../ui/text";
import { calls, datasetsOfQuery, type Resource } from "./queries";
import { texts } from "./texts";

const T = texts.remove;

interface DeleteSchemaProps {
  schema: Resource;
  onClose: () => void;
  onDeleted: () => void;
}

/** Says what goes, and which datasets stand against it. */
export function DeleteSchema({ schema, onClose, onDeleted }: DeleteSchemaProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const datasets = useQuery(datasetsOfQuery(sandbox, schema));
  return (
    <DeleteDialog
      title={T.title(visibly(schema.title))}
      go={T.go}
      failed={T.failed}
      users={datasets.data?.map((one) => ({
        ...one,
        to: pathOf(sandbox, `datasets/${encodeURIComponent(one.id)}`),
      }))}
      usersError={datasets.error}
      onAskUsers={() => void datasets.refetch()}
      used={T.used}
      usersFailed={texts.one.usedByFailed}
      onDelete={async () => {
        await send(calls.remove("schemas", schema.$id), sandbox);
        await client.invalidateQueries({ queryKey: ["schemas", sandbox] });
        toast(T.done);
        onDeleted();
      }}
      onClose={onClose}
    >
      <p>{T.text}</p>
    </DeleteDialog>
  );
}
