/** Takes a field group out of a schema, where nothing rests on its fields. */
import { DangerDialog } from "../../ui/DangerDialog";
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
    <DangerDialog
      title={T.title(visibly(group.title))}
      go={T.go}
      failed={texts.check.failed}
      ready={change.ready}
      onGo={change.save}
      onClose={onClose}
    >
      <p>{T.text}</p>
      {change.report(null)}
    </DangerDialog>
  );
}
