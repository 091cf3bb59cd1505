/** The credentials of the organisation, and what each may do. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAddress } from "../../address";
import { useHeldSession, useSession } from "../../session";
import { Page } from "../../shell/page";
import { Button, IconButton } from "../../ui/Button";
import { ErrorPanel, Skeleton } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Menu } from "../../ui/overlays";
import { Table, type TableColumn } from "../../ui/Table";
import { Hostile, Time, visibly } from "../../ui/text";
import { EditCredential } from "./EditCredential";
import { NewCredential } from "./NewCredential";
import { type Credential, type CredentialSecret, calls, credentialsQuery } from "./queries";
import { RevokeCredential } from "./RevokeCredential";
import { RotateCredential } from "./RotateCredential";
import { SecretOnce } from "./SecretOnce";
import { TokenHelp } from "./TokenHelp";
import { PERMISSIONS, credentialTexts as T } from "./texts";
import "./administration.css";

interface Row {
  id: string;
  credential: Credential;
}

/** A credential's name, or what stands for one. */
export const nameOf = (credential: Credential) => visibly(credential.name || T.first);

export default function Credentials() {
  const session = useSession();
  const held = useHeldSession();
  const address = useAddress();
  const client = useQueryClient();
  const may = session.permissions.includes("administer");
  const credentials = useQuery({ ...credentialsQuery, enabled: may });
  const [act, setAct] = useState<{ what: "edit" | "rotate" | "revoke"; credential: Credential } | null>(null);
  // Here alone: it is gone with the dialog.
  const [secret, setSecret] = useState<CredentialSecret | null>(null);
  const rows: Row[] = (credentials.data ?? []).map((credential) => ({ id: credential.clientId, credential }));
  const token = address.get("token");
  const changed = async () => {
    setAct(null);
    await client.invalidateQueries({ queryKey: ["credentials"] });
  };
  const told = (made: CredentialSecret) => {
    address.set({ new: "" });
    setSecret(made);
    void changed();
  };

  const columns: TableColumn<Row>[] = [
    {
      id: "name",
      name: T.columns.name,
      rowHeader: true,
      cell: ({ credential }) => (
        <span className="cell-with-icon">
          <Hostile>{credential.name || T.first}</Hostile>
          {credential.clientId === session.clientId ? <span className="chip">{T.you}</span> : null}
        </span>
      ),
    },
    {
      id: "client",
      name: T.columns.client,
      cell: ({ id }) => (
        <code className="clipped client-id" title={id}>
          {visibly(id)}
        </code>
      ),
    },
    ...PERMISSIONS.map(
      (permission): TableColumn<Row> => ({
        id: permission.id,
        name: permission.short,
        cell: ({ credential }) => {
          const granted = credential.permissions.includes(permission.id);
          return (
            <span className={granted ? "granted" : "not-granted"} title={permission.name}>
              <Icon name={granted ? "check" : "skip"} />
              <span className="visually-hidden">{granted ? T.yes : T.no}</span>
            </span>
          );
        },
      }),
    ),
    {
      id: "changed",
      name: T.columns.changed,
      cell: ({ credential }) => <Time at={credential.secretChangedAt} />,
    },
    {
      id: "actions",
      name: T.columns.actions,
      quiet: true,
      pinned: true,
      cell: ({ id, credential }) => (
        <Menu
          label={T.menu(nameOf(credential))}
          groups={[
            {
              id: "use",
              entries: [
                { id: "token", name: T.token, onAction: () => address.set({ token: id }, "push") },
                { id: "edit", name: T.edit, onAction: () => setAct({ what: "edit", credential }) },
              ],
            },
            {
              id: "end",
              entries: [
                { id: "rotate", name: T.rotate, onAction: () => setAct({ what: "rotate", credential }) },
                {
                  id: "revoke",
                  name: T.revoke,
                  danger: true,
                  onAction: () => setAct({ what: "revoke", credential }),
                },
              ],
            },
          ]}
        >
          <IconButton icon="more" size="small" label={T.menu(nameOf(credential))} />
        </Menu>
      ),
    },
  ];

  return (
    <Page
      title={T.title}
      lead={T.lead}
      actions={
        may ? (
          <Button look="primary" onPress={() => address.set({ new: "credential" }, "push")}>
            {T.add}
          </Button>
        ) : null
      }
      calls={
        may
          ? [
              { ...calls.credentials, title: T.listCall, ofOrg: true },
              {
                ...calls.createCredential({ name: "Nightly loader", permissions: ["view-sources", "run"] }),
                title: T.createCall,
                ofOrg: true,
              },
            ]
          : []
      }
    >
      <section className="panel" aria-labelledby="yours">
        <div className="panel-title">
          <h2 id="yours">{T.yours.title}</h2>
          <Button size="small" icon="code" onPress={() => address.set({ token: session.clientId }, "push")}>
            {T.yours.token}
          </Button>
        </div>
        <p className="muted">{T.yours.lead}</p>
        <dl className="facts">
          <dt>{T.yours.client}</dt>
          <dd>
            <code>{visibly(session.clientId)}</code>
          </dd>
          <dt>{T.yours.organisation}</dt>
          <dd>
            <code>{visibly(session.orgId)}</code>
          </dd>
          <dt>{T.yours.may}</dt>
          <dd className="badges">
            {PERMISSIONS.filter((one) => session.permissions.includes(one.id)).map((one) => (
              <span key={one.id} className="chip" title={one.help}>
                {one.name}
              </span>
            ))}
          </dd>
          <dt>{T.yours.until}</dt>
          <dd>
            <Time at={session.expiresAt} exact />
          </dd>
        </dl>
      </section>
      {may ? null : (
        <p className="banner">
          <Icon name="shield" />
          {T.forbidden}
        </p>
      )}
      {credentials.error && !credentials.data ? (
        <ErrorPanel what={T.failed} error={credentials.error} onRetry={() => void credentials.refetch()} />
      ) : null}
      {may && credentials.isPending ? <Skeleton rows={3} /> : null}
      {credentials.data ? (
        <>
          <p className="result-count" role="status">
            {T.count(rows.length)}
          </p>
          <Table
            label={T.table}
            columns={columns}
            rows={rows}
            textOf={({ credential }) => nameOf(credential)}
          />
        </>
      ) : null}
      {may && address.get("new") === "credential" ? (
        <NewCredential onClose={() => address.set({ new: "" })} onMade={told} />
      ) : null}
      {act?.what === "edit" ? (
        <EditCredential
          credential={act.credential}
          onClose={() => setAct(null)}
          onSaved={() => {
            // What the viewer may do may be another thing now.
            if (act.credential.clientId === session.clientId) held.retry();
            void changed();
          }}
        />
      ) : null}
      {act?.what === "rotate" ? (
        <RotateCredential credential={act.credential} onClose={() => setAct(null)} onMade={told} />
      ) : null}
      {act?.what === "revoke" ? (
        <RevokeCredential
          credential={act.credential}
          isOwn={act.credential.clientId === session.clientId}
          onClose={() => setAct(null)}
          onDone={() => void changed()}
        />
      ) : null}
      {secret ? <SecretOnce made={secret} onClose={() => setSecret(null)} /> : null}
      {token ? (
        <TokenHelp clientId={token} orgId={session.orgId} onClose={() => address.set({ token: "" })} />
      ) : null}
    </Page>
  );
}
