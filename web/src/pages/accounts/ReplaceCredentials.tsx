/** New credentials for an account: tried first, and only if they work do they take the place of the old ones. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { checkCalls, runCheck, type Step } from "../../api/checks";
import { send } from "../../api/client";
import { calls, type Source, sourcesQuery } from "../../api/queries";
import type { Connection } from "../../api/types";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button } from "../../ui/Button";
import { CheckList } from "../../ui/CheckList";
import { ErrorPanel, Skeleton, toast } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { CredentialFields, useCredentials } from "./credentials";

const T = texts.account;

interface ReplaceProps {
  connection: Connection;
  onClose: () => void;
}

export function ReplaceCredentials({ connection, onClose }: ReplaceProps) {
  const { data, error } = useQuery(sourcesQuery(useSandbox()));
  const source = data?.find((one) => one.id === connection.connectionSpec.id);
  return (
    <Dialog title={T.replaceTitle} isOpen onClose={onClose} size="large">
      <p className="muted">{T.replaceLead}</p>
      {error ? <ErrorPanel what={texts.catalog.failed} error={error} /> : null}
      {source ? <ReplaceForm connection={connection} source={source} onClose={onClose} /> : null}
      {!source && !error ? <Skeleton rows={3} /> : null}
    </Dialog>
  );
}

function ReplaceForm({ connection, source, onClose }: ReplaceProps & { source: Source }) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const credentials = useCredentials(source, connection.auth?.specName);
  const [steps, setSteps] = useState<Step[]>([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    setSteps([]);
    if (busy || Object.keys(credentials.checked()).length > 0) return;
    setBusy(true);
    try {
      const auth = credentials.content();
      const body = { name: connection.name, connectionSpec: connection.connectionSpec, auth };
      const found = await runCheck(checkCalls.attempt(body), sandbox);
      setSteps(found);
      const failed = found.find((step) => step.state === "failed");
      if (failed) {
        credentials.blame(failed.message);
        return;
      }
      await send(
        {
          method: "PATCH",
          path: calls.connection(connection.id).path,
          headers: { "if-match": connection.etag },
          body: [{ op: connection.auth ? "replace" : "add", path: "/auth", value: auth }],
        },
        sandbox,
      );
      await client.invalidateQueries({ queryKey: ["connection", sandbox, connection.id] });
      void client.invalidateQueries({ queryKey: ["health", sandbox] });
      toast(T.replaced);
      onClose();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit} noValidate className="form">
      {error ? <ErrorPanel what={T.saveFailed} error={error} /> : null}
      <CredentialFields source={source} credentials={credentials} />
      {steps.length > 0 ? <CheckList steps={steps} /> : null}
      <div className="form-actions">
        <Button onPress={onClose}>{texts.common.cancel}</Button>
        <Button type="submit" look="primary" isPending={busy}>
          {busy ? texts.newAccount.checking : T.replaceGo}
        </Button>
      </div>
    </form>
  );
}
