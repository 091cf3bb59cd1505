import { send } from "../../api/client";
import { DangerDialog } from "../../ui/DangerDialog";
import { toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { nameOf } from "./Credentials";
import { type Credential, calls } from "./queries";
import { credentialTexts } from "./texts";

const T = credentialTexts.revocation;

interface RevokeCredentialProps {
  credential: Credential;
  isOwn: boolean;
  onClose: () => void;
  onDone: () => void;
}

export function RevokeCredential({ credential, isOwn, onClose, onDone }: RevokeCredentialProps) {
  const revoke = async () => {
    await send(calls.revoke(credential.clientId), null);
    toast(T.done);
    onDone();
  };
  return (
    <DangerDialog
      title={T.title(nameOf(credential))}
      go={T.go}
      failed={T.failed}
      onGo={revoke}
      onClose={onClose}
    >
      <p>{T.text}</p>
      {isOwn ? (
        <p className="banner warn">
          <Icon name="warn" />
          {T.self}
        </p>
      ) : null}
    </DangerDialog>
  );
}
