/** The sandboxes of the organisation. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAddress } from "../../address";
import type { Sandbox } from "../../api/types";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { Page, useSandbox } from "../../shell/page";
import { Button, IconButton, Link } from "../../ui/Button";
import { ErrorPanel, Skeleton, StatusBadge } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Menu } from "../../ui/overlays";
import { sorted, Table, type TableColumn } from "../../ui/Table";
import { Hostile, Time, visibly } from "../../ui/text";
import { EmptySandbox } from "./EmptySandbox";
import { NewSandbox } from "./NewSandbox";
import { allSandboxesQuery, calls } from "./queries";
import { RenameSandbox } from "./RenameSandbox";
import { sandboxTexts as T } from "./texts";
import "./administration.css";

interface Row {
  id: string;
  sandbox: Sandbox;
  created: number;
}

// The wire says `2026-11-30 10:36:10`, in UTC.
const timeOf = (text: string) => Date.parse(`${text.replace(" ", "T")}Z`);

export default function Sandboxes() {
  const here = useSandbox();
  const session = useSession();
  const address = useAddress();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const sandboxes = useQuery(allSandboxesQuery);
  const [act, setAct] = useState<{ what: "rename" | "reset" | "delete"; sandbox: Sandbox } | null>(null);
  const may = session.permissions.includes("administer");
  const rows: Row[] = (sandboxes.data ?? []).map((sandbox) => ({
    id: sandbox.name,
    sandbox,
    created: timeOf(sandbox.createdDate),
  }));
  const by = address.get("sort") || "title";
  const sort = {
    column: by.replace(/^-/, ""),
    direction: by.startsWith("-") ? ("descending" as const) : ("ascending" as const),
  };
  const changed = async () => {
    setAct(null);
    await client.invalidateQueries({ queryKey: ["sandboxes"] });
  };

  const columns: TableColumn<Row>[] = [
    {
      id: "title",
      name: T.columns.title,
      rowHeader: true,
      key: (row) => row.sandbox.title,
      cell: (row) => (
        <span className="cell-with-icon">
          <span className="sandbox-dot" data-kind={row.sandbox.type} />
          <Link to={pathOf(row.id, "sources")}>
            <Hostile>{row.sandbox.title || row.id}</Hostile>
          </Link>
          {row.id === here ? <span className="chip">{T.here}</span> : null}
          {row.sandbox.isDefault ? <span className="chip">{T.isDefault}</span> : null}
        </span>
      ),
    },
    {
      id: "name",
      name: T.columns.name,
      key: (row) => row.id,
      cell: (row) => <code>{visibly(row.id)}</code>,
    },
    {
      id: "type",
      name: T.columns.type,
      key: (row) => row.sandbox.type,
      cell: (row) => T.types[row.sandbox.type] ?? visibly(row.sandbox.type),
    },
    {
      id: "state",
      name: T.columns.state,
      key: (row) => row.sandbox.state,
      cell: (row) => (
        <StatusBadge
          tone={row.sandbox.state === "active" ? "good" : row.sandbox.state === "failed" ? "bad" : "info"}
        >
          {T.states[row.sandbox.state] ?? visibly(row.sandbox.state)}
        </StatusBadge>
      ),
    },
    {
      id: "created",
      name: T.columns.created,
      key: (row) => row.created,
      cell: (row) => <Time at={row.created} />,
    },
    {
      id: "actions",
      name: T.columns.actions,
      quiet: true,
      pinned: true,
      cell: (row) => {
        const name = visibly(row.sandbox.title || row.id);
        const start = (what: "rename" | "reset" | "delete") => () => setAct({ what, sandbox: row.sandbox });
        return (
          <Menu
            label={T.menu(name)}
            groups={[
              {
                id: "look",
                entries: [{ id: "open", name: T.open, onAction: () => navigate(pathOf(row.id, "sources")) }],
              },
              ...(may && row.sandbox.state === "active"
                ? [
                    {
                      id: "change",
                      entries: [
                        { id: "rename", name: T.edit, onAction: start("rename") },
                        { id: "reset", name: T.reset, danger: true, onAction: start("reset") },
                        { id: "delete", name: T.remove, danger: true, onAction: start("delete") },
                      ],
                    },
                  ]
                : []),
            ]}
          >
            <IconButton icon="more" size="small" label={T.menu(name)} />
          </Menu>
        );
      },
    },
  ];

  return (
    <Page
      title={T.title}
      lead={T.lead}
      actions={
        may ? (
          <Button look="primary" onPress={() => address.set({ new: "sandbox" }, "push")}>
            {T.add}
          </Button>
        ) : null
      }
      calls={[
        { ...calls.sandboxes, title: T.listCall, ofOrg: true },
        ...(may
          ? [
              {
                ...calls.createSandbox({ name: "shop-dev", title: "Shop development", type: "development" }),
                title: T.createCall,
                ofOrg: true,
              },
            ]
          : []),
      ]}
    >
      {sandboxes.error && !sandboxes.data ? (
        <ErrorPanel what={T.failed} error={sandboxes.error} onRetry={() => void sandboxes.refetch()} />
      ) : null}
      {sandboxes.isPending ? <Skeleton rows={3} /> : null}
      {may ? null : (
        <p className="banner">
          <Icon name="shield" />
          {T.forbidden}
        </p>
      )}
      {sandboxes.data ? (
        <>
          <p className="result-count" role="status">
            {T.count(rows.length)}
          </p>
          <Table
            label={T.table}
            columns={columns}
            rows={sorted(rows, columns, sort)}
            sort={sort}
            onSort={(next) =>
              address.set({ sort: `${next.direction === "descending" ? "-" : ""}${next.column}` })
            }
            textOf={(row) => visibly(row.sandbox.title)}
          />
        </>
      ) : null}
      {may && address.get("new") === "sandbox" ? (
        <NewSandbox
          onClose={() => {
            address.set({ new: "" });
            void changed();
          }}
        />
      ) : null}
      {act?.what === "rename" ? <RenameSandbox sandbox={act.sandbox} onClose={() => void changed()} /> : null}
      {act?.what === "reset" || act?.what === "delete" ? (
        <EmptySandbox
          sandbox={act.sandbox}
          what={act.what}
          onClose={() => setAct(null)}
          onDone={() => {
            const left = act.sandbox.name === here && act.what === "delete";
            void changed().then(() => (left ? navigate("/") : undefined));
          }}
        />
      ) : null}
    </Page>
  );
}
