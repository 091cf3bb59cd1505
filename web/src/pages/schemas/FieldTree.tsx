/** The fields of a schema as a tree: arrows open, close and walk, letters find. */
import { useMemo, useState } from "react";
import { Button as AriaButton } from "react-aria-components/Button";
import { Tree, TreeItem, TreeItemContent } from "react-aria-components/Tree";
import { useAddress } from "../../address";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { SearchField } from "../../ui/SearchField";
import { Hostile, visibly } from "../../ui/text";
import { LabelChips } from "../datasets/LabelChips";
import { type Field, flat, identityOf, isKey, labelsOf } from "./fields";
import { texts } from "./texts";

const T = texts.one;

/** Fields that fit, and those on the way to them. */
function fitting(fields: Field[], text: string): Field[] {
  if (!text) return fields;
  return fields.flatMap((field) => {
    const children = fitting(field.children, text);
    const fits = `${field.path} ${field.title}`.toLowerCase().includes(text);
    return fits || children.length > 0 ? [{ ...field, children: fits ? field.children : children }] : [];
  });
}

interface FieldTreeProps {
  fields: Field[];
  chosen: string;
  onChoose: (path: string) => void;
}

export function FieldTree({ fields, chosen, onChoose }: FieldTreeProps) {
  const address = useAddress();
  const text = address.get("q").toLowerCase();
  const all = useMemo(() => flat(fields), [fields]);
  const shown = useMemo(() => fitting(fields, text), [fields, text]);
  const holders = useMemo(
    () => all.filter((field) => field.children.length > 0).map((field) => field.path),
    [all],
  );
  // What is your own, and what leads to the chosen field, is open from the beginning.
  const [open, setOpen] = useState(
    () => new Set(holders.filter((path) => path.startsWith("_") || chosen.startsWith(`${path}.`))),
  );
  const opened = text ? new Set(holders) : open;
  const count = flat(shown).length;
  return (
    <>
      <div className="tool-bar">
        <SearchField label={T.search} value={address.get("q")} onChange={(q) => address.set({ q })} />
        <Button
          size="small"
          look="quiet"
          onPress={() => setOpen(open.size < holders.length ? new Set(holders) : new Set())}
        >
          {open.size < holders.length ? T.expandAll : T.collapseAll}
        </Button>
        <p className="result-count" role="status">
          {T.count(count, all.length)}
        </p>
      </div>
      {count === 0 ? (
        <p className="muted">{all.length === 0 ? T.noFields : T.none}</p>
      ) : (
        <Tree
          aria-label={T.tree}
          className="field-tree"
          selectionMode="single"
          selectionBehavior="replace"
          selectedKeys={chosen ? [chosen] : []}
          onSelectionChange={(keys) => {
            const key = keys === "all" ? undefined : [...keys][0];
            if (key !== undefined) onChoose(String(key));
          }}
          expandedKeys={opened}
          onExpandedChange={(keys) => setOpen(new Set([...keys].map(String)))}
        >
          {shown.map((field) => (
            <Branch key={field.path} field={field} />
          ))}
        </Tree>
      )}
    </>
  );
}

function Branch({ field }: { field: Field }) {
  const labels = labelsOf(field);
  return (
    <TreeItem
      id={field.path}
      textValue={visibly(field.name)}
      className={`field-item depth-${Math.min(field.depth, 8)}`}
    >
      <TreeItemContent>
        {({ hasChildItems }) => (
          <>
            {hasChildItems ? (
              <AriaButton slot="chevron" className="field-chevron">
                <Icon name="right" />
              </AriaButton>
            ) : (
              <span className="field-chevron" />
            )}
            <code className="field-name">
              <Hostile>{field.name}</Hostile>
            </code>
            <span className="field-type">{visibly(field.type)}</span>
            {field.required ? <span className="chip">{texts.field.requiredChip}</span> : null}
            {isKey(field) ? <span className="chip">{texts.field.keyChip}</span> : null}
            {identityOf(field) ? <span className="chip">{texts.field.identityChip}</span> : null}
            {labels.length > 0 ? <LabelChips labels={labels} /> : null}
            <span className="field-title muted">
              <Hostile>{field.title}</Hostile>
            </span>
          </>
        )}
      </TreeItemContent>
      {field.children.map((child) => (
        <Branch key={child.path} field={child} />
      ))}
    </TreeItem>
  );
}
