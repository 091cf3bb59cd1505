/** The labels that a schema puts on one of its fields: a descriptor of the schema. On a conflict both stand side by side. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, answerOf, send } from "../../api/client";
import { useSandbox } from "../../shell/page";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, Skeleton, toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Dialog } from "../../ui/overlays";
import { visibly } from "../../ui/text";
import { LabelChips } from "../datasets/LabelChips";
import { LabelPicker } from "../datasets/LabelPicker";
import { texts as datasetTexts } from "../datasets/texts";
import { Conflict, changed } from "./change";
import { bare, type Field } from "./fields";
import { calls, type Resource } from "./queries";
import { texts } from "./texts";

const T = texts.labels;

interface EditFieldLabelsProps {
  schema: Resource;
  field: Field;
  onClose: () => void;
}

interface Stored {
  /** Nothing where there is no such descriptor. */
  etag: string | null;
  labels: string[];
}

async function stored(sandbox: string, id: string | undefined): Promise<Stored> {
  if (!id) return { etag: null, labels: [] };
  try {
    const answer = await answerOf(calls.descriptor(id), sandbox);
    const body = (await answer.json()) as { "xdm:labels"?: string[] };
    return { etag: answer.headers.get("etag"), labels: (body["xdm:labels"] ?? []).map(bare) };
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { etag: null, labels: [] };
    throw error;
  }
}

export function EditFieldLabels({ schema, field, onClose }: EditFieldLabelsProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const ofField = field.descriptors.filter((one) => one["@type"] === "xdm:descriptorLabel");
  const own = ofField.find((one) => one["xdm:sourceSchema"] === schema.$id);
  const brought = ofField.filter((one) => one !== own).flatMap((one) => one["xdm:labels"] ?? []);
  const id = own?.["@id"];
  const before = useQuery({
    queryKey: ["fieldLabels", sandbox, id],
    queryFn: () => stored(sandbox, id),
    // What is edited must not change under who edits it.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const [chosen, setChosen] = useState<string[] | null>(null);
  const [theirs, setTheirs] = useState<Stored | null>(null);
  const mine = chosen ?? before.data?.labels ?? [];
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const body = {
    "@type": "xdm:descriptorLabel",
    "xdm:sourceSchema": schema.$id,
    "xdm:sourceVersion": 1,
    "xdm:sourceProperty": `/${field.path.replaceAll(".", "/")}`,
    "xdm:labels": mine,
  };
  const save = async () => {
    const etag = (theirs ?? before.data)?.etag ?? null;
    setBusy(true);
    setError(null);
    try {
      const there = id !== undefined && etag !== null ? { id, etag } : null;
      if (mine.length > 0)
        await send(there ? calls.redescribe(there.id, there.etag, body) : calls.describe(body), sandbox);
      else if (there) await send(calls.undescribe(there.id, there.etag), sandbox);
      await changed(client, sandbox);
      toast(T.saved);
      onClose();
    } catch (problem) {
      // Changed, or taken off altogether.
      if (problem instanceof ApiError && (problem.status === 412 || problem.status === 404))
        setTheirs(await stored(sandbox, id));
      else setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={T.title(visibly(field.path))}
      isOpen
      onClose={onClose}
      size="large"
      footer={
        <>
          <Button onPress={onClose}>{theirs ? datasetTexts.labels.takeTheirs : common.common.cancel}</Button>
          <Button look="primary" isPending={busy} isDisabled={!before.data} onPress={() => void save()}>
            {theirs ? datasetTexts.labels.keepYours : common.common.save}
          </Button>
        </>
      }
    >
      <p className="muted">{T.lead}</p>
      {error ? <ErrorPanel what={T.failed} error={error} /> : null}
      {brought.length > 0 ? <p>{T.inherited(brought.map(bare).join(", "))}</p> : null}
      {before.error ? (
        <ErrorPanel
          what={datasetTexts.labels.readFailed}
          error={before.error}
          onRetry={() => void before.refetch()}
        />
      ) : null}
      {theirs ? <Conflict theirs={shown(theirs.labels)} yours={shown(mine)} /> : null}
      {before.isPending ? <Skeleton rows={3} /> : null}
      {before.data ? <LabelPicker chosen={mine} onChange={setChosen} /> : null}
      <p className="banner">
        <Icon name="shield" />
        {datasetTexts.labels.production}
      </p>
    </Dialog>
  );
}

const shown = (labels: string[]) =>
  labels.length > 0 ? <LabelChips labels={labels} /> : datasetTexts.labels.none;
