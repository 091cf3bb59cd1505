/** One schema: its fields as a tree, what it is made of, and what uses it; with permission it is edited here. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useLocation, useParams } from "wouter";
import { unescaped, useAddress } from "../../address";
import { ApiError } from "../../api/client";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { Page, useSandbox } from "../../shell/page";
import { Button, IconButton, Link } from "../../ui/Button";
import { EmptyState, ErrorPanel, Skeleton } from "../../ui/feedback";
import { Menu } from "../../ui/overlays";
import { Hostile, Time, visibly } from "../../ui/text";
import { AddField } from "./AddField";
import { AddGroups } from "./AddGroups";
import { DeleteSchema } from "./DeleteSchema";
import { EditField } from "./EditField";
import { EditFieldLabels } from "./EditFieldLabels";
import { EditSchema } from "./EditSchema";
import { FieldPanel } from "./FieldPanel";
import { FieldTree } from "./FieldTree";
import { type Field, fieldsOf, flat } from "./fields";
import { calls, datasetsOfQuery, fullQuery, knownQuery, type Resource, schemaQuery } from "./queries";
import { RemoveGroup } from "./RemoveGroup";
import { texts } from "./texts";
import "./schemas.css";
import "../datasets/datasets.css";

const T = texts.one;
const ADHOC = "https://ns.adobe.com/xdm/data/adhoc";

export default function Schema() {
  const sandbox = useSandbox();
  const id = unescaped(useParams<{ id: string }>().id ?? "");
  const schema = useQuery(schemaQuery(sandbox, id));
  const full = useQuery(fullQuery(sandbox, id));
  const crumbs = [{ name: texts.title, to: pathOf(sandbox, "schemas") }];
  if (schema.data && full.data) return <Shown schema={schema.data} full={full.data} crumbs={crumbs} />;
  const error = schema.error ?? full.error;
  const missing = error instanceof ApiError && [400, 404].includes(error.status);
  return (
    <Page title={T.one} crumbs={crumbs} calls={[{ ...calls.one("schemas", id), title: T.readCall }]}>
      {error ? null : <Skeleton rows={6} />}
      {missing ? (
        <EmptyState
          icon="tree"
          title={T.missingTitle}
          action={
            <Link to={pathOf(sandbox, "schemas")} className="button primary normal">
              {T.back}
            </Link>
          }
        >
          {T.missing}
        </EmptyState>
      ) : null}
      {error && !missing ? (
        <ErrorPanel
          what={T.failed}
          error={error}
          onRetry={() => void Promise.all([schema.refetch(), full.refetch()])}
        />
      ) : null}
    </Page>
  );
}

interface ShownProps {
  schema: Resource;
  full: Resource;
  crumbs: { name: string; to: string }[];
}

type Act = "field" | "groups" | "edit" | "delete" | "labels" | "editField";

function Shown({ schema, full, crumbs }: ShownProps) {
  const sandbox = useSandbox();
  const session = useSession();
  const address = useAddress();
  const [, navigate] = useLocation();
  const [act, setAct] = useState<Act | null>(null);
  const [leaving, setLeaving] = useState<Resource | null>(null);
  const groups = useQuery(knownQuery(sandbox, "fieldgroups"));
  const fields = useMemo(() => fieldsOf(full), [full]);
  const chosen: Field | undefined = flat(fields).find((field) => field.path === address.get("field"));
  const mayEdit = session.permissions.includes("manage-sources");
  // What has no class has its fields in itself, and an ad hoc class is its schema's own.
  const composed = Boolean(schema.allOf?.length) && !schema["meta:extends"]?.includes(ADHOC);
  const own = (groups.data?.own ?? []).filter((group) =>
    schema.allOf?.some((part) => part.$ref === group.$id),
  );
  const done = () => setAct(null);

  return (
    <Page
      title={schema.title}
      heading={<Hostile>{schema.title}</Hostile>}
      lead={schema.description ? <Hostile>{schema.description}</Hostile> : undefined}
      crumbs={crumbs}
      calls={[
        { ...calls.one("schemas", schema.$id), title: T.readCall },
        { ...calls.full("schemas", schema.$id), title: T.fullCall },
        { ...calls.datasets([schema.$id, schema["meta:altId"]]), title: T.datasetsCall },
      ]}
      actions={
        mayEdit ? (
          <>
            {composed ? (
              <>
                <Button onPress={() => setAct("groups")}>{T.addGroups}</Button>
                <Button look="primary" onPress={() => setAct("field")}>
                  {T.addField}
                </Button>
              </>
            ) : null}
            <Menu
              label={T.more(visibly(schema.title))}
              groups={[
                {
                  id: "change",
                  entries: [
                    { id: "edit", name: T.edit, onAction: () => setAct("edit") },
                    { id: "delete", name: T.remove, danger: true, onAction: () => setAct("delete") },
                  ],
                },
              ]}
            >
              <IconButton icon="more" look="plain" label={T.more(visibly(schema.title))} />
            </Menu>
          </>
        ) : null
      }
    >
      <div className="two-columns">
        <section className="panel fields-panel" aria-labelledby="fields">
          <h2 id="fields">{T.fields}</h2>
          <FieldTree
            fields={fields}
            chosen={chosen?.path ?? ""}
            onChoose={(path) => address.set({ field: path })}
          />
        </section>
        <div className="stack">
          <FieldPanel
            schema={schema}
            field={chosen}
            mayEdit={mayEdit}
            own={own}
            onLabels={() => setAct("labels")}
            onEdit={() => setAct("editField")}
          />
          <MadeOf schema={schema} onRemove={mayEdit ? setLeaving : null} />
          <UsedBy schema={schema} />
          <section className="panel" aria-labelledby="facts">
            <h2 id="facts">{T.facts}</h2>
            <Facts schema={schema} />
          </section>
        </div>
      </div>
      {act === "field" ? (
        <AddField schema={schema} fields={fields} groups={groups.isPending ? null : own} onClose={done} />
      ) : null}
      {act === "groups" ? <AddGroups schema={schema} onClose={done} /> : null}
      {act === "edit" ? <EditSchema schema={schema} onClose={done} /> : null}
      {act === "labels" && chosen ? <EditFieldLabels schema={schema} field={chosen} onClose={done} /> : null}
      {act === "editField" && chosen ? (
        <EditField schema={schema} field={chosen} own={own} onClose={done} />
      ) : null}
      {leaving ? <RemoveGroup schema={schema} group={leaving} onClose={() => setLeaving(null)} /> : null}
      {act === "delete" ? (
        <DeleteSchema schema={schema} onClose={done} onDeleted={() => navigate(pathOf(sandbox, "schemas"))} />
      ) : null}
    </Page>
  );
}

interface MadeOfProps {
  schema: Resource;
  onRemove: ((group: Resource) => void) | null;
}

/** The class and the field groups, each with where it comes from. */
function MadeOf({ schema, onRemove }: MadeOfProps) {
  const sandbox = useSandbox();
  const classes = useQuery(knownQuery(sandbox, "classes"));
  const groups = useQuery(knownQuery(sandbox, "fieldgroups"));
  const known = new Map(
    [classes.data, groups.data].flatMap((kind) =>
      [...(kind?.own ?? []), ...(kind?.standard ?? [])].map((one) => [one.$id, one] as const),
    ),
  );
  return (
    <section className="panel" aria-labelledby="made-of">
      <h2 id="made-of">{T.madeOf}</h2>
      <ul className="rows">
        {(schema.allOf ?? []).map((part) => {
          const one = known.get(part.$ref);
          const isClass = part.$ref === schema["meta:class"];
          const title = visibly(one?.title ?? part.$ref);
          return (
            <li key={part.$ref}>
              <div className="made-of">
                <Hostile>{one?.title ?? part.$ref}</Hostile>
                <span className="muted">
                  {isClass ? T.class : T.group}, {one?.["meta:containerId"] === "tenant" ? T.own : T.standard}
                </span>
              </div>
              {onRemove && one && !isClass ? (
                <IconButton icon="close" label={T.removeGroup(title)} onPress={() => onRemove(one)} />
              ) : null}
            </li>
          );
        })}
      </ul>
      {schema["meta:immutableTags"]?.includes("union") ? <p className="muted">{T.union}</p> : null}
    </section>
  );
}

