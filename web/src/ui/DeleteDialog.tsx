/** Deletes something for good: what goes is said before, and what has to go first is listed. */
import type { ReactNode } from "react";
import { Link } from "./Button";
import { DangerDialog } from "./DangerDialog";
import { ErrorPanel, Skeleton } from "./feedback";
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
  typing?: { label: string; name: string };
  /** Deletes it, and leads on. */
  onDelete: () => Promise<void>;
  onClose: () => void;
  /** What goes. */
  children: ReactNode;
}

export function DeleteDialog(props: DeleteDialogProps) {
  const { users, usersError, onAskUsers, used, usersFailed, typing, onDelete, children, ...words } = props;
  const isFree = users?.length === 0;
  return (
    <DangerDialog
      {...words}
      ready={isFree}
      typing={isFree ? typing : undefined}
      onGo={onDelete}
      onRefused={onAskUsers}
    >
      {users === undefined ? (
        usersError ? (
          <ErrorPanel what={usersFailed} error={usersError} onRetry={onAskUsers} />
        ) : (
          <Skeleton rows={2} shape="text" />
        )
      ) : isFree ? (
        children
      ) : (
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
      )}
    </DangerDialog>
  );
}
