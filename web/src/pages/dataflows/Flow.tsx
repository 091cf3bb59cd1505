/** One dataflow: what it does, its runs, its mapping, its source's columns, its versions, and what can be changed. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useParams } from "wouter";
import { unescaped, useAddress } from "../../address";
import { ApiError } from "../../api/client";
import type { Flow as Definition, FlowLine } from "../../api/types";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { type NamedCall, Page, useSandbox } from "../../shell/page";
import { Button, IconButton, Link } from "../../ui/Button";
import { EmptyState, ErrorPanel, Skeleton, toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Menu } from "../../ui/overlays";
import { Tabs } from "../../ui/Tabs";
import { Hostile, sentence, Time, visibly } from "../../ui/text";
import { runCalls } from "../runs/queries";
import { Activity } from "./Activity";
import { perform } from "./acts";
import { Backfill } from "./Backfill";
import { FlowBadge, nameOf } from "./badges";
import { DeleteFlow } from "./DeleteFlow";
import { Drift } from "./Drift";
import "./dataflows.css";
import { driftCalls, driftQuery } from "./drift";
import { MappingTab } from "./MappingTab";
import { Overview, stepOf } from "./Overview";
import { Quarantine } from "./Quarantine";
import { duplicateOf, flowCalls, flowQuery, lineQuery } from "./queries";
import { RunNow } from "./RunNow";
import { Settings } from "./Settings";
import { inWords } from "./schedule";
import { T } from "./texts";
import { Versions } from "./Versions";

const F = T.flow;

export interface FlowProps {
  line: FlowLine;
  flow: Definition;
}

export default function Flow() {
  const sandbox = useSandbox();
  const id = unescaped(useParams<{ id: string }>().id ?? "");
  const line = useQuery(lineQuery(sandbox, id));
  const flow = useQuery(flowQuery(sandbox, id));
  if (line.data && flow.data) return <Shown key={id} line={line.data} flow={flow.data} />;
  const error = line.error ?? flow.error;
  const missing = error instanceof ApiError && [400, 404].includes(error.status);
  return (
    <Page
      title={T.one}
      crumbs={[{ name: T.title, to: pathOf(sandbox, "flows") }]}
      calls={[{ ...flowCalls.line(id), title: T.calls.line }]}
    >
      {!error ? <Skeleton rows={5} /> : null}
      {missing ? (
        <EmptyState
          icon="flows"
          title={F.notFoundTitle}
          action={
            <Link to={pathOf(sandbox, "flows")} className="button primary normal">
              {F.back}
            </Link>
          }
        >
          {F.notFound}
        </EmptyState>
      ) : null}
      {error && !missing ? (
        <ErrorPanel
          what={F.failed}
          error={error}
          onRetry={() => {
            void line.refetch();
            void flow.refetch();
          }}
        />
      ) : null}
    </Page>
  );
}

/** What the open tab asks for, and does. */
function tabCalls(tab: string, line: FlowLine, definition: Definition, held?: string): NamedCall[] {
  const flow = line.id;
  const mapping = stepOf(definition, "Mapping");
  if (tab === "mapping" && mapping)
    return [
      {
        ...flowCalls.mapping(String(mapping.mappingId), Number(mapping.mappingVersion ?? 0)),
        title: T.calls.mapping,
      },
    ];
  if (tab === "quarantine")
    return line.recentRuns
      .filter((run) => run.rejected > 0)
      .slice(0, 1)
      .map((run) => ({
        ...runCalls.rejects(run.id, { code: "", field: "", state: "" }, 50),
        title: T.calls.rejects,
      }));
  if (tab === "settings")
    return [
      {
        ...flowCalls.change(flow, definition.etag, [
          { op: "add", path: "/name", value: definition.name ?? "" },
          { op: "add", path: "/scheduleParams", value: definition.scheduleParams },
          { op: "add", path: "/options", value: definition.options },
        ]),
        title: T.calls.save,
      },
    ];
  if (tab === "versions")
    return [
      { ...flowCalls.versions(flow), title: T.calls.versions },
      { ...flowCalls.revert(flow, 1), title: T.calls.revert },
    ];
  if (tab === "schema")
    return [
      { ...driftCalls.read(flow), title: T.calls.drift },
      ...(held
        ? [
            { ...driftCalls.decide(flow, "accept", held), title: T.calls.accept },
            { ...driftCalls.decide(flow, "ignore", held), title: T.calls.ignore },
          ]
        : []),
    ];
  return [];
}

type Open = "run" | "backfill" | "remove";

