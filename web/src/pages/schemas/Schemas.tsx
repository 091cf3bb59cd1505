/** The schemas of the sandbox. */
import { useQuery } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { useAddress } from "../../address";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { Page, useSandbox } from "../../shell/page";
import { Button, Link } from "../../ui/Button";
import { Select } from "../../ui/choices";
import { EmptyState, ErrorPanel, NothingFound, Skeleton, StatusBadge } from "../../ui/feedback";
import { SearchField } from "../../ui/SearchField";
import { sorted, Table, type TableColumn } from "../../ui/Table";
import { Count, Hostile, Time, visibly } from "../../ui/text";
import { NewSchema } from "./NewSchema";
import { calls, knownQuery, type Resource, schemasQuery } from "./queries";
import { texts as T } from "./texts";
import "./schemas.css";

interface Row {
  id: string;
  schema: Resource;
  class: string;
  groups: number;
  updated: number;
}

export default function Schemas() {
  const sandbox = useSandbox();
  const session = useSession();
  const address = useAddress();
  const [, navigate] = useLocation();
  const schemas = useQuery(schemasQuery(sandbox));
  const classes = useQuery(knownQuery(sandbox, "classes"));
  const titles = new Map(
    [...(classes.data?.own ?? []), ...(classes.data?.standard ?? [])].map((one) => [one.$id, one.title]),
  );
  const rows: Row[] = (schemas.data ?? []).map((schema) => ({
    id: schema["meta:altId"],
    schema,
    class: titles.get(schema["meta:class"] ?? "") ?? (schema["meta:class"] ?? "").split("/").pop() ?? "",
    groups: (schema.allOf ?? []).filter((part) => part.$ref !== schema["meta:class"]).length,
    updated: schema["meta:registryMetadata"]?.["repo:lastModifiedDate"] ?? 0,
  }));
  const text = address.get("q").toLowerCase();
  const chosen = address.get("class");
  const found = rows.filter(
    (row) =>
      `${row.schema.title} ${row.schema.$id}`.toLowerCase().includes(text) &&
      (!chosen || row.schema["meta:class"] === chosen),
  );
  const by = address.get("sort") || "-updated";
  const sort = {
    column: by.replace(/^-/, ""),
    direction: by.startsWith("-") ? ("descending" as const) : ("ascending" as const),
  };
  const mayAdd = session.permissions.includes("manage-sources");
  const used = [...new Set(rows.map((row) => row.schema["meta:class"] ?? ""))].filter(Boolean);

  const columns: TableColumn<Row>[] = [
    {
      id: "title",
      name: T.columns.title,
      rowHeader: true,
      key: (row) => row.schema.title,
      cell: (row) => (
        <Link to={pathOf(sandbox, `schemas/${row.id}`)}>
          <Hostile>{row.schema.title}</Hostile>
        </Link>
      ),
    },
    {
      id: "class",
      name: T.columns.class,
      key: (row) => row.class,
      cell: (row) => <Hostile>{row.class}</Hostile>,
    },
    {
      id: "groups",
      name: T.columns.groups,
      numeric: true,
      key: (row) => row.groups,
      cell: (row) => <Count value={row.groups} />,
    },
    { id: "version", name: T.columns.version, cell: (row) => visibly(row.schema.version) },
    {
      id: "union",
      name: T.columns.union,
      cell: (row) =>
        row.schema["meta:immutableTags"]?.includes("union") ? (
          <StatusBadge tone="info" icon="check">
            {T.inUnion}
          </StatusBadge>
        ) : null,
    },
    {
      id: "updated",
      name: T.columns.updated,
      key: (row) => row.updated,
      cell: (row) => <Time at={row.updated} />,
    },
  ];

  const add = mayAdd ? (
    <Button look="primary" onPress={() => address.set({ new: "schema" }, "push")}>
      {T.add}
    </Button>
  ) : null;

  return (
    <Page
      title={T.title}
      lead={T.lead}
      actions={add}
      calls={[
        { ...calls.list("schemas"), title: T.listCall },
        ...(mayAdd
          ? [
              {
                ...calls.create("schemas", {
                  title: "…",
                  type: "object",
                  allOf: [{ $ref: "https://ns.adobe.com/xdm/context/profile" }],
                }),
                title: T.create.call,
              },
            ]
          : []),
      ]}
    >
      {schemas.error && !schemas.data ? (
        <ErrorPanel what={T.failed} error={schemas.error} onRetry={() => void schemas.refetch()} />
      ) : null}
      {schemas.isPending ? <Skeleton /> : null}
      {schemas.data && rows.length === 0 ? (
        <EmptyState icon="tree" title={T.emptyTitle} action={add}>
          {T.empty}
        </EmptyState>
      ) : null}
      {rows.length > 0 ? (
        <>
          <div className="tool-bar">
            <SearchField label={T.search} value={address.get("q")} onChange={(q) => address.set({ q })} />
            <Select
              inline
              label={T.class}
              value={chosen || "any"}
              onChange={(id) => address.set({ class: id === "any" ? "" : id })}
              options={[
                { id: "any", name: T.anyClass },
                ...used.map((id) => ({ id, name: visibly(titles.get(id) ?? id) })),
              ]}
            />
            <p className="result-count" role="status">
              {T.shown(found.length, rows.length)}
            </p>
          </div>
          {found.length === 0 ? (
            <NothingFound
              title={T.emptyFilteredTitle}
              clear={T.clear}
              onClear={() => address.set({ q: "", class: "" })}
            >
              {T.emptyFiltered}
            </NothingFound>
          ) : (
            <Table
              label={T.table}
              columns={columns}
              rows={sorted(found, columns, sort)}
              sort={sort}
              onSort={(next) =>
                address.set({ sort: `${next.direction === "descending" ? "-" : ""}${next.column}` })
              }
              onOpen={(id) => navigate(pathOf(sandbox, `schemas/${id}`))}
              textOf={(row) => visibly(row.schema.title)}
            />
          )}
        </>
      ) : null}
      {mayAdd && address.get("new") === "schema" ? (
        <NewSchema
          onClose={() => address.set({ new: "" })}
          onMade={(id) => navigate(pathOf(sandbox, `schemas/${id}`))}
        />
      ) : null}
    </Page>
  );
}
