/** The second step: which table, which of its columns, which of its rows. */
import { useQuery } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { useAddress } from "../../address";
import { useSandbox } from "../../shell/page";
import { Button, IconButton, Link } from "../../ui/Button";
import { EmptyState, ErrorPanel, Skeleton } from "../../ui/feedback";
import { RadioRows } from "../../ui/RadioRows";
import { SearchField } from "../../ui/SearchField";
import { Hostile } from "../../ui/text";
import { SampleOffer, useSampleData } from "../sources/SampleData";
import { FilterBuilder } from "./FilterBuilder";
import { filterProblem } from "./known";
import { kindIn } from "./making";
import { Preview } from "./Preview";
import { type Explored, tableQuery, tablesQuery } from "./queries";
import { encoded, nodeOf } from "./rowFilter";
import { NEW, type StepName, type WizardState } from "./state";
import { texts } from "./texts";
import type { StepProps } from "./Wizard";

const T = texts.select;
const MOST = 200;

type OfTable = Omit<WizardState, "source" | "account" | "reached" | "remains">;

interface SelectProps extends StepProps {
  pathTo: (step: StepName) => string;
  /** Begins anew with the tables of another account. */
  onAccount: (account: string) => void;
}

export function SelectStep({ state, change, known, problemOf, pathTo, onAccount }: SelectProps) {
  const sandbox = useSandbox();
  const address = useAddress();
  const tables = useQuery(tablesQuery(sandbox, state.account));
  const table = useQuery(tableQuery(sandbox, state.account, state.table));
  const sample = useSampleData(onAccount);
  const [tested, setTested] = useState("");
  // What was filled in for another table comes back with it.
  const shelf = useRef(new Map<string, OfTable>());

  const text = address.get("q");
  const found = (tables.data ?? []).filter((one) => one.name.toLowerCase().includes(text.toLowerCase()));
  const shown = found.slice(0, MOST);
  const chosen = tables.data?.find((one) => one.path === state.table);
  if (chosen && !shown.includes(chosen)) shown.unshift(chosen);

  const pick = (path: string) => {
    const { source: _s, account: _a, reached: _r, remains: _m, ...mine } = state;
    if (state.table) shelf.current.set(state.table, mine);
    const { source: _ns, account: _na, reached: _nr, remains: _nm, ...fresh } = NEW;
    change({ ...(shelf.current.get(path) ?? fresh), table: path, reached: "select" });
    setTested("");
  };

  const columns = table.data?.columns ?? known.columns;
  const test = () => {
    if (filterProblem(state, columns)) return;
    const node = nodeOf(state.filter, kindIn(columns));
    setTested(node ? encoded(node) : "");
  };
  const passing = useQuery({
    ...tableQuery(sandbox, state.account, state.table, tested),
    enabled: tested !== "" && state.table !== "",
  });

  if (tables.error)
    return <ErrorPanel what={T.listFailed} error={tables.error} onRetry={() => void tables.refetch()} />;
  if (!tables.data) return <Skeleton rows={6} />;
  if (tables.data.length === 0)
    return (
      <EmptyState
        icon="table"
        title={T.emptyTitle}
        action={
          <>
            <Button look="primary" isPending={tables.isFetching} onPress={() => void tables.refetch()}>
              {T.refresh}
            </Button>
            <Link to={pathTo("account")} className="button plain normal">
              {T.otherAccount}
            </Link>
            <SampleOffer sample={sample} lead={T.orSample} />
          </>
        }
      >
        {T.empty}
      </EmptyState>
    );
  return (
    <div className="browser">
      <section className="browser-list" aria-label={T.tables}>
        <div className="browser-search">
          <SearchField label={T.search} value={text} onChange={(q) => address.set({ q })} />
          <IconButton
            icon="refresh"
            label={T.refresh}
            isPending={tables.isFetching}
            onPress={() => void tables.refetch()}
          />
        </div>
        {shown.length === 0 ? <p className="muted">{T.none}</p> : null}
        <RadioRows
          label={T.tables}
          name="table"
          rows={shown.map((one) => ({ id: one.path, name: one.name }))}
          value={state.table}
          onChange={pick}
          error={problemOf("table")}
          cells={(row) => [<Hostile key="name">{row.name}</Hostile>]}
        />
        {found.length > MOST ? <p className="muted">{T.more(found.length - MOST)}</p> : null}
      </section>
      <div className="stack">
        {state.table === "" ? (
          <EmptyState icon="table" title={T.preview}>
            {T.pick}
          </EmptyState>
        ) : (
          <Shown
            state={state}
            change={change}
            problemOf={problemOf}
            all={table.data}
            error={table.error}
            retry={() => void table.refetch()}
            looking={table.isFetching}
            filtered={tested ? passing.data : undefined}
            filterError={tested ? passing.error : null}
            testing={tested !== "" && passing.isFetching}
            isTested={tested !== "" && tested === currentOf(state, columns)}
            test={test}
          />
        )}
      </div>
    </div>
  );
}

function currentOf(state: WizardState, columns: Explored["columns"]): string {
  if (filterProblem(state, columns)) return "";
  const node = nodeOf(state.filter, kindIn(columns));
  return node ? encoded(node) : "";
}

interface ShownProps extends Pick<StepProps, "state" | "change" | "problemOf"> {
  all: Explored | undefined;
  error: unknown;
  retry: () => void;
  /** Whether it is looked into just now. */
  looking: boolean;
  filtered: Explored | undefined;
  filterError: unknown;
  testing: boolean;
  isTested: boolean;
  test: () => void;
}

function Shown(props: ShownProps) {
  const { state, change, problemOf, all, error, retry, looking } = props;
  const { filtered, filterError, testing, isTested, test } = props;
  const details = useRef(state.details);
  details.current = state.details;
  const choose = useCallback(
    (columns: string[] | null) => {
      const now = details.current;
      change({
        columns,
        // Fields are made of the columns that are read.
        ...(now.schema === "source" && now.target === "new"
          ? { mapping: NEW.mapping, details: { ...now, keys: [] } }
          : {}),
      });
    },
    [change],
  );
  if (error) return <ErrorPanel what={T.failed} error={error} onRetry={retry} />;
  if (!all) return <Skeleton rows={8} />;
  if (all.columns.length === 0)
    return (
      <EmptyState
        icon="table"
        title={T.tableEmptyTitle}
        action={
          <Button look="primary" isPending={looking} onPress={retry}>
            {T.lookAgain}
          </Button>
        }
      >
        {T.tableEmpty}
      </EmptyState>
    );
  const rows = isTested && filtered ? filtered.rows : all.rows;
  return (
    <>
      <FilterBuilder
        filter={state.filter}
        columns={all.columns}
        onChange={(filter) => change({ filter })}
        problem={problemOf("filter")}
        test={test}
        testing={testing}
        passing={isTested && filtered ? filtered.rows.length : null}
        error={isTested ? filterError : null}
      />
      <Preview
        table={state.table}
        columns={all.columns}
        rows={rows}
        note={isTested && filtered ? T.passing(rows.length) : T.sampled(all.sampled, rows.length)}
        filtered={isTested && filtered !== undefined}
        chosen={state.columns}
        problem={problemOf("columns")}
        onChoose={choose}
      />
    </>
  );
}
