/** The rows that a run rejected: by reason, one by one, tried by the mapping of today, replayed and downloaded. */
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAddress } from "../../address";
import { send } from "../../api/client";
import { sandboxesQuery } from "../../api/queries";
import type { Rejected, ReplayTrial } from "../../api/types";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/choices";
import { ErrorPanel, NothingFound, Skeleton, StatusBadge, type Tone, toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Dialog } from "../../ui/overlays";
import { Table, type TableColumn } from "../../ui/Table";
import { Count, Hostile, sentence, Time, visibly } from "../../ui/text";
import { download } from "./download";
import { rejectsQuery, runCalls, tryAgain, type WantedRejects } from "./queries";
import { isActive, type ReadRun } from "./run";
import { T } from "./texts";

const R = T.rejects;
const EVERY: WantedRejects = { code: "", field: "", state: "" };
const STATE_TONES: Record<string, Tone> = { new: "warn", replayed: "good", replayFailed: "bad" };

interface Group {
  id: string;
  code: string;
  field: string;
  message: string;
  count: number;
  waiting: number;
  wouldPass: number | null;
}

export function Rejects({ run }: { run: ReadRun }) {
  const session = useSession();
  const ended = !isActive(run) && run.undoes === null;
  if (!ended || (run.counts.rejected === 0 && run.rejections.length === 0)) return null;
  return (
    <section className="panel" aria-labelledby="rejects">
      <h2 id="rejects">{R.title}</h2>
      {run.undoneBy !== null ? (
        <p className="muted">{R.gone}</p>
      ) : session.permissions.includes("view-data") ? (
        <Shown run={run} />
      ) : (
        <p className="muted">{R.forbidden}</p>
      )}
    </section>
  );
}

