/** The accounts of the sandbox, with their health. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAddress } from "../../address";
import { checkCalls, type Health } from "../../api/checks";
import { calls, connectionsQuery, flowUsesQuery, sourcesQuery } from "../../api/queries";
import type { Connection } from "../../api/types";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { type NamedCall, Page, useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { IconButton, Link } from "../../ui/Button";
import { Select } from "../../ui/choices";
import { ErrorPanel, NothingFound, Skeleton, StatusBadge, type Tone } from "../../ui/feedback";
import { Menu } from "../../ui/overlays";
import { SearchField } from "../../ui/SearchField";
import { sorted, Table, type TableColumn } from "../../ui/Table";
import { Count, Hostile, Time, visibly } from "../../ui/text";
import { NothingYet, useSampleData } from "../sources/SampleData";
import { DeleteAccount } from "./DeleteAccount";
import { EditAccount } from "./EditAccount";
import { useHealth } from "./health";
import { ReplaceCredentials } from "./ReplaceCredentials";

const T = texts.accounts;

const PAGE_CALLS: NamedCall[] = [
  { ...calls.connections, title: "List the accounts" },
  { ...checkCalls.health, title: "Read the last check of each account" },
  { ...calls.flowUses, title: "List what dataflows read through" },
];

export interface Row {
  id: string;
  connection: Connection;
  name: string;
  source: string;
  health: Health;
  flows: number | null;
}

const TONES: Record<Health["state"], Tone> = {
  ok: "good",
  warning: "warn",
  failing: "bad",
  never: "neutral",
};

export function HealthBadge({ health }: { health: Health }) {
  return <StatusBadge tone={TONES[health.state]}>{T.healthNames[health.state]}</StatusBadge>;
}

export const nameOf = (connection: Connection) => connection.name || T.unnamed;

export default function Accounts() {
  const sandbox = useSandbox();
  const session = useSession();
  const address = useAddress();
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const accounts = useQuery(connectionsQuery(sandbox));
  const sources = useQuery(sourcesQuery(sandbox));
  const flows = useQuery(flowUsesQuery(sandbox));
  const sample = useSampleData();
  const { healthOf, checking, check, refused } = useHealth(sandbox);
  const [act, setAct] = useState<{ what: "edit" | "replace" | "delete"; connection: Connection } | null>(
    null,
  );
  const done = () => {
    setAct(null);
    void client.invalidateQueries({ queryKey: ["connections", sandbox] });
  };

  const titles = new Map(sources.data?.map((source) => [source.id, source.title]));
  const rows: Row[] = (accounts.data?.items ?? []).map((connection) => ({
    id: connection.id,
    connection,
    name: nameOf(connection),
    source: titles.get(connection.connectionSpec.id) ?? "",
    health: healthOf(connection.id),
    flows: flows.data ? (flows.data.counts.get(connection.id) ?? 0) : null,
  }));
  const text = address.get("q");
  const wanted = text.toLowerCase();
  const source = address.get("source");
  const health = address.get("health");
  const found = rows.filter(
    (row) =>
      (row.name.toLowerCase().includes(wanted) || row.id === wanted) &&
      (!source || row.connection.connectionSpec.id === source) &&
      (!health || row.health.state === health),
  );
  const used = [
    ...new Set([...rows.map((row) => row.connection.connectionSpec.id), ...(source ? [source] : [])]),
  ];
  const by = address.get("sort") || "-updated";
  const sort = {
    column: by.replace(/^-/, ""),
    direction: by.startsWith("-") ? ("descending" as const) : ("ascending" as const),
  };
  const may = (permission: string) => session.permissions.includes(permission);
  const mayAdd = may("manage-sources") && may("manage-secrets");
  const open = (id: string) => navigate(pathOf(sandbox, `sources/accounts/${id}`));

  const columns: TableColumn<Row>[] = [
    {
      id: "name",
      name: T.columns.name,
      rowHeader: true,
      key: (row) => row.name,
      cell: (row) => (
        <Link to={pathOf(sandbox, `sources/accounts/${row.id}`)}>
          <Hostile>{row.name}</Hostile>
        </Link>
      ),
    },
    { id: "source", name: T.columns.source, key: (row) => row.source, cell: (row) => visibly(row.source) },
    {
      id: "auth",
      name: T.columns.auth,
      key: (row) => row.connection.auth?.specName ?? "",
      cell: (row) => visibly(texts.newAccount.wayName(row.connection.auth?.specName ?? texts.common.none)),
    },
    {
      id: "health",
      name: T.columns.health,
      key: (row) => ({ failing: 0, warning: 1, never: 2, ok: 3 })[row.health.state],
      cell: (row) => (
        <span className="cell-with-icon">
          {checking.has(row.id) ? (
            <StatusBadge tone="info">{T.healthNames.checking}</StatusBadge>
          ) : row.connection.state === "draft" && row.health.state === "never" ? (
            <StatusBadge tone="neutral">{T.healthNames.draft}</StatusBadge>
          ) : (
            <HealthBadge health={row.health} />
          )}
          {row.health.at ? (
            <span className="muted">
              <Time at={row.health.at} />
            </span>
          ) : null}
        </span>
      ),
    },
    {
      id: "flows",
      name: T.columns.flows,
      numeric: true,
      key: (row) => row.flows ?? 0,
      cell: (row) => (row.flows === null ? "" : <Count value={row.flows} />),
    },
    {
      id: "by",
      name: T.columns.by,
      key: (row) => row.connection.createdBy,
      cell: (row) => (
        <span className="clipped">
          {row.connection.createdClient === session.clientId
            ? texts.common.you
            : visibly(row.connection.createdBy)}
        </span>
      ),
    },
    {
      id: "updated",
      name: T.columns.updated,
      key: (row) => row.connection.updatedAt,
      cell: (row) => <Time at={row.connection.updatedAt} />,
    },
    {
      id: "actions",
      name: T.columns.actions,
      quiet: true,
      pinned: true,
      cell: (row) => (
        <Menu
          label={T.menu(visibly(row.name))}
          groups={[
            {
              id: "look",
              entries: [
                ...(may("manage-sources")
                  ? [
                      {
                        id: "add",
                        name: texts.catalog.addData,
                        onAction: () => navigate(pathOf(sandbox, `flows/new?account=${row.id}`)),
                      },
                    ]
                  : []),
                { id: "open", name: T.open, onAction: () => open(row.id) },
                { id: "check", name: T.check, onAction: () => void check(row.id) },
              ],
            },
            ...(may("manage-sources")
              ? [
                  {
                    id: "change",
                    entries: [
                      {
                        id: "edit",
                        name: T.edit,
                        onAction: () => setAct({ what: "edit" as const, connection: row.connection }),
                      },
                      ...(may("manage-secrets")
                        ? [
                            {
                              id: "replace",
                              name: T.replace,
                              onAction: () =>
                                setAct({ what: "replace" as const, connection: row.connection }),
                            },
                          ]
                        : []),
                      {
                        id: "delete",
                        name: T.remove,
                        danger: true,
                        onAction: () => setAct({ what: "delete" as const, connection: row.connection }),
                      },
                    ],
                  },
                ]
              : []),
          ]}
        >
          <IconButton icon="more" size="small" label={T.menu(visibly(row.name))} />
        </Menu>
      ),
    },
  ];

  const add = mayAdd ? (
    <Link to={pathOf(sandbox, "sources/accounts/new")} className="button primary normal">
      {T.add}
    </Link>
  ) : null;

  const isEmpty = accounts.data !== undefined && rows.length === 0;

  return (
    <Page
      title={T.title}
      lead={T.lead}
      actions={add}
      calls={isEmpty ? [...PAGE_CALLS, ...(sample?.calls ?? [])] : PAGE_CALLS}
    >
      {accounts.error && !accounts.data ? (
        <ErrorPanel what={T.failed} error={accounts.error} onRetry={() => void accounts.refetch()} />
      ) : null}
      {accounts.isPending ? <Skeleton /> : null}
      {refused ? <ErrorPanel what={texts.check.couldNot} error={refused} /> : null}
      {isEmpty ? (
        <NothingYet icon="key" title={T.emptyTitle} add={add} sample={sample}>
          {T.empty}
        </NothingYet>
      ) : null}
      {rows.length > 0 ? (
        <>
          <div className="tool-bar">
            <SearchField label={T.search} value={text} onChange={(q) => address.set({ q })} />
            <Select
              inline
              label={T.source}
              value={source || "any"}
              onChange={(id) => address.set({ source: id === "any" ? "" : id })}
              options={[
                { id: "any", name: T.anySource },
                ...used.map((id) => ({ id, name: visibly(titles.get(id) ?? id) })),
              ]}
            />
            <Select
              inline
              label={T.health}
              value={health || "any"}
              onChange={(id) => address.set({ health: id === "any" ? "" : id })}
              options={[
                { id: "any", name: T.anyHealth },
                ...(["ok", "warning", "failing", "never"] as const).map((id) => ({
                  id,
                  name: T.healthNames[id],
                })),
              ]}
            />
            <p className="result-count" role="status">
              {T.shown(found.length, rows.length)}
            </p>
          </div>
          {accounts.data?.more ? <p className="banner">{T.more}</p> : null}
          {found.length === 0 ? (
            <NothingFound
              title={T.emptyFilteredTitle}
              onClear={() => address.set({ q: "", source: "", health: "" })}
            >
              {T.emptyFiltered}
            </NothingFound>
          ) : (
            <Table
              label={T.table}
              place="accounts"
              columns={columns}
              rows={sorted(found, columns, sort)}
              sort={sort}
              onSort={(next) =>
                address.set({ sort: `${next.direction === "descending" ? "-" : ""}${next.column}` })
              }
              onOpen={open}
              textOf={(row) => visibly(row.name)}
            />
          )}
        </>
      ) : null}
      {act?.what === "edit" ? <EditAccount connection={act.connection} onClose={done} /> : null}
      {act?.what === "replace" ? <ReplaceCredentials connection={act.connection} onClose={done} /> : null}
      {act?.what === "delete" ? (
        <DeleteAccount connection={act.connection} onClose={done} onDeleted={done} />
      ) : null}
    </Page>
  );
}
