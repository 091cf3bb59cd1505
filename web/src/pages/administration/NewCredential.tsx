import { type FormEvent, useState } from "react";
import { send } from "../../api/client";
import { useSession } from "../../session";
import { texts as common } from "../../texts";
import { Button } from "../../ui/Button";
import { RadioGroup } from "../../ui/choices";
import { ErrorPanel } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { Dialog } from "../../ui/overlays";
import { PermissionMatrix } from "./PermissionMatrix";
import { type CredentialSecret, calls } from "./queries";
import { credentialTexts } from "./texts";

const T = credentialTexts.create;

const PRESETS: Record<string, string[]> = {
  look: ["view-sources"],
  operate: ["view-sources", "run", "view-data"],
  build: ["view-sources", "manage-sources", "run", "view-data", "manage-secrets"],
};

const same = (one: string[], other: string[]) => [...one].sort().join() === [...other].sort().join();

interface NewCredentialProps {
  onClose: () => void;
  onMade: (made: CredentialSecret) => void;
}

export function NewCredential({ onClose, onMade }: NewCredentialProps) {
  const session = useSession();
  const [name, setName] = useState("");
  const [permissions, setPermissions] = useState(PRESETS.look ?? []);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const offered = (id: string) => (PRESETS[id] ?? []).filter((one) => session.permissions.includes(one));
  const preset = Object.keys(PRESETS).find((id) => same(offered(id), permissions)) ?? "custom";
  const make = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (busy || !name.trim() || permissions.length === 0) return;
    setBusy(true);
    setError(null);
    try {
      onMade(await send<CredentialSecret>(calls.createCredential({ name: name.trim(), permissions }), null));
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={T.title} isOpen onClose={onClose}>
      <form className="form" noValidate onSubmit={(event) => void make(event)}>
        {error ? <ErrorPanel what={T.failed} error={error} /> : null}
        <TextField
          label={T.name}
          value={name}
          onChange={setName}
          required
          autoFocus
          help={T.nameHelp}
          error={tried && !name.trim() ? T.nameMissing : undefined}
        />
        <RadioGroup
          segmented
          hideLabel
          label={T.presets}
          value={preset}
          onChange={(id) => (PRESETS[id] ? setPermissions(offered(id)) : undefined)}
          options={[...Object.keys(PRESETS), "custom"].map((id) => ({ id, name: T.preset[id] ?? id }))}
        />
        <PermissionMatrix
          chosen={permissions}
          onChange={setPermissions}
          error={tried && permissions.length === 0 ? T.none : undefined}
        />
        <div className="form-actions">
          <Button onPress={onClose}>{common.common.cancel}</Button>
          {/* Not as pending: what is announced of that outlives the dialog, and has no name any more. */}
          <Button type="submit" look="primary" aria-disabled={busy}>
            {T.go}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