/** Of a replay, the rows of the run whose rejects it replays. */
function Shown({ run }: { run: ReadRun }) {
  const sandbox = useSandbox();
  const session = useSession();
  const address = useAddress();
  const wanted = { code: address.get("code"), field: address.get("field"), state: address.get("state") };
  const rejects = useInfiniteQuery(rejectsQuery(sandbox, run.id, wanted));
  // Reasons and acts are of all rows, whichever of them are listed.
  const all = useInfiniteQuery(rejectsQuery(sandbox, run.id, EVERY));
  const [tried, setTried] = useState<{ of: string; told: ReplayTrial } | null>(null);
  const [refused, setRefused] = useState<{ what: string; error: unknown } | null>(null);
  const [trying, setTrying] = useState(false);
  const [replaying, setReplaying] = useState(false);
  const origin = run.replays ?? run.id;
  const of = `${wanted.code} ${wanted.field}`;
  const trial = tried?.of === of ? tried.told : null;
  const landed = run.state !== "failed";
  const mayRun = session.permissions.includes("run");

  const attempt = async (what: string, act: () => Promise<unknown>) => {
    setRefused(null);
    try {
      await act();
    } catch (error) {
      setRefused({ what, error });
    }
  };
  const tryThem = () =>
    attempt(R.trialFailed, async () => {
      setTrying(true);
      try {
        setTried({ of, told: await tryAgain(sandbox, origin, wanted) });
      } finally {
        setTrying(false);
      }
    });

  if (all.isPending) return <Skeleton rows={3} />;
  if (all.error && !all.data)
    return <ErrorPanel what={R.failed} error={all.error} onRetry={() => void all.refetch()} />;
  const counts = all.data?.pages[0]?.counts ?? [];
  const groups: Group[] = counts.map((one) => ({
    id: `${one.code} ${one.field}`,
    code: one.code,
    field: one.field,
    message: one.message,
    count: one.count,
    waiting: (one.states.new ?? 0) + (one.states.replayFailed ?? 0),
    wouldPass:
      trial?.codes.find((tried) => tried.code === one.code && tried.field === one.field)?.wouldPass ?? null,
  }));
  const rows = (rejects.data?.pages ?? []).flatMap((page) => page.rejects);
  const waiting = groups
    .filter(
      (one) => (!wanted.code || one.code === wanted.code) && (!wanted.field || one.field === wanted.field),
    )
    .reduce((sum, group) => sum + group.waiting, 0);
  const opened = rows.find((row) => row.id === address.get("row"));

  const groupColumns: TableColumn<Group>[] = [
    { id: "field", name: R.columns.field, rowHeader: true, cell: (one) => <Hostile>{one.field}</Hostile> },
    {
      id: "reason",
      name: R.columns.reason,
      cell: (one) => <span className="reason">{sentence(one.message)}</span>,
    },
    { id: "code", name: R.columns.code, cell: (one) => <code>{visibly(one.code)}</code> },
    { id: "count", name: R.columns.count, numeric: true, cell: (one) => <Count value={one.count} /> },
    ...(landed
      ? [
          {
            id: "waiting",
            name: R.columns.waiting,
            numeric: true,
            cell: (one: Group) => <Count value={one.waiting} />,
          },
        ]
      : []),
    ...(trial
      ? [
          {
            id: "pass",
            name: R.columns.wouldPass,
            numeric: true,
            cell: (one: Group) => (one.wouldPass === null ? "" : <Count value={one.wouldPass} />),
          },
        ]
      : []),
    {
      id: "show",
      name: R.show,
      quiet: true,
      cell: (one) => (
        <Button
          size="small"
          aria-label={R.showing(visibly(one.code), visibly(one.field))}
          onPress={() => address.set({ code: one.code, field: one.field, row: "" }, "push")}
        >
          {R.show}
        </Button>
      ),
    },
  ];
  const rowColumns: TableColumn<Rejected>[] = [
    {
      id: "key",
      name: R.columns.key,
      rowHeader: true,
      cell: (row) =>
        row.key ? (
          <Hostile>{Object.values(row.key).join(" / ")}</Hostile>
        ) : (
          <span className="muted">{R.noKey}</span>
        ),
    },
    { id: "field", name: R.columns.field, cell: (row) => <Hostile>{row.field}</Hostile> },
    {
      id: "value",
      name: R.columns.value,
      cell: (row) =>
        row.value === null ? (
          <span className="muted">{texts.common.none}</span>
        ) : (
          <Hostile>{row.value}</Hostile>
        ),
    },
    {
      id: "reason",
      name: R.columns.reason,
      cell: (row) => <span className="reason">{sentence(row.message)}</span>,
    },
    {
      id: "state",
      name: R.columns.state,
      cell: (row) => (
        <StatusBadge tone={STATE_TONES[row.state] ?? "neutral"}>
          {R.states[row.state] ?? visibly(row.state)}
        </StatusBadge>
      ),
    },
  ];

  return (
    <>
      <p className="muted">{landed ? R.lead : R.failedLead}</p>
      {refused ? <ErrorPanel what={refused.what} error={refused.error} /> : null}
      <div className="tool-bar">
        {landed && mayRun && waiting > 0 ? (
          <>
            <Button isPending={trying} onPress={() => void tryThem()}>
              {trying ? R.trying : R.try}
            </Button>
            <Button look="primary" onPress={() => setReplaying(true)}>
              {R.replay}
            </Button>
          </>
        ) : null}
        <Button
          look="quiet"
          onPress={() => void attempt(R.downloadFailed, () => download("ndjson", run.id, wanted, sandbox))}
        >
          {R.ndjson}
        </Button>
        <Button
          look="quiet"
          onPress={() => void attempt(R.downloadFailed, () => download("csv", run.id, wanted, sandbox))}
        >
          {R.csv}
        </Button>
      </div>
      <p role="status" className={trial ? "banner" : "visually-hidden"}>
        {trial
          ? `${R.trial(trial.wouldPass, trial.count, trial.mappingVersion)}${trial.hasMore ? ` ${R.trialMore}` : ""}`
          : ""}
      </p>
      <Table label={R.groups} columns={groupColumns} rows={groups} textOf={(one) => visibly(one.id)} />
      <div className="tool-bar">
        <h3>{R.rows}</h3>
        <Select
          inline
          label={R.columns.reason}
          value={wanted.code && wanted.field ? `${wanted.code} ${wanted.field}` : "any"}
          onChange={(id) => {
            const group = groups.find((one) => one.id === id);
            address.set({ code: group?.code ?? "", field: group?.field ?? "", row: "" });
          }}
          options={[
            { id: "any", name: R.any },
            ...groups.map((one) => ({ id: one.id, name: visibly(`${one.field} · ${one.code}`) })),
          ]}
        />
        <Select
          inline
          label={R.state}
          value={wanted.state || "any"}
          onChange={(id) => address.set({ state: id === "any" ? "" : id, row: "" })}
          options={[
            { id: "any", name: R.anyState },
            ...Object.entries(R.states).map(([id, name]) => ({ id, name })),
          ]}
        />
      </div>
      {rejects.isPending ? (
        <Skeleton rows={3} />
      ) : rejects.error && !rejects.data ? (
        <ErrorPanel what={R.failed} error={rejects.error} onRetry={() => void rejects.refetch()} />
      ) : rows.length === 0 ? (
        <NothingFound title={R.none} onClear={() => address.set({ code: "", field: "", state: "" })}>
          {texts.accounts.emptyFiltered}
        </NothingFound>
      ) : (
        <Table
          label={R.rowsTable}
          columns={rowColumns}
          rows={rows}
          onOpen={(id) => address.set({ row: id }, "push")}
          textOf={(row) => visibly(row.id)}
        />
      )}
      {rejects.hasNextPage ? (
        <Button isPending={rejects.isFetchingNextPage} onPress={() => void rejects.fetchNextPage()}>
          {texts.common.more}
        </Button>
      ) : null}
      {opened ? <RejectedRow row={opened} onClose={() => address.set({ row: "" })} /> : null}
      {replaying ? (
        <ReplayDialog
          run={run}
          origin={origin}
          wanted={wanted}
          count={waiting}
          onClose={() => setReplaying(false)}
        />
      ) : null}
    </>
  );
}

