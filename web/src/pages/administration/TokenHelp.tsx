/** How to get a token for a credential, and what to do with it. */
import { CopyButton } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { Described } from "../../ui/text";
import { SCOPES } from "./queries";
import { credentialTexts } from "./texts";

const T = credentialTexts.tokens;

interface TokenHelpProps {
  clientId: string;
  orgId: string;
  onClose: () => void;
}

/** `value` as one word of a POSIX shell. */
const quoted = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;

export function TokenHelp({ clientId, orgId, onClose }: TokenHelpProps) {
  const origin = window.location.origin;
  const parts = [
    {
      title: T.secret,
      note: `${T.secretNote} ${T.jq}`,
      code: `export ACCESS_TOKEN=$(curl -s ${quoted(`${origin}/ims/token/v3`)} \\
  -d grant_type=client_credentials \\
  -d client_id=${quoted(clientId)} \\
  --data-urlencode "client_secret=$CLIENT_SECRET" \\
  -d scope=${SCOPES} | jq -r .access_token)`,
    },
    {
      title: T.call,
      note: T.note,
      code: `curl ${quoted(`${origin}/data/foundation/sandbox-management/sandboxes`)} \\
  -H "Authorization: Bearer $ACCESS_TOKEN" \\
  -H ${quoted(`x-api-key: ${clientId}`)} \\
  -H ${quoted(`x-gw-ims-org-id: ${orgId}`)}`,
    },
  ];
  return (
    <Dialog title={T.title} isOpen onClose={onClose} size="large">
      <p className="muted">{T.lead}</p>
      <ol className="calls">
        {parts.map((part) => (
          <li key={part.title}>
            <div className="call-title">
              <h3>{part.title}</h3>
              <CopyButton text={part.code} label={T.copy(part.title)} />
            </div>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there */}
            <section className="code" tabIndex={0} aria-label={part.title}>
              <pre>
                <code>{part.code}</code>
              </pre>
            </section>
            {part.note ? (
              <p className="muted">
                <Described>{part.note}</Described>
              </p>
            ) : null}
          </li>
        ))}
      </ol>
    </Dialog>
  );
}
