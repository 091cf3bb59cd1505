/** What a source can do, read from its connection spec. */
import type { Source } from "../../api/queries";
import type { ObjectSchema } from "../../api/types";
import { pathOf } from "../../shell/navigation";
import { texts } from "../../texts";
import { Link } from "../../ui/Button";
import { StatusBadge } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { Described, Hostile, visibly } from "../../ui/text";
import type { Uses } from "./Catalog";

const T = texts.catalog.panel;

interface SourceDetailsProps {
  source: Source;
  uses: Uses | null;
  sandbox: string;
  onClose: () => void;
}

export function SourceDetails({ source, uses, sandbox, onClose }: SourceDetailsProps) {
  const abilities = [
    ...Object.entries(T.abilities)
      .filter(([name]) => name in source.capabilities)
      .map(([name, text]) => ({ text, able: source.capabilities[name] === true })),
    ...(source.filter
      ? [
          {
            text: T.filter(visibly(source.filter.language), visibly(source.filter.operators.join("  "))),
            able: true,
          },
        ]
      : []),
    ...(source.drafts ? [{ text: T.drafts, able: true }] : []),
  ];
  return (
    <Dialog
      title={visibly(source.title)}
      isOpen
      onClose={onClose}
      size="sheet"
      footer={
        source.supported ? (
          <>
            {uses && uses.accounts > 0 ? (
              <Link
                to={pathOf(sandbox, `sources/accounts?source=${source.id}`)}
                className="button plain normal"
              >
                {T.viewAccounts}
              </Link>
            ) : null}
            <Link
              to={pathOf(sandbox, `sources/accounts/new?source=${source.id}`)}
              className="button primary normal"
            >
              {uses && uses.accounts > 0 ? texts.accounts.add : texts.catalog.setUp}
            </Link>
          </>
        ) : undefined
      }
    >
      <p className="badges">
        {source.supported ? (
          <StatusBadge tone="good">{texts.catalog.ready}</StatusBadge>
        ) : (
          <StatusBadge tone="neutral">{texts.catalog.notHere}</StatusBadge>
        )}
        <span className="chip">{texts.catalog.categoryNames[source.category]}</span>
        <span className="chip">{source.streaming ? texts.catalog.streamingChip : texts.catalog.batch}</span>
        {source.own ? <span className="chip">{texts.catalog.custom}</span> : null}
      </p>
      {source.supported ? null : (
        <p>
          {visibly(source.reason) || T.noReader} {T.noReaderNext}
        </p>
      )}
      {source.supported && abilities.length > 0 ? (
        <>
          <h3>{T.can}</h3>
          <ul className="abilities">
            {abilities.map((ability) => (
              <li key={ability.text}>
                <StatusBadge tone={ability.able ? "good" : "neutral"}>
                  {ability.able ? T.yes : T.no}
                </StatusBadge>
                {ability.text}
              </li>
            ))}
          </ul>
        </>
      ) : null}
      <h3>{T.auth}</h3>
      {source.auths.length === 0 ? <p className="muted">{texts.common.none}</p> : null}
      {source.auths.map((auth) => (
        <section key={auth.name} className="auth-way">
          <h4>
            <Hostile>{texts.newAccount.wayName(auth.name)}</Hostile>
          </h4>
          {auth.spec.description ? (
            <p className="muted">
              <Described>{auth.spec.description}</Described>
            </p>
          ) : null}
          <Fields schema={auth.spec} />
        </section>
      ))}
      <h3>{T.reads}</h3>
      <Fields schema={source.params} />
      <h3>{T.about}</h3>
      <dl className="facts">
        <dt>{T.kind}</dt>
        <dd>{T.kinds[source.kind] ?? visibly(source.kind)}</dd>
        <dt>{T.formats}</dt>
        <dd>{visibly(source.formats.join(", ")) || texts.common.none}</dd>
        <dt>{T.id}</dt>
        <dd>
          <code>{visibly(source.id)}</code>
        </dd>
      </dl>
    </Dialog>
  );
}

function Fields({ schema }: { schema: ObjectSchema }) {
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return <p className="muted">{texts.common.none}</p>;
  return (
    <ul className="field-list">
      {fields.map(([name, property]) => (
        <li key={name}>
          <code>{visibly(name)}</code>
          {schema.required?.includes(name) ? <span className="chip">{T.required}</span> : null}
          {property.format === "password" ? <span className="chip">{T.secret}</span> : null}
          {property.description ? (
            <p className="muted">
              <Described>{property.description}</Described>
            </p>
          ) : null}
        </li>
      ))}
    </ul>
  );
}