function RejectedRow({ row, onClose }: { row: Rejected; onClose: () => void }) {
  return (
    <Dialog title={R.row} isOpen onClose={onClose} size="sheet">
      <dl className="facts">
        <dt>{R.columns.reason}</dt>
        <dd>{sentence(row.message)}</dd>
        <dt>{R.columns.code}</dt>
        <dd>
          <code>{visibly(row.code)}</code>
        </dd>
        <dt>{R.columns.field}</dt>
        <dd>
          <Hostile>{row.field}</Hostile>
        </dd>
        <dt>{R.columns.when}</dt>
        <dd>
          <Time at={Date.parse(row.rejectedAt)} exact />
        </dd>
      </dl>
      <dl className="facts raw-row">
        {Object.entries(row.row).map(([column, value]) => (
          <div key={column} className="fact">
            <dt>
              <Hostile>{column}</Hostile>
            </dt>
            <dd>
              <Hostile>{value}</Hostile>
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

interface ReplayProps {
  run: ReadRun;
  origin: string;
  wanted: { code: string; field: string; state: string };
  count: number;
  onClose: () => void;
}

function ReplayDialog({ run, origin, wanted, count, onClose }: ReplayProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const { data: sandboxes } = useQuery(sandboxesQuery);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      const made = await send<{ id: string }>(runCalls.replay(origin, wanted), sandbox);
      void client.invalidateQueries({ queryKey: ["rejects", sandbox] });
      void client.invalidateQueries({ queryKey: ["flow", sandbox, run.flowId] });
      toast(R.replayed);
      onClose();
      navigate(pathOf(sandbox, `runs/${encodeURIComponent(made.id)}`));
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  const production = sandboxes?.find((one) => one.name === sandbox)?.type === "production";
  return (
    <Dialog
      title={R.replayTitle(count)}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{texts.common.cancel}</Button>
          <Button look="primary" isPending={busy} onPress={go} autoFocus>
            {R.replayGo}
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel what={R.replayFailed} error={error} /> : null}
      <p>{R.replayText}</p>
      {production ? (
        <p className="banner warn">
          <Icon name="warn" />
          {T.acts.production}
        </p>
      ) : null}
    </Dialog>
  );
}
