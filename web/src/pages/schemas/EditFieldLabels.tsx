/** The labels that a schema puts on one of its fields: a descriptor of the schema. */
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../api/client";
import { useSandbox } from "../../shell/page";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Dialog } from "../../ui/overlays";
import { visibly } from "../../ui/text";
import { LabelPicker } from "../datasets/LabelPicker";
import { texts as datasetTexts } from "../datasets/texts";
import { changed } from "./change";
import { bare, type Field } from "./fields";
import { calls, type Resource } from "./queries";
import { texts } from "./texts";

const T = texts.labels;

interface EditFieldLabelsProps {
  schema: Resource;
  field: Field;
  onClose: () => void;
}

export function EditFieldLabels({ schema, field, onClose }: EditFieldLabelsProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const ofField = field.descriptors.filter((one) => one["@type"] === "xdm:descriptorLabel");
  const own = ofField.find((one) => one["xdm:sourceSchema"] === schema.$id);
  const brought = ofField.filter((one) => one !== own).flatMap((one) => one["xdm:labels"] ?? []);
  const [chosen, setChosen] = useState((own?.["xdm:labels"] ?? []).map(bare));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const body = {
    "@type": "xdm:descriptorLabel",
    "xdm:sourceSchema": schema.$id,
    "xdm:sourceVersion": 1,
    "xdm:sourceProperty": `/${field.path.replaceAll(".", "/")}`,
    "xdm:labels": chosen,
  };
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      if (chosen.length > 0)
        await send(own ? calls.redescribe(own["@id"], body) : calls.describe(body), sandbox);
      else if (own) await send(calls.undescribe(own["@id"]), sandbox);
      await changed(client, sandbox);
      toast(T.saved);
      onClose();
    } catch (problem) {
      setError(problem);
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
          <Button onPress={onClose}>{common.common.cancel}</Button>
          <Button look="primary" isPending={busy} onPress={() => void save()}>
            {common.common.save}
          </Button>
        </>
      }
    >
      <p className="muted">{T.lead}</p>
      {error ? <ErrorPanel what={T.failed} error={error} /> : null}
      {brought.length > 0 ? <p>{T.inherited(brought.map(bare).join(", "))}</p> : null}
      <LabelPicker chosen={chosen} onChange={setChosen} />
      <p className="banner">
        <Icon name="shield" />
        {datasetTexts.labels.production}
      </p>
    </Dialog>
  );
}
