/** Name and description of an account; on a conflict both versions stand side by side. */
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, send } from "../../api/client";
import { calls, connectionQuery } from "../../api/queries";
import type { Connection } from "../../api/types";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button } from "../../ui/Button";
import { ErrorPanel, toast } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { Dialog } from "../../ui/overlays";
import { Hostile } from "../../ui/text";

const T = texts.account;

export function EditAccount({ connection, onClose }: { connection: Connection; onClose: () => void }) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const [name, setName] = useState(connection.name ?? "");
  const [description, setDescription] = useState(connection.description ?? "");
  const [missing, setMissing] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [theirs, setTheirs] = useState<Connection | null>(null);

  const save = async (base: Connection) => {
    setMissing(!name.trim());
    if (!name.trim()) return;
    setBusy(true);
    setError(null);
    try {
      await send(
        {
          method: "PATCH",
          path: calls.connection(connection.id).path,
          headers: { "if-match": base.etag },
          body: [
            { op: base.name == null ? "add" : "replace", path: "/name", value: name.trim() },
            {
              op: base.description == null ? "add" : "replace",
              path: "/description",
              value: description.trim(),
            },
          ],
        },
        sandbox,
      );
      await client.invalidateQueries({ queryKey: ["connection", sandbox, connection.id] });
      toast(T.saved);
      onClose();
    } catch (problem) {
      if (problem instanceof ApiError && problem.status === 412) {
        const now = await client.fetchQuery({ ...connectionQuery(sandbox, connection.id), staleTime: 0 });
        setTheirs(now);
      } else setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void save(theirs ?? connection);
  };

  return (
    <Dialog title={T.editTitle} isOpen onClose={onClose}>
      <form onSubmit={submit} noValidate className="form">
        {error ? <ErrorPanel what={T.saveFailed} error={error} /> : null}
        <TextField
          label={texts.newAccount.name}
          value={name}
          onChange={setName}
          required
          autoFocus
          error={missing ? texts.newAccount.nameMissing : undefined}
        />
        <TextField
          label={texts.newAccount.description}
          value={description}
          onChange={setDescription}
          required={false}
          lines={3}
        />
        {theirs ? (
          <section className="conflict" role="alert">
            <h3>{T.conflictTitle}</h3>
            <p>{T.conflict}</p>
            <table>
              <thead>
                <tr>
                  <td />
                  <th scope="col">{T.theirs}</th>
                  <th scope="col">{T.yours}</th>
                </tr>
              </thead>
              <tbody>
                <tr>
                  <th scope="row">{texts.newAccount.name}</th>
                  <td>
                    <Hostile>{theirs.name ?? ""}</Hostile>
                  </td>
                  <td>
                    <Hostile>{name}</Hostile>
                  </td>
                </tr>
                <tr>
                  <th scope="row">{texts.newAccount.description}</th>
                  <td>
                    <Hostile>{theirs.description ?? ""}</Hostile>
                  </td>
                  <td>
                    <Hostile>{description}</Hostile>
                  </td>
                </tr>
              </tbody>
            </table>
          </section>
        ) : null}
        <div className="form-actions">
          <Button onPress={onClose}>{theirs ? T.takeTheirs : texts.common.cancel}</Button>
          <Button type="submit" look="primary" isPending={busy}>
            {theirs ? T.keepYours : texts.common.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
