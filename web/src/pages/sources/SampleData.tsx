/** Trying without an account elsewhere: one press leads to the tables of the source that is part of the server. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useRef, useState } from "react";
import { useLocation } from "wouter";
import { send } from "../../api/client";
import { calls, connectionsQuery, type Source, sourcesQuery } from "../../api/queries";
import type { Connection } from "../../api/types";
import { free } from "../../names";
import { useSession } from "../../session";
import { pathOf } from "../../shell/navigation";
import { type NamedCall, useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button } from "../../ui/Button";
import { EmptyState, ErrorPanel } from "../../ui/feedback";
import { Icon, type IconName } from "../../ui/Icon";
import { visibly } from "../../ui/text";

const T = texts.sample;

const accountOf = (source: Source, name: string) =>
  calls.newAccount(source, name, source.auths[0]?.name ?? "");

interface Trying {
  start: () => void;
  busy: boolean;
  error: unknown;
  /** What a press calls. */
  calls: NamedCall[];
}

/** One tab of the browser after the other; all at once where it does not let tabs wait for each other. */
const inTurn = async (name: string, act: () => Promise<string>): Promise<string> =>
  navigator.locks ? await navigator.locks.request(name, act) : act();

/**
 * How to try it; null where the server has no sample data, or who looks may not add it. `take` gets the account; without
 * it a press leads to the wizard.
 */
export function useSampleData(take?: (account: string) => void): Trying | null {
  const sandbox = useSandbox();
  const session = useSession();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const sources = useQuery(sourcesQuery(sandbox));
  const accounts = useQuery(connectionsQuery(sandbox));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const pressed = useRef(false);
  const source = sources.data?.find((one) => one.sample && one.supported);
  const accountIn = (items: Connection[]) =>
    items.find((one) => one.connectionSpec.id === source?.id && one.state === "enabled");
  const needed = ["manage-sources", "view-data"];
  if (!accountIn(accounts.data?.items ?? [])) needed.push("manage-secrets");
  const may = needed.every((permission) => session.permissions.includes(permission));
  if (!source || !may) return null;

  /** The id of an account of it that is there, else of a new one. */
  const account = async (): Promise<string> => {
    // Somebody else may have made one since the page was opened, or another tab while this one waited for it.
    const { items } = await client.fetchQuery({ ...connectionsQuery(sandbox), staleTime: 0 });
    const known = accountIn(items);
    if (known) return known.id;
    const name = free(
      visibly(source.title),
      items.map((one) => one.name ?? ""),
    );
    const made = await send<{ id: string }>(accountOf(source, name), sandbox);
    await client.invalidateQueries({ queryKey: ["connections", sandbox] });
    return made.id;
  };
  const start = async () => {
    if (pressed.current) return;
    pressed.current = true;
    setBusy(true);
    setError(null);
    try {
      const id = await inTurn(`sample-data ${sandbox}`, account);
      if (take) take(id);
      else navigate(pathOf(sandbox, `flows/new?account=${encodeURIComponent(id)}&step=select`));
    } catch (problem) {
      setError(problem);
    } finally {
      pressed.current = false;
      setBusy(false);
    }
  };
  return {
    start: () => void start(),
    busy,
    error,
    calls: [{ ...accountOf(source, visibly(source.title)), title: T.call }],
  };
}

const failed = ({ error, start }: Trying) =>
  error ? <ErrorPanel what={T.failed} error={error} onRetry={start} /> : null;

/** The first card of a sandbox that has no dataflow. */
export function SampleCard({ sample }: { sample: Trying }) {
  return (
    <>
      {failed(sample)}
      <section className="card trying" aria-labelledby="sample-title">
        <span className="kind-mark">
          <Icon name="table" />
        </span>
        <div className="card-text">
          <h2 id="sample-title">{T.title}</h2>
          <p className="muted">{T.about}</p>
        </div>
        <Button
          look="primary"
          aria-label={texts.catalog.startLabel(T.go, T.title)}
          isPending={sample.busy}
          onPress={sample.start}
        >
          {T.go}
        </Button>
      </section>
    </>
  );
}

/** The same where a list is empty; `lead` says whom it is for. */
export function SampleOffer({ sample, lead = T.offer }: { sample: Trying | null; lead?: string }) {
  if (!sample) return null;
  return (
    <div className="sample-offer">
      <span className="muted">{lead}</span>
      <Button size="small" isPending={sample.busy} onPress={sample.start}>
        {T.title}
      </Button>
      {failed(sample)}
    </div>
  );
}

interface NothingYetProps {
  icon: IconName;
  title: string;
  /** What makes the first one. */
  add: ReactNode;
  sample: Trying | null;
  children: ReactNode;
}

/** A list that has nothing yet, with the same offer. */
export function NothingYet({ icon, title, add, sample, children }: NothingYetProps) {
  const action = (
    <>
      {add}
      <SampleOffer sample={sample} />
    </>
  );
  return (
    <EmptyState icon={icon} title={title} action={action}>
      {children}
    </EmptyState>
  );
}
