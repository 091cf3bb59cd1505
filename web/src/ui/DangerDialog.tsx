/** Asks before what cannot be taken back. The focus is on leaving it; a refusal is told in place. */
import { type ReactNode, useState } from "react";
import { texts } from "../texts";
import { Button } from "./Button";
import { ErrorPanel } from "./feedback";
import { TextField } from "./fields";
import { Dialog } from "./overlays";

interface DangerDialogProps {
  title: string;
  /** What the button says. */
  go: string;
  /** What is said if it was refused. */
  failed: string;
  /** Whether it may be done by now. */
  ready?: boolean;
  /** A name that has to be typed, where much goes with it. */
  typing?: { label: string; name: string } | undefined;
  /** Does it, and leads on. */
  onGo: () => Promise<void>;
  onRefused?: () => void;
  onClose: () => void;
  /** What goes. */
  children: ReactNode;
}

export function DangerDialog(props: DangerDialogProps) {
  const { title, go, failed, ready = true, typing, onGo, onRefused, onClose, children } = props;
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const act = async () => {
    setBusy(true);
    setError(null);
    try {
      await onGo();
    } catch (problem) {
      setError(problem);
      onRefused?.();
    }
    setBusy(false);
  };
  return (
    <Dialog
      title={title}
      isOpen
      onClose={onClose}
      role="alertdialog"
      footer={
        <>
          <Button onPress={onClose} autoFocus>
            {texts.common.cancel}
          </Button>
          <Button
            look="danger"
            isPending={busy}
            isDisabled={!ready || (typing !== undefined && typed.trim() !== typing.name.trim())}
            onPress={() => void act()}
          >
            {go}
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel what={failed} error={error} /> : null}
      {children}
      {typing ? <TextField label={typing.label} value={typed} onChange={setTyped} /> : null}
    </Dialog>
  );
}
