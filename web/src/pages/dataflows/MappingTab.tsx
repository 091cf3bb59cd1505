/** How the columns of the source feed the fields of the dataset: to look at. Editing makes a new version. */
import { useQuery } from "@tanstack/react-query";
import { useAddress } from "../../address";
import { send } from "../../api/client";
import type { MappingSet } from "../../api/types";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { Link } from "../../ui/Button";
import { EmptyState, ErrorPanel, Skeleton } from "../../ui/feedback";
import { SearchField } from "../../ui/SearchField";
import { Table, type TableColumn } from "../../ui/Table";
import { Hostile, visibly } from "../../ui/text";
import type { FlowProps } from "./Flow";
import { stepOf } from "./Overview";
import { flowCalls } from "./queries";
import { T } from "./texts";

const M = T.mapping;

interface Rule {
  id: string;
  source: string;
  target: string;
  kind: string;
  onError: string;
}

const text = (value: unknown) =>
  value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);

function rulesOf(set: MappingSet): Rule[] {
  return (set.mappings as Record<string, unknown>[]).map((one, place) => ({
    id: text(one.id) || String(place),
    source: text(one.source ?? one.sourceAttribute),
    target: text(one.destination ?? one.destinationXdmPath),
    kind: text(one.sourceType),
    onError: text(one.onError) || "warn",
  }));
}

export function MappingTab({ line, flow }: FlowProps) {
  const sandbox = useSandbox();
  const session = useSession();
  const address = useAddress();
  const params = stepOf(flow, "Mapping");
  const set = text(params?.mappingId);
  const version = Number(params?.mappingVersion ?? 0);
  const mapping = useQuery({
    queryKey: ["flow", sandbox, line.id, "mapping", set, version],
    queryFn: ({ signal }) => send<MappingSet>(flowCalls.mapping(set, version), sandbox, signal),
    enabled: set !== "",
  });
  const newest = useQuery({
    queryKey: ["flow", sandbox, line.id, "mapping", set, 0],
    queryFn: ({ signal }) => send<MappingSet>(flowCalls.mapping(set, 0), sandbox, signal),
    enabled: set !== "" && version > 0,
  });
  const edit = session.permissions.includes("manage-sources") ? (
    <Link to={pathOf(sandbox, `flows/${encodeURIComponent(line.id)}/edit`)} className="button plain normal">
      {M.edit}
    </Link>
  ) : null;
  if (!set)
    return (
      <EmptyState icon="table" title={M.none} action={edit}>
        {T.flow.draftBanner}
      </EmptyState>
    );
  if (mapping.isPending) return <Skeleton rows={4} />;
  if (mapping.error)
    return <ErrorPanel what={M.failed} error={mapping.error} onRetry={() => void mapping.refetch()} />;
  const rules = rulesOf(mapping.data);
  const q = address.get("q").toLowerCase();
  const found = rules.filter((rule) => `${rule.source} ${rule.target}`.toLowerCase().includes(q));
  const latest = newest.data?.version ?? 0;
  const columns: TableColumn<Rule>[] = [
    {
      id: "target",
      name: M.columns.target,
      rowHeader: true,
      cell: (rule) => <Hostile>{rule.target}</Hostile>,
    },
    {
      id: "source",
      name: M.columns.source,
      cell: (rule) => (
        <code className="expression">
          <Hostile>{rule.source}</Hostile>
        </code>
      ),
    },
    { id: "rule", name: M.columns.rule, cell: (rule) => M.rules[rule.kind] ?? visibly(rule.kind) },
    {
      id: "onError",
      name: M.columns.onError,
      cell: (rule) => M.onErrors[rule.onError] ?? visibly(rule.onError),
    },
  ];
  return (
    <div className="stack">
      <p className="muted">{M.lead(mapping.data.version)}</p>
      {version > 0 && latest > version ? <p className="banner">{M.newer(latest)}</p> : null}
      <div className="tool-bar">
        <SearchField
          label={M.search}
          value={address.get("q")}
          onChange={(next) => address.set({ q: next })}
        />
        {edit}
        <p className="result-count" role="status">
          {M.shown(found.length, rules.length)}
        </p>
      </div>
      <Table label={M.table} columns={columns} rows={found} textOf={(rule) => visibly(rule.target)} />
    </div>
  );
}
