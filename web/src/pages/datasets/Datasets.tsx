/** The datasets of the sandbox, page by page. */
import { useQuery } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { useAddress } from "../../address";
import { useSettled } from "../../settled";
import { pathOf } from "../../shell/navigation";
import { type NamedCall, Page, useSandbox } from "../../shell/page";
import { Button, Link } from "../../ui/Button";
import { Select } from "../../ui/choices";
import { EmptyState, ErrorPanel, NothingFound, Skeleton, StatusBadge } from "../../ui/feedback";
import { SearchField } from "../../ui/SearchField";
import { bytes } from "../../ui/size";
import { Table, type TableColumn } from "../../ui/Table";
import { Count, Hostile, Time, visibly } from "../../ui/text";
import { schemasQuery } from "../schemas/queries";
import { LabelChips } from "./LabelChips";
import {
  calls,
  type Dataset,
  datasetsQuery,
  labelsQuery,
  PAGE_SIZE,
  type Wanted,
  writtenQuery,
} from "./queries";
import { texts as T } from "./texts";
import "./datasets.css";

const FIRST_ORDER = "desc:updated";

export default function Datasets() {
  const sandbox = useSandbox();
  const address = useAddress();
  const [, navigate] = useLocation();
  const order = address.get("sort") || FIRST_ORDER;
  const wanted: Wanted = {
    text: useSettled(address.get("q")),
    order: T.orders[order] ? order : FIRST_ORDER,
    page: Math.max(0, Math.trunc(Number(address.get("page")) || 1) - 1),
  };
  const datasets = useQuery(datasetsQuery(sandbox, wanted));
  const items = datasets.data?.items ?? [];
  const batches = items.flatMap((one) => one.lastSuccessfulBatch ?? []);
  const ids = items.map((one) => one.id);
  const written = useQuery(writtenQuery(sandbox, batches));
  const labels = useQuery(labelsQuery(sandbox, ids));
  const schemas = useQuery(schemasQuery(sandbox));
  const titles = new Map(
    schemas.data?.flatMap((one) => [
      [one.$id, one],
      [one["meta:altId"], one],
    ]),
  );

  const columns: TableColumn<Dataset>[] = [
    {
      id: "name",
      name: T.columns.name,
      rowHeader: true,
      cell: (one) => (
        <Link to={pathOf(sandbox, `datasets/${one.id}`)}>
          <Hostile>{one.name}</Hostile>
        </Link>
      ),
    },
    {
      id: "schema",
      name: T.columns.schema,
      cell: (one) => {
        const schema = titles.get(one.schemaRef.id);
        return schema ? (
          <Link to={pathOf(sandbox, `schemas/${schema["meta:altId"]}`)}>
            <Hostile>{schema.title}</Hostile>
          </Link>
        ) : (
          <span className="muted">{schemas.isPending ? "" : T.unknown}</span>
        );
      },
    },
    {
      id: "rows",
      name: T.columns.rows,
      numeric: true,
      cell: (one) => {
        const lake = one.extensions?.adobe_lakeHouse;
        return lake ? <Count value={lake.metrics.rowCount} /> : <span className="muted">{T.unknown}</span>;
      },
    },
    {
      id: "size",
      name: T.columns.size,
      numeric: true,
      cell: (one) => {
        const lake = one.extensions?.adobe_lakeHouse;
        return lake ? bytes(lake.metrics.storageSize) : null;
      },
    },
    {
      id: "written",
      name: T.columns.written,
      cell: (one) => {
        const at = written.data?.get(one.lastSuccessfulBatch ?? "");
        return (
          <span className="cell-with-icon">
            {at ? <Time at={at} /> : null}
            {one.lastSuccessfulBatch ? null : <span className="muted">{T.never}</span>}
            {one.lastBatchStatus === "failed" ? <StatusBadge tone="bad">{T.lastFailed}</StatusBadge> : null}
          </span>
        );
      },
    },
    {
      id: "labels",
      name: T.columns.labels,
      cell: (one) => {
        const held = labels.data?.get(one.id);
        return held ? (
          <LabelChips
            labels={[...new Set([...held.labels, ...held.fields.flatMap((field) => field.labels)])]}
          />
        ) : null;
      },
    },
  ];

  const pageCalls: NamedCall[] = [
    { ...calls.list(wanted), title: T.listCall },
    ...(batches.length > 0 ? [{ ...calls.batches(batches), title: T.batchesCall }] : []),
    ...(ids.length > 0 ? [{ ...calls.labels(ids), title: T.labelsCall }] : []),
  ];
  const from = wanted.page * PAGE_SIZE + 1;
  const to = from + items.length - 1;
  const searching = address.get("q") !== "";
  const turn = (page: number) => address.set({ page: page > 0 ? String(page + 1) : "" }, "push");
  const search = (text: string) => address.set({ q: text, page: "" });
  const lacksSome = written.isError || labels.isError || schemas.isError;

  return (
    <Page title={T.title} lead={T.lead} calls={pageCalls}>
      {datasets.error && !datasets.data ? (
        <ErrorPanel what={T.failed} error={datasets.error} onRetry={() => void datasets.refetch()} />
      ) : null}
      {datasets.isPending ? <Skeleton /> : null}
      {datasets.data && items.length === 0 && !searching && wanted.page === 0 ? (
        <EmptyState
          icon="table"
          title={T.emptyTitle}
          action={
            <Link to={pathOf(sandbox, "sources")} className="button primary normal">
              {T.emptyAction}
            </Link>
          }
        >
          {T.empty}
        </EmptyState>
      ) : datasets.data ? (
        <>
          <div className="tool-bar">
            <SearchField label={T.search} value={address.get("q")} onChange={search} />
            <Select
              inline
              label={T.sort}
              value={wanted.order}
              onChange={(id) => address.set({ sort: id === FIRST_ORDER ? "" : id, page: "" })}
              options={Object.entries(T.orders).map(([id, name]) => ({ id, name }))}
            />
            <p className="result-count" role="status">
              {T.page(from, to, datasets.data.more)}
            </p>
          </div>
          {lacksSome ? <p className="banner warn">{T.partial}</p> : null}
          {items.length === 0 ? (
            <NothingFound title={T.emptyFilteredTitle} clear={T.clear} onClear={() => search("")}>
              {T.emptyFiltered}
            </NothingFound>
          ) : (
            <div className="stack" aria-busy={datasets.isPlaceholderData}>
              <Table
                label={T.table}
                place="datasets"
                columns={columns}
                rows={items}
                onOpen={(id) => navigate(pathOf(sandbox, `datasets/${id}`))}
                textOf={(one) => visibly(one.name)}
              />
            </div>
          )}
          {wanted.page > 0 || datasets.data.more ? (
            <div className="pager">
              <Button isDisabled={wanted.page === 0} onPress={() => turn(wanted.page - 1)}>
                {T.previous}
              </Button>
              <Button isDisabled={!datasets.data.more} onPress={() => turn(wanted.page + 1)}>
                {T.next}
              </Button>
            </div>
          ) : null}
        </>
      ) : null}
    </Page>
  );
}
