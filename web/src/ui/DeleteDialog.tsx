/** Deletes something for good: what goes is said before, and what has to go first is listed. */
import { type ReactNode, useState } from "react";
import { texts } from "../texts";
import { Button, Link } from "./Button";
import { ErrorPanel, Skeleton } from "./feedback";
import { TextField } from "./fields";
import { Dialog } from "./overlays";
import { Hostile } from "./text";

/** What uses the thing, and so stands against its end. */
export interface User {
  id: string;
  name: string;
  /** The address of its page. */
  to: string;
}

interface DeleteDialogProps {
  title: string;
  /** What the button says. */
  go: string;
  /** What is said if it was refused. */
  failed: string;
  /** Unknown until they were listed; nothing can be deleted before that. */
  users: User[] | undefined;
  usersError: unknown;
  onAskUsers: () => void;
  used: (count: number) => string;
  usersFailed: string;
  /** Its name has to be typed, where much goes with it. */
  name?: string;
  nameLabel?: string;
  /** Deletes it, and leads on. */
  onDelete: () => Promise<void>;
  onClose: () => void;
  /** What goes. */
  children: ReactNode;
}

export function DeleteDialog(props: DeleteDialogProps) {
  const { title, go, failed, users, usersError, onAskUsers, used, usersFailed } = props;
  const { name = "", nameLabel, onDelete, onClose, children } = props;
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const remove = async () => {
    setBusy(true);
    setError(null);
    try {
      await onDelete();
    } catch (problem) {
      setError(problem);
      setBusy(false);
      onAskUsers();
    }
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
            isDisabled={users?.length !== 0 || (nameLabel !== undefined && typed.trim() !== name.trim())}
            onPress={() => void remove()}
          >
            {go}
          </Button>
        </>
      }
    >
      {error ? <ErrorPanel what={failed} error={error} /> : null}
      {users === undefined ? (
        usersError ? (
          <ErrorPanel what={usersFailed} error={usersError} onRetry={onAskUsers} />
        ) : (
          <Skeleton rows={2} shape="text" />
        )
      ) : users.length > 0 ? (
        <>
          <p>{used(users.length)}</p>
          <ul className="plain-list">
            {users.map((user) => (
              <li key={user.id}>
                <Link to={user.to}>
                  <Hostile>{user.name}</Hostile>
                </Link>
              </li>
            ))}
          </ul>
        </>
      ) : (
        <>
          {children}
          {nameLabel === undefined ? null : <TextField label={nameLabel} value={typed} onChange={setTyped} />}
        </>
      )}
    </Dialog>
  );
}
