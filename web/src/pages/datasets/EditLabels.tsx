/** The labels on a dataset itself; on a conflict both choices stand side by side. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, send } from "../../api/client";
import { useSandbox } from "../../shell/page";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, Skeleton, toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Dialog } from "../../ui/overlays";
import { LabelChips } from "./LabelChips";
import { LabelPicker } from "./LabelPicker";
import { calls, type Dataset, ownLabels } from "./queries";
import { texts } from "./texts";

const T = texts.labels;

export function EditLabels({ dataset, onClose }: { dataset: Dataset; onClose: () => void }) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const stored = useQuery({
    queryKey: ["ownLabels", sandbox, dataset.id],
    queryFn: () => ownLabels(sandbox, dataset.id),
    // What is edited must not change under who edits it.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const [chosen, setChosen] = useState<string[] | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [theirs, setTheirs] = useState<{ etag: string; labels: string[] } | null>(null);
  const mine = chosen ?? stored.data?.labels ?? [];

  const save = async () => {
    const etag = theirs?.etag ?? stored.data?.etag;
    if (etag === undefined) return;
    setBusy(true);
    setError(null);
    try {
      await send(calls.putLabels(dataset.id, etag, mine), sandbox);
      await client.invalidateQueries({ queryKey: ["labels", sandbox] });
      void client.invalidateQueries({ queryKey: ["rows", sandbox, dataset.id] });
      toast(T.saved);
      onClose();
    } catch (problem) {
      if (problem instanceof ApiError && problem.status === 412)
        setTheirs(await ownLabels(sandbox, dataset.id));
      else setError(problem);
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={T.title}
      isOpen
      onClose={onClose}
      size="large"
      footer={
        <>
          <Button onPress={onClose}>{theirs ? T.takeTheirs : common.common.cancel}</Button>
          <Button look="primary" isPending={busy} isDisabled={!stored.data} onPress={() => void save()}>
            {theirs ? T.keepYours : common.common.save}
          </Button>
        </>
      }
    >
      <p className="muted">{T.lead}</p>
      {error ? <ErrorPanel what={T.failed} error={error} /> : null}
      {stored.error ? (
        <ErrorPanel what={T.readFailed} error={stored.error} onRetry={() => void stored.refetch()} />
      ) : null}
      {theirs ? (
        <section className="conflict" role="alert">
          <h3>{T.conflictTitle}</h3>
          <p>{T.conflict}</p>
          <dl className="facts">
            <dt>{T.theirs}</dt>
            <dd>{theirs.labels.length > 0 ? <LabelChips labels={theirs.labels} /> : T.none}</dd>
            <dt>{T.yours}</dt>
            <dd>{mine.length > 0 ? <LabelChips labels={mine} /> : T.none}</dd>
          </dl>
        </section>
      ) : null}
      {stored.isPending ? <Skeleton rows={3} /> : null}
      {stored.data ? <LabelPicker chosen={mine} onChange={setChosen} /> : null}
      <p className="banner">
        <Icon name="shield" />
        {T.production}
      </p>
    </Dialog>
  );
}
