/** Field groups for a schema, checked with all that rests on it as they are chosen. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSandbox } from "../../shell/page";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/overlays";
import { visibly } from "../../ui/text";
import { Conflict, useChange } from "./change";
import { withGroups } from "./edits";
import { GroupPicker } from "./GroupPicker";
import { datasetsOfQuery, knownQuery, type Resource } from "./queries";
import { texts } from "./texts";

const T = texts.addGroups;

export function AddGroups({ schema, onClose }: { schema: Resource; onClose: () => void }) {
  const sandbox = useSandbox();
  const datasets = useQuery(datasetsOfQuery(sandbox, schema));
  const groups = useQuery(knownQuery(sandbox, "fieldgroups"));
  const [chosen, setChosen] = useState<string[]>([]);
  const there = (schema.allOf ?? []).map((part) => part.$ref);
  const added = chosen.filter((id) => !there.includes(id));
  const change = useChange({ kind: "schemas", resource: schema, steps: withGroups(added), onSaved: onClose });
  const named = (ids: string[]) =>
    ids
      .map((id) =>
        [...(groups.data?.own ?? []), ...(groups.data?.standard ?? [])].find((one) => one.$id === id),
      )
      .map((one) => visibly(one?.title ?? ""))
      .filter(Boolean)
      .join(", ");
  return (
    <Dialog
      title={T.title}
      isOpen
      onClose={onClose}
      size="large"
      footer={
        <>
          <Button onPress={onClose}>{common.common.cancel}</Button>
          <Button
            look="primary"
            isPending={change.busy}
            isDisabled={!change.ready}
            onPress={() => void change.save()}
          >
            {T.go(added.length)}
          </Button>
        </>
      }
    >
      <p className="muted">{T.lead}</p>
      {change.conflict ? <Conflict theirs={named(there)} yours={named(added)} /> : null}
      <GroupPicker chosen={chosen} without={there} onChange={setChosen} />
      {change.report(texts.check.added(datasets.data?.length ?? 0))}
    </Dialog>
  );
}
