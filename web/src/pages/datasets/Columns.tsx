/** The columns of a dataset's table: the fields of its schema, with the labels that hold for each. */
import { useQuery } from "@tanstack/react-query";
import { useAddress } from "../../address";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { Link } from "../../ui/Button";
import { Figures } from "../../ui/Figures";
import { ErrorPanel, Skeleton, StatusBadge } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { SearchField } from "../../ui/SearchField";
import { Hostile, visibly } from "../../ui/text";
import { fieldsOf, flat, identityOf, isKey } from "../schemas/fields";
import { fullQuery } from "../schemas/queries";
import { LabelChips } from "./LabelChips";
import { type Dataset, labelsQuery } from "./queries";
import { texts } from "./texts";

const T = texts.fields;

export function Columns({ dataset }: { dataset: Dataset }) {
  const sandbox = useSandbox();
  const address = useAddress();
  const schema = useQuery(fullQuery(sandbox, dataset.schemaRef.id));
  const labels = useQuery(labelsQuery(sandbox, [dataset.id]));
  if (schema.isPending) return <Skeleton />;
  if (schema.error && !schema.data)
    return <ErrorPanel what={T.failed} error={schema.error} onRetry={() => void schema.refetch()} />;
  const held = labels.data?.get(dataset.id);
  const ofField = new Map(held?.fields.map((field) => [field.path, field]));
  const all = flat(fieldsOf(schema.data ?? {}));
  const text = address.get("q");
  const found = all.filter((field) =>
    `${field.path} ${field.title}`.toLowerCase().includes(text.toLowerCase()),
  );
  return (
    <>
      {labels.error ? (
        <ErrorPanel what={T.labelsFailed} error={labels.error} onRetry={() => void labels.refetch()} />
      ) : null}
      <div className="tool-bar">
        <SearchField label={T.search} value={text} onChange={(q) => address.set({ q })} />
        <span className="muted">{T.note}</span>
        {schema.data ? (
          <Link to={pathOf(sandbox, `schemas/${schema.data["meta:altId"]}`)}>{T.toSchema}</Link>
        ) : null}
        <p className="result-count" role="status">
          {T.count(found.length, all.length)}
        </p>
      </div>
      {held && held.labels.length > 0 ? (
        <p className="banner">
          <Icon name="tag" />
          <span>
            {T.ofAll} <LabelChips labels={held.labels} /> {held.hidden ? T.ofAllHidden : null}
          </span>
        </p>
      ) : null}
      {found.length === 0 ? (
        <p className="muted">{T.none}</p>
      ) : (
        <Figures
          label={T.label(visibly(dataset.name))}
          rows={found}
          keyOf={(field) => field.path}
          columns={[
            {
              id: "field",
              name: T.field,
              cell: (field) => (
                <span className="cell-with-icon">
                  <code>
                    <Hostile>{field.path}</Hostile>
                  </code>
                  {field.required ? <span className="chip">{T.required}</span> : null}
                  {isKey(field) ? <span className="chip">{T.key}</span> : null}
                  {identityOf(field) ? <span className="chip">{T.identity}</span> : null}
                </span>
              ),
            },
            { id: "type", name: T.type, cell: (field) => visibly(field.type) },
            {
              id: "about",
              name: T.about,
              cell: (field) => (
                <span className="field-about">
                  <Hostile>{field.title || field.description}</Hostile>
                </span>
              ),
            },
            {
              id: "labels",
              name: T.labels,
              cell: (field) => (
                <span className="cell-with-icon">
                  <LabelChips labels={ofField.get(field.path)?.labels ?? []} />
                  {ofField.get(field.path)?.hidden ? (
                    <StatusBadge tone="warn" icon="shield">
                      {T.hidden}
                    </StatusBadge>
                  ) : null}
                </span>
              ),
            },
          ]}
        />
      )}
    </>
  );
}
