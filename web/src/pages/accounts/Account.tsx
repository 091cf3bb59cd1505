/** One account: what it is, whether it works, and which dataflows read through it. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useParams } from "wouter";
import { checkCalls, type Health, type Step } from "../../api/checks";
import { ApiError } from "../../api/client";
import { calls, connectionQuery, flowsOfQuery, sourcesQuery } from "../../api/queries";
import type { Connection } from "../../api/types";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { type NamedCall, Page, useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button, IconButton, Link } from "../../ui/Button";
import { CheckList } from "../../ui/CheckList";
import { EmptyState, ErrorPanel, Skeleton, StatusBadge } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Menu } from "../../ui/overlays";
import { Hostile, sentence, Time, visibly } from "../../ui/text";
import { HealthBadge, nameOf } from "./Accounts";
import { DeleteAccount } from "./DeleteAccount";
import { EditAccount } from "./EditAccount";
import { useHealth } from "./health";
import { ReplaceCredentials } from "./ReplaceCredentials";

const T = texts.account;

export default function Account() {
  const sandbox = useSandbox();
  const id = useParams<{ id: string }>().id ?? "";
  const account = useQuery(connectionQuery(sandbox, id));
  const crumbs = [{ name: texts.accounts.title, to: pathOf(sandbox, "sources/accounts") }];
  if (account.data) return <Shown connection={account.data} crumbs={crumbs} />;
  const missing = account.error instanceof ApiError && [400, 404].includes(account.error.status);
  return (
    <Page title={T.one} crumbs={crumbs} calls={[{ ...calls.connection(id), title: "Read the account" }]}>
      {account.isPending ? <Skeleton rows={4} /> : null}
      {missing ? (
        <EmptyState
          icon="key"
          title={T.notFoundTitle}
          action={
            <Link to={pathOf(sandbox, "sources/accounts")} className="button primary normal">
              {T.back}
            </Link>
          }
        >
          {T.notFound}
        </EmptyState>
      ) : null}
      {account.error && !missing ? (
        <ErrorPanel what={T.failed} error={account.error} onRetry={() => void account.refetch()} />
      ) : null}
    </Page>
  );
}

function Shown({ connection, crumbs }: { connection: Connection; crumbs: { name: string; to: string }[] }) {
  const sandbox = useSandbox();
  const session = useSession();
  const [, navigate] = useLocation();
  const { data: sources } = useQuery(sourcesQuery(sandbox));
  const { healthOf, checking, check, refused } = useHealth(sandbox);
  const health = healthOf(connection.id);
  const busy = checking.has(connection.id);
  const [act, setAct] = useState<"edit" | "replace" | "delete" | null>(null);
  const [steps, setSteps] = useState<Step[]>([]);
  const name = nameOf(connection);
  const may = (permission: string) => session.permissions.includes(permission);

  const pageCalls: NamedCall[] = [
    { ...calls.connection(connection.id), title: "Read the account" },
    { ...checkCalls.of(connection.id), title: "Check the account" },
    { ...calls.flowsOf(connection.id), title: "List the dataflows that read through it" },
  ];
  const params = Object.entries(connection.auth?.params ?? {});
  const schema = sources
    ?.find((one) => one.id === connection.connectionSpec.id)
    ?.auths.find((one) => one.name === connection.auth?.specName)?.spec;

  return (
    <Page
      title={visibly(name)}
      heading={<Hostile>{name}</Hostile>}
      crumbs={crumbs}
      calls={pageCalls}
      actions={
        may("manage-sources") ? (
          <>
            <Link
              to={pathOf(sandbox, `flows/new?account=${connection.id}`)}
              className="button primary normal"
            >
              {texts.catalog.addData}
            </Link>
            <Button onPress={() => setAct("edit")}>{texts.accounts.edit}</Button>
            <Menu
              label={texts.accounts.menu(visibly(name))}
              groups={[
                {
                  id: "change",
                  entries: [
                    ...(may("manage-secrets")
                      ? [{ id: "replace", name: texts.accounts.replace, onAction: () => setAct("replace") }]
                      : []),
                    {
                      id: "delete",
                      name: texts.accounts.remove,
                      danger: true,
                      onAction: () => setAct("delete"),
                    },
                  ],
                },
              ]}
            >
              <IconButton icon="more" look="plain" label={texts.accounts.menu(visibly(name))} />
            </Menu>
          </>
        ) : null
      }
    >
      <div className="two-columns">
        <div className="stack">
          <section className="panel" aria-labelledby="summary">
            <h2 id="summary">{T.summary}</h2>
            <dl className="facts">
              <dt>{T.description}</dt>
              <dd>
                {connection.description ? (
                  <Hostile>{connection.description}</Hostile>
                ) : (
                  <span className="muted">{T.noDescription}</span>
                )}
              </dd>
              <dt>{texts.accounts.columns.source}</dt>
              <dd>{visibly(sources?.find((one) => one.id === connection.connectionSpec.id)?.title ?? "")}</dd>
              <dt>{T.health}</dt>
              <dd>
                {connection.state === "draft" && health.state === "never" ? (
                  <StatusBadge tone="neutral">{texts.accounts.draft}</StatusBadge>
                ) : (
                  <HealthBadge health={health} />
                )}
              </dd>
              <dt>{texts.accounts.columns.created}</dt>
              <dd>
                <Time at={connection.createdAt} exact />
              </dd>
              <dt>{texts.accounts.columns.updated}</dt>
              <dd>
                <Time at={connection.updatedAt} exact />
              </dd>
              <dt>{T.id}</dt>
              <dd>
                <code>{visibly(connection.id)}</code>
              </dd>
            </dl>
          </section>
          <section className="panel" aria-labelledby="credentials">
            <h2 id="credentials">{T.credentials}</h2>
            <dl className="facts">
              <dt>{texts.accounts.columns.auth}</dt>
              <dd>{visibly(texts.newAccount.wayName(connection.auth?.specName ?? texts.common.none))}</dd>
              {params.map(([param, value]) => (
                <Param
                  key={param}
                  title={visibly(schema?.properties?.[param]?.title ?? param)}
                  value={value}
                  at={connection.updatedAt}
                />
              ))}
            </dl>
            <p className="muted">{T.secretNote}</p>
            {may("manage-secrets") && may("manage-sources") ? (
              <Button icon="key" size="small" onPress={() => setAct("replace")}>
                {texts.accounts.replace}
              </Button>
            ) : null}
          </section>
          <UsedBy id={connection.id} />
        </div>
        <section className="side-panel" aria-labelledby="check" aria-busy={busy}>
          <div className="panel-title">
            <h2 id="check">{T.checkTitle}</h2>
            <Button size="small" isPending={busy} onPress={() => void check(connection.id).then(setSteps)}>
              {busy ? texts.newAccount.checking : texts.accounts.check}
            </Button>
          </div>
          <p className="muted">{T.checkLead}</p>
          {refused ? <ErrorPanel what={texts.check.couldNot} error={refused} /> : null}
          {steps.length > 0 ? <CheckList steps={steps} /> : <LastCheck health={health} />}
        </section>
      </div>
      {act === "edit" ? <EditAccount connection={connection} onClose={() => setAct(null)} /> : null}
      {act === "replace" ? <ReplaceCredentials connection={connection} onClose={() => setAct(null)} /> : null}
      {act === "delete" ? (
        <DeleteAccount
          connection={connection}
          onClose={() => setAct(null)}
          onDeleted={() => navigate(pathOf(sandbox, "sources/accounts"))}
        />
      ) : null}
    </Page>
  );
}

/** What is kept of the last check: when it was, and the step that failed. */
function LastCheck({ health }: { health: Health }) {
  if (health.at === null) return <p>{T.checkNever}</p>;
  return (
    <>
      <p>
        {health.failed ? T.checkFailed : T.checkPassed} <Time at={health.at} />
      </p>
      {health.warnings.map((warning) => (
        <p key={warning} className="check-warning">
          <Icon name="warn" />
          {sentence(warning)}
        </p>
      ))}
      {health.failed ? <CheckList steps={[health.failed]} /> : null}
    </>
  );
}

