import { useState } from "react";
import { send } from "../../api/client";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { nameOf } from "./Credentials";
import { type Credential, type CredentialSecret, calls } from "./queries";
import { credentialTexts } from "./texts";

const T = credentialTexts.rotation;

interface RotateCredentialProps {
  credential: Credential;
  onClose: () => void;
  onMade: (made: CredentialSecret) => void;
}

export function RotateCredential({ credential, onClose, onMade }: RotateCredentialProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const rotate = async () => {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      onMade(await send<CredentialSecret>(calls.rotate(credential.clientId), null));
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
          {/* Not as pending: what is announced of that outlives the dialog, and has no name any more. */}
          <Button look="danger" aria-disabled={busy} onPress={() => void rotate()}>
            {T.go}
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel what={T.failed} error={error} /> : null}
      <p>{T.text}</p>
    </Dialog>
  );
}
