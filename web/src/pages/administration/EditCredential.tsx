import { type FormEvent, useState } from "react";
import { send } from "../../api/client";
import { useSession } from "../../session";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, toast } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { Icon } from "../../ui/Icon";
import { Dialog } from "../../ui/overlays";
import { PermissionMatrix } from "./PermissionMatrix";
import { type Credential, calls } from "./queries";
import { credentialTexts } from "./texts";

const T = credentialTexts.change;

interface EditCredentialProps {
  credential: Credential;
  onClose: () => void;
  onSaved: () => void;
}

export function EditCredential({ credential, onClose, onSaved }: EditCredentialProps) {
  const session = useSession();
  const [name, setName] = useState(credential.name);
  const [permissions, setPermissions] = useState<string[]>([...credential.permissions]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (permissions.length === 0) return;
    setBusy(true);
    setError(null);
    try {
      await send(calls.changeCredential(credential.clientId, { name: name.trim(), permissions }), null);
      toast(T.done);
      onSaved();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={T.title} isOpen onClose={onClose}>
      <form className="form" noValidate onSubmit={(event) => void save(event)}>
        {error ? <ErrorPanel what={T.failed} error={error} /> : null}
        {credential.clientId === session.clientId ? (
          <p className="banner warn">
            <Icon name="warn" />
            {T.self}
          </p>
        ) : null}
        <TextField label={credentialTexts.create.name} value={name} onChange={setName} autoFocus />
        <PermissionMatrix
          chosen={permissions}
          onChange={setPermissions}
          error={permissions.length === 0 ? credentialTexts.create.none : undefined}
        />
        <div className="form-actions">
          <Button onPress={onClose}>{common.common.cancel}</Button>
          <Button type="submit" look="primary" isPending={busy}>
            {common.common.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