const MASK = "********";

function Param({ title, value, at }: { title: string; value: unknown; at: number }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>
        {value === MASK ? (
          <span className="secret-set">
            {T.secretIs} <Time at={at} />
          </span>
        ) : (
          <Hostile>{typeof value === "string" ? value : JSON.stringify(value)}</Hostile>
        )}
      </dd>
    </>
  );
}

function UsedBy({ id }: { id: string }) {
  const sandbox = useSandbox();
  const flows = useQuery(flowsOfQuery(sandbox, id));
  return (
    <section className="panel" aria-labelledby="used-by">
      <h2 id="used-by">{T.usedBy}</h2>
      {flows.isPending ? <Skeleton rows={2} /> : null}
      {flows.error ? (
        <ErrorPanel what={T.flowsFailed} error={flows.error} onRetry={() => void flows.refetch()} />
      ) : null}
      {flows.data?.length === 0 ? <p className="muted">{T.usedByNone}</p> : null}
      {flows.data && flows.data.length > 0 ? (
        <ul className="rows">
          {flows.data.map((flow) => (
            <li key={flow.id}>
              <Link to={pathOf(sandbox, `flows/${encodeURIComponent(flow.id)}`)}>
                <Hostile>{flow.name ?? flow.id}</Hostile>
              </Link>
              <StatusBadge tone={flow.state === "enabled" ? "good" : "neutral"}>
                {T.states[flow.state ?? ""] ?? visibly(flow.state ?? "")}
              </StatusBadge>
            </li>
          ))}
        </ul>
      ) : null}
    </section>
  );
}
