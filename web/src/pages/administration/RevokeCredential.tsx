import { useState } from "react";
import { send } from "../../api/client";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Dialog } from "../../ui/overlays";
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
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const revoke = async () => {
    setBusy(true);
    setError(null);
    try {
      await send(calls.revoke(credential.clientId), null);
      toast(T.done);
      onDone();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={T.title(nameOf(credential))}
      isOpen
      onClose={onClose}
      role="alertdialog"
      footer={
        <>
          <Button onPress={onClose} autoFocus>
            {common.common.cancel}
          </Button>
          <Button look="danger" isPending={busy} onPress={() => void revoke()}>
            {T.go}
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel what={T.failed} error={error} /> : null}
      <p>{T.text}</p>
      {isOwn ? (
        <p className="banner warn">
          <Icon name="warn" />
          {T.self}
        </p>
      ) : null}
    </Dialog>
  );
}
