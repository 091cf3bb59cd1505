/** All that is said of one field. */
import { Button } from "../../ui/Button";
import { Hostile, visibly } from "../../ui/text";
import { LabelChips } from "../datasets/LabelChips";
import { defines } from "./edits";
import { type Field, identityOf, isKey, labelsOf } from "./fields";
import type { Resource } from "./queries";
import { texts } from "./texts";

const T = texts.field;

interface FieldPanelProps {
  schema: Resource;
  field: Field | undefined;
  mayEdit: boolean;
  /** The schema's field groups that are one's own. */
  own: Resource[];
  onLabels: () => void;
  onEdit: () => void;
}

export function FieldPanel({ schema, field, mayEdit, own, onLabels, onEdit }: FieldPanelProps) {
  if (!field)
    return (
      <section className="panel" aria-labelledby="field">
        <h2 id="field">{T.title}</h2>
        <p className="muted">{T.choose}</p>
      </section>
    );
  const identity = identityOf(field);
  const labels = labelsOf(field);
  const brought = field.descriptors.some(
    (one) => one["@type"] === "xdm:descriptorLabel" && one["xdm:sourceSchema"] !== schema.$id,
  );
  return (
    <section className="panel" aria-labelledby="field" aria-live="polite">
      <div className="panel-title">
        <h2 id="field">
          <Hostile>{field.title || field.name}</Hostile>
        </h2>
        {mayEdit && own.some((group) => defines(group, field.path)) ? (
          <Button size="small" onPress={onEdit}>
            {texts.editField.button}
          </Button>
        ) : null}
      </div>
      {field.description ? (
        <p>
          <Hostile>{field.description}</Hostile>
        </p>
      ) : null}
      <dl className="facts">
        <dt>{T.path}</dt>
        <dd>
          <code>
            <Hostile>{field.path}</Hostile>
          </code>
        </dd>
        <dt>{T.type}</dt>
        <dd>{visibly(field.type)}</dd>
        <dt>{T.required}</dt>
        <dd>{field.required ? T.isRequired : T.isOptional}</dd>
        {isKey(field) ? (
          <>
            <dt>{T.key}</dt>
            <dd>{T.isKey}</dd>
          </>
        ) : null}
        {identity ? (
          <>
            <dt>{T.identity}</dt>
            <dd>
              {identity["xdm:isPrimary"]
                ? T.primary(visibly(identity["xdm:namespace"] ?? ""))
                : visibly(identity["xdm:namespace"] ?? "")}
            </dd>
          </>
        ) : null}
        {field.limits.map((limit) => (
          <FieldLimit key={limit.name} name={T.limits[limit.name] ?? limit.name} value={limit.value} />
        ))}
        <dt>{T.labels}</dt>
        <dd className="badges">
          {labels.length > 0 ? <LabelChips labels={labels} /> : <span className="muted">{T.noLabels}</span>}
          {brought ? <span className="muted">{T.inherited}</span> : null}
          {mayEdit ? (
            <Button size="small" look="quiet" icon="tag" onPress={onLabels}>
              {T.editLabels}
            </Button>
          ) : null}
        </dd>
      </dl>
    </section>
  );
}

function FieldLimit({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <code>
          <Hostile>{value}</Hostile>
        </code>
      </dd>
    </>
  );
}
