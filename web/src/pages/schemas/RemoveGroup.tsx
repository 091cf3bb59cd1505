/** Takes a field group out of a schema, where nothing rests on its fields. */
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/overlays";
import { visibly } from "../../ui/text";
import { useChange } from "./change";
import { withoutGroup } from "./edits";
import type { Resource } from "./queries";
import { texts } from "./texts";

const T = texts.removeGroup;

interface RemoveGroupProps {
  schema: Resource;
  group: Resource;
  onClose: () => void;
}

export function RemoveGroup({ schema, group, onClose }: RemoveGroupProps) {
  const change = useChange({
    kind: "schemas",
    resource: schema,
    steps: withoutGroup(schema, group.$id),
    onSaved: onClose,
  });
  return (
    <Dialog
      title={T.title(visibly(group.title))}
      isOpen
      onClose={onClose}
      role="alertdialog"
      footer={
        <>
          <Button onPress={onClose} autoFocus>
            {common.common.cancel}
          </Button>
          <Button
            look="danger"
            isPending={change.busy}
            isDisabled={!change.ready}
            onPress={() => void change.save()}
          >
            {T.go}
          </Button>
        </>
      }
    >
      <p>{T.text}</p>
      {change.report(null)}
    </Dialog>
  );
}
