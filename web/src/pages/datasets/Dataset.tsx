/** One dataset: its rows, columns and versions, and how other engines read it. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useLocation, useParams } from "wouter";
import { useAddress } from "../../address";
import { ApiError } from "../../api/client";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { type NamedCall, Page, useSandbox } from "../../shell/page";
import { Button, IconButton, Link } from "../../ui/Button";
import { EmptyState, ErrorPanel, Skeleton } from "../../ui/feedback";
import { Menu } from "../../ui/overlays";
import { bytes } from "../../ui/size";
import { Tabs } from "../../ui/Tabs";
import { Count, Hostile, Time, visibly } from "../../ui/text";
import { calls as schemaCalls, schemasQuery } from "../schemas/queries";
import { Columns } from "./Columns";
import { DeleteDataset } from "./DeleteDataset";
import { EditDataset } from "./EditDataset";
import { EditLabels } from "./EditLabels";
import { LabelChips } from "./LabelChips";
import {
  calls,
  datasetQuery,
  labelsQuery,
  type Dataset as Told,
  writersQuery,
  writtenQuery,
} from "./queries";
import { Reading } from "./Reading";
import { Rows } from "./Rows";
import { Snapshots } from "./Snapshots";
import { texts } from "./texts";
import "./datasets.css";

const T = texts.one;
const TABS = ["rows", "columns", "snapshots", "reading"] as const;
type Tab = (typeof TABS)[number];

const CONTENT: Record<Tab, (dataset: Told) => ReactNode> = {
  rows: (dataset) => <Rows dataset={dataset} />,
  columns: (dataset) => <Columns dataset={dataset} />,
  snapshots: (dataset) => <Snapshots dataset={dataset} />,
  reading: (dataset) => <Reading dataset={dataset} />,
};

export default function Dataset() {
  const sandbox = useSandbox();
  const id = useParams<{ id: string }>().id ?? "";
  const dataset = useQuery(datasetQuery(sandbox, id));
  const crumbs = [{ name: texts.title, to: pathOf(sandbox, "datasets") }];
  if (dataset.data) return <Shown dataset={dataset.data} crumbs={crumbs} />;
  const missing = dataset.error instanceof ApiError && [400, 404].includes(dataset.error.status);
  return (
    <Page title={T.one} crumbs={crumbs} calls={[{ ...calls.one(id), title: T.readCall }]}>
      {dataset.isPending ? <Skeleton rows={4} /> : null}
      {missing ? (
        <EmptyState
          icon="table"
          title={T.missingTitle}
          action={
            <Link to={pathOf(sandbox, "datasets")} className="button primary normal">
              {T.back}
            </Link>
          }
        >
          {T.missing}
        </EmptyState>
      ) : null}
      {dataset.error && !missing ? (
        <ErrorPanel what={T.failed} error={dataset.error} onRetry={() => void dataset.refetch()} />
      ) : null}
    </Page>
  );
}

function Shown({ dataset, crumbs }: { dataset: Told; crumbs: { name: string; to: string }[] }) {
  const sandbox = useSandbox();
  const session = useSession();
  const address = useAddress();
  const [, navigate] = useLocation();
  const [act, setAct] = useState<"edit" | "labels" | "delete" | null>(null);
  const tab = TABS.find((known) => known === address.get("tab")) ?? "rows";
  const mayManage = session.permissions.includes("manage-sources");
  const here = pathOf(sandbox, `datasets/${dataset.id}`);
  const name = visibly(dataset.name);
  const done = () => setAct(null);

  const ofTab: Record<Tab, NamedCall[]> = {
    rows: [{ ...calls.rows(dataset.id), title: texts.rows.call }],
    columns: [{ ...schemaCalls.full("schemas", dataset.schemaRef.id), title: texts.fields.call }],
    snapshots: [{ ...calls.snapshots(dataset.id), title: texts.snapshots.call }],
    reading: [{ ...calls.snapshots(dataset.id), title: texts.snapshots.call }],
  };
  return (
    <Page
      title={dataset.name}
      heading={<Hostile>{dataset.name}</Hostile>}
      lead={dataset.description ? <Hostile>{dataset.description}</Hostile> : undefined}
      crumbs={crumbs}
      calls={[
        { ...calls.one(dataset.id), title: T.readCall },
        { ...calls.labels([dataset.id]), title: texts.labelsCall },
        { ...calls.writers, title: T.writersCall },
        ...ofTab[tab],
      ]}
      actions={
        mayManage ? (
          <>
            <Button onPress={() => setAct("edit")}>{T.edit}</Button>
            <Menu
              label={T.more(name)}
              groups={[
                {
                  id: "change",
                  entries: [
                    { id: "labels", name: T.editLabels, onAction: () => setAct("labels") },
                    { id: "delete", name: T.remove, danger: true, onAction: () => setAct("delete") },
                  ],
                },
              ]}
            >
              <IconButton icon="more" look="plain" label={T.more(name)} />
            </Menu>
          </>
        ) : null
      }
    >
      <Facts dataset={dataset} onLabels={mayManage ? () => setAct("labels") : null} />
      <Tabs
        label={T.tabs}
        open={tab}
        onOpen={(id) => navigate(id === "rows" ? here : `${here}?tab=${id}`)}
        tabs={TABS.map((id) => ({
          id,
          name: T.tab[id],
          content: () => <div className="stack">{CONTENT[id](dataset)}</div>,
        }))}
      />
      {act === "edit" ? <EditDataset dataset={dataset} onClose={done} /> : null}
      {act === "labels" ? <EditLabels dataset={dataset} onClose={done} /> : null}
      {act === "delete" ? (
        <DeleteDataset
          dataset={dataset}
          onClose={done}
          onDeleted={() => navigate(pathOf(sandbox, "datasets"))}
        />
      ) : null}
    </Page>
  );
}

/** What is told of it beside its heading: on a line of figures where there is room. */
function Facts({ dataset, onLabels }: { dataset: Told; onLabels: (() => void) | null }) {
  const sandbox = useSandbox();
  const schemas = useQuery(schemasQuery(sandbox));
  const labels = useQuery(labelsQuery(sandbox, [dataset.id]));
  const batches = dataset.lastSuccessfulBatch ? [dataset.lastSuccessfulBatch] : [];
  const written = useQuery(writtenQuery(sandbox, batches));
  const writers = useQuery(writersQuery(sandbox, dataset.id));
  const lake = dataset.extensions?.adobe_lakeHouse;
  const schema = schemas.data?.find((one) => [one.$id, one["meta:altId"]].includes(dataset.schemaRef.id));
  const at = written.data?.get(dataset.lastSuccessfulBatch ?? "");
  const held = labels.data?.get(dataset.id);
  return (
    <dl className="figure-row" aria-label={T.facts}>
      <div>
        <dt>{T.rows}</dt>
        <dd className="figure">{lake ? <Count value={lake.metrics.rowCount} /> : texts.unknown}</dd>
      </div>
      <div>
        <dt>{T.size}</dt>
        <dd>
          {lake ? (
            <>
              <span className="figure">{bytes(lake.metrics.storageSize)}</span>{" "}
              <span className="muted">{T.files(lake.tableHealthMetrics.noOfFilesTotal)}</span>
            </>
          ) : (
            texts.unknown
          )}
        </dd>
      </div>
      <div>
        <dt>{T.written}</dt>
        <dd>{at ? <Time at={at} /> : dataset.lastSuccessfulBatch ? "" : texts.never}</dd>
      </div>
      <div>
        <dt>{T.schema}</dt>
        <dd>
          {schema ? (
            <Link to={pathOf(sandbox, `schemas/${schema["meta:altId"]}`)}>
              <Hostile>{schema.title}</Hostile>
            </Link>
          ) : (
            <code>{visibly(dataset.schemaRef.id)}</code>
          )}
        </dd>
      </div>
      <div>
        <dt>{T.writers}</dt>
        <dd>
          {writers.error ? <span className="muted">{T.writersFailed}</span> : null}
          {writers.data?.length === 0 ? <span className="muted">{T.noWriters}</span> : null}
          {writers.data?.map((flow) => (
            <div key={flow.flowId}>
              <Link to={pathOf(sandbox, `flows/${flow.flowId}`)}>
                <Hostile>{flow.name}</Hostile>
              </Link>
            </div>
          ))}
        </dd>
      </div>
      <div>
        <dt>{T.labels}</dt>
        <dd className="badges">
          {held && held.labels.length > 0 ? (
            <LabelChips labels={held.labels} />
          ) : held ? (
            <span className="muted">{T.noLabels}</span>
          ) : null}
          {onLabels ? (
            <Button size="small" look="quiet" icon="tag" onPress={onLabels}>
              {T.editLabels}
            </Button>
          ) : null}
        </dd>
      </div>
    </dl>
  );
}