function UsedBy({ schema }: { schema: Resource }) {
  const sandbox = useSandbox();
  const datasets = useQuery(datasetsOfQuery(sandbox, schema));
  return (
    <section className="panel" aria-labelledby="used-by">
      <h2 id="used-by">{T.usedBy}</h2>
      {datasets.isPending ? <Skeleton rows={2} /> : null}
      {datasets.error ? (
        <ErrorPanel what={T.usedByFailed} error={datasets.error} onRetry={() => void datasets.refetch()} />
      ) : null}
      {datasets.data?.length === 0 ? <p className="muted">{T.usedByNone}</p> : null}
      {datasets.data && datasets.data.length > 0 ? (
        <>
          <ul className="rows">
            {datasets.data.map((one) => (
              <li key={one.id}>
                <Link to={pathOf(sandbox, `datasets/${one.id}`)}>
                  <Hostile>{one.name}</Hostile>
                </Link>
              </li>
            ))}
          </ul>
          <p className="muted">{T.frozen(datasets.data.length)}</p>
        </>
      ) : null}
    </section>
  );
}

function Facts({ schema }: { schema: Resource }) {
  const told = schema["meta:registryMetadata"];
  return (
    <dl className="facts">
      <dt>{T.version}</dt>
      <dd>{visibly(schema.version)}</dd>
      {told ? (
        <>
          <dt>{T.created}</dt>
          <dd>
            <Time at={told["repo:createdDate"]} exact />
          </dd>
          <dt>{T.updated}</dt>
          <dd>
            <Time at={told["repo:lastModifiedDate"]} exact />
          </dd>
        </>
      ) : null}
      <dt>{T.id}</dt>
      <dd className="badges">
        <code>{visibly(schema.$id)}</code>
      </dd>
    </dl>
  );
}
