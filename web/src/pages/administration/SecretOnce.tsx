/** A new secret, for the one time that it is shown. */
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { visibly } from "../../ui/text";
import type { CredentialSecret } from "./queries";
import { credentialTexts } from "./texts";

const T = credentialTexts.secret;

export function SecretOnce({ made, onClose }: { made: CredentialSecret; onClose: () => void }) {
  const facts = [
    { name: T.client, value: made.clientId },
    { name: T.secret, value: made.clientSecret },
    { name: T.organisation, value: made.orgId },
    { name: T.scopes, value: made.scopes },
    { name: T.tokenUrl, value: made.tokenUrl },
  ];
  return (
    <Dialog
      title={T.title}
      isOpen
      onClose={onClose}
      size="large"
      stays
      footer={
        <Button look="primary" onPress={onClose} autoFocus>
          {T.done}
        </Button>
      }
    >
      <p className="banner warn">{T.lead}</p>
      <dl className="secret-facts">
        {facts.map((fact) => (
          <div key={fact.name}>
            <dt>{fact.name}</dt>
            <dd>
              <code>{visibly(fact.value)}</code>
              <CopyButton text={fact.value} label={T.copy(fact.name)} />
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