function Shown({ line, flow }: FlowProps) {
  const sandbox = useSandbox();
  const session = useSession();
  const address = useAddress();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const drift = useQuery(driftQuery(sandbox, line.id));
  const [open, setOpen] = useState<Open | null>(null);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<{ what: string; error: unknown } | null>(null);
  const mayManage = session.permissions.includes("manage-sources");
  const mayRun = session.permissions.includes("run");
  const name = nameOf(line);
  const tab = address.get("tab") || "overview";
  const held = drift.data?.held ?? null;
  const here = pathOf(sandbox, `flows/${encodeURIComponent(line.id)}`);

  const switchTo = async (act: "pause" | "resume") => {
    setBusy(true);
    setRefused(null);
    try {
      await perform(act, line.id, sandbox, client);
      toast(F.done[act]);
    } catch (error) {
      setRefused({ what: F.notDone[act], error });
    } finally {
      setBusy(false);
    }
  };
  const calls: NamedCall[] = [
    { ...flowCalls.line(line.id), title: T.calls.line },
    { ...flowCalls.flow(line.id), title: T.calls.flow },
    { ...flowCalls.runs(line.id), title: T.calls.runs },
    ...(mayRun
      ? [
          { ...flowCalls.runNow(line.id), title: T.calls.run },
          {
            ...flowCalls.runOver(line.id, {
              windowStartTime: 1_767_225_600,
              windowEndTime: 1_767_312_000,
              deltaColumn: { name: "Timestamp" },
            }),
            title: T.calls.window,
          },
        ]
      : []),
    ...(mayManage
      ? [
          {
            ...flowCalls.switched(line.id, line.state !== "enabled"),
            title: line.state === "enabled" ? T.calls.pause : T.calls.resume,
          },
          { ...flowCalls.remove(line.id), title: T.calls.remove },
        ]
      : []),
  ];
  calls.push(...tabCalls(tab, line, flow, held?.id));
  const landed = line.recentRuns.find((run) => run.state === "success" || run.state === "partialSuccess");
  const more = [
    ...(mayManage && session.permissions.includes("view-data") && line.state !== "draft"
      ? [
          {
            id: "duplicate",
            name: T.acts.duplicate,
            onAction: () => navigate(pathOf(sandbox, duplicateOf(line.id))),
          },
        ]
      : []),
    ...(mayRun && line.state === "enabled"
      ? [{ id: "backfill", name: T.acts.backfill, onAction: () => setOpen("backfill") }]
      : []),
    ...(mayManage
      ? [{ id: "delete", name: T.acts.remove, danger: true, onAction: () => setOpen("remove") }]
      : []),
  ];

  return (
    <Page
      title={visibly(name)}
      heading={<Hostile>{name}</Hostile>}
      crumbs={[{ name: T.title, to: pathOf(sandbox, "flows") }]}
      calls={calls}
      lead={
        <span className="flow-lead">
          <FlowBadge state={line.state} />
          <span>{inWords(line.schedule)}</span>
          {line.nextRunAt === null ? null : (
            <span>
              {T.header.next} <Time at={line.nextRunAt} />
            </span>
          )}
          {landed ? (
            <span>
              {T.header.fresh} <Time at={landed.startedAt ?? landed.createdAt} />
            </span>
          ) : null}
        </span>
      }
      actions={
        <>
          {mayManage ? (
            <Link to={`${here}/edit`} className="button plain normal">
              {line.state === "draft" ? T.acts.publish : T.acts.edit}
            </Link>
          ) : null}
          {mayManage && line.state !== "draft" ? (
            <Button
              isPending={busy}
              onPress={() => void switchTo(line.state === "enabled" ? "pause" : "resume")}
            >
              {line.state === "enabled" ? T.acts.pause : T.acts.resume}
            </Button>
          ) : null}
          {mayRun && line.state === "enabled" ? (
            <Button look="primary" icon="running" onPress={() => setOpen("run")}>
              {T.acts.run}
            </Button>
          ) : null}
          {more.length > 0 ? (
            <Menu label={F.menu} groups={[{ id: "more", entries: more }]}>
              <IconButton icon="more" look="plain" label={F.menu} />
            </Menu>
          ) : null}
        </>
      }
    >
      {refused ? <ErrorPanel what={refused.what} error={refused.error} /> : null}
      {held ? (
        <p className="banner warn">
          <Icon name="warn" />
          <span>
            {F.heldBanner} <Link to={`${here}?tab=schema`}>{F.heldLink}</Link>
          </span>
        </p>
      ) : null}
      {line.state === "draft" ? <p className="banner">{F.draftBanner}</p> : null}
      {line.state === "disabled" ? <p className="banner">{F.pausedBanner}</p> : null}
      {line.lateByMs !== null ? (
        <p className="banner warn">
          <Icon name="clock" />
          {line.hindrance ? F.late(sentence(line.hindrance.message), line.hindrance.advice) : T.late}
        </p>
      ) : null}
      <Tabs
        label={F.tabs.label}
        open={tab}
        onOpen={(id) => navigate(id === "overview" ? here : `${here}?tab=${id}`)}
        tabs={[
          { id: "overview", name: F.tabs.overview, content: () => <Overview line={line} flow={flow} /> },
          { id: "activity", name: F.tabs.activity, content: () => <Activity line={line} /> },
          { id: "mapping", name: F.tabs.mapping, content: () => <MappingTab line={line} flow={flow} /> },
          {
            id: "schema",
            name: F.tabs.schema,
            note: held ? (
              <span className="tab-sign">
                <Icon name="warn" />
                <span className="visually-hidden">{F.held}</span>
              </span>
            ) : null,
            content: () => <Drift line={line} />,
          },
          { id: "versions", name: F.tabs.versions, content: () => <Versions line={line} /> },
          { id: "quarantine", name: F.tabs.quarantine, content: () => <Quarantine line={line} /> },
          {
            id: "settings",
            name: F.tabs.settings,
            content: () => (
              <Settings
                line={line}
                flow={flow}
                onSwitch={switchTo}
                switching={busy}
                onDelete={() => setOpen("remove")}
              />
            ),
          },
        ]}
      />
      {open === "run" ? <RunNow line={line} onClose={() => setOpen(null)} /> : null}
      {open === "backfill" ? <Backfill line={line} flow={flow} onClose={() => setOpen(null)} /> : null}
      {open === "remove" ? (
        <DeleteFlow
          line={line}
          onClose={() => setOpen(null)}
          onDeleted={() => navigate(pathOf(sandbox, "flows"))}
        />
      ) : null}
    </Page>
  );
}
