/** How other engines read the table, with the place where it is. */
import { useQuery } from "@tanstack/react-query";
import { useSandbox } from "../../shell/page";
import { CopyButton, ErrorPanel, Skeleton } from "../../ui/feedback";
import { visibly } from "../../ui/text";
import { type Dataset, snapshotsQuery } from "./queries";
import { snippets } from "./snippets";
import { texts } from "./texts";

const T = texts.reading;

export function Reading({ dataset }: { dataset: Dataset }) {
  const sandbox = useSandbox();
  const history = useQuery(snapshotsQuery(sandbox, dataset.id));
  if (history.isPending) return <Skeleton rows={4} />;
  if (history.error && !history.data)
    return <ErrorPanel what={T.failed} error={history.error} onRetry={() => void history.refetch()} />;
  if (!history.data) return null;
  const { location, snapshots } = history.data;
  return (
    <div className="stack">
      <p className="muted">{T.lead}</p>
      {snapshots.length === 0 ? <p className="banner warn">{T.nothing}</p> : null}
      <section className="panel" aria-labelledby="location">
        <div className="panel-title">
          <h2 id="location">{T.location}</h2>
          <CopyButton text={location} label={T.copyLocation} />
        </div>
        <code>{visibly(location)}</code>
        <p className="muted">{/^[a-z0-9]+:\/\//i.test(location) ? T.store : T.folder}</p>
      </section>
      <ol className="calls">
        {Object.entries(snippets(location, dataset.id, sandbox)).map(([id, code]) => {
          const engine = T.engines[id] ?? { name: id, note: "" };
          return (
            <li key={id}>
              <div className="call-title">
                <h3>
                  {engine.name} <span className="muted engine-note">{engine.note}</span>
                </h3>
                <CopyButton text={code} label={T.copy(engine.name)} />
              </div>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there */}
              <section className="code" tabIndex={0} aria-label={T.code(engine.name)}>
                <pre>
                  <code>{code}</code>
                </pre>
              </section>
            </li>
          );
        })}
      </ol>
      <p className="muted">{T.downloads}</p>
    </div>
  );
}
