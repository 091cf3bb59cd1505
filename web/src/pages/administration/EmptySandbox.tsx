/** Resets or deletes a sandbox: says what goes with it, and asks for its name. */
import { useQuery } from "@tanstack/react-query";
import { send } from "../../api/client";
import type { Sandbox } from "../../api/types";
import { DangerDialog } from "../../ui/DangerDialog";
import { ErrorPanel, toast } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { visibly } from "../../ui/text";
import { type Contents, calls, contentsQuery } from "./queries";
import { sandboxTexts } from "./texts";

const T = sandboxTexts.empty;

interface EmptySandboxProps {
  sandbox: Sandbox;
  what: "reset" | "delete";
  onClose: () => void;
  onDone: () => void;
}

export function EmptySandbox({ sandbox, what, onClose, onDone }: EmptySandboxProps) {
  const contents = useQuery(contentsQuery(sandbox.name));
  const resets = what === "reset";
  const callOf = resets ? calls.resetSandbox : calls.deleteSandbox;
  const check = useQuery({
    queryKey: ["mayEmpty", sandbox.name, what],
    queryFn: ({ signal }) => send(callOf(sandbox.name, true), null, signal).then(() => true),
    retry: false,
    staleTime: 0,
    gcTime: 0,
  });
  const title = visibly(sandbox.title || sandbox.name);
  const go = async () => {
    await send(callOf(sandbox.name), null);
    toast(resets ? T.resetDone(title) : T.deleteDone(title));
    onDone();
  };
  return (
    <DangerDialog
      title={resets ? T.resetTitle(title) : T.deleteTitle(title)}
      go={resets ? T.resetGo : T.deleteGo}
      failed={resets ? T.resetFailed : T.deleteFailed}
      ready={check.isSuccess}
      typing={check.error ? undefined : { label: T.type(sandbox.name), name: sandbox.name }}
      onGo={go}
      onClose={onClose}
    >
      {check.error ? (
        <ErrorPanel what={T.refused} error={check.error} />
      ) : (
        <>
          <p>{resets ? T.resetText : T.deleteText}</p>
          <div role="status">
            <p>
              {T.holds}: {contents.data ? null : contents.error ? T.countsFailed : T.counting}
              {contents.data && lines(contents.data).length === 0 ? T.nothing : null}
            </p>
            {contents.data ? (
              <ul className="plain-list">
                {lines(contents.data).map((line) => (
                  <li key={line}>{line}</li>
                ))}
              </ul>
            ) : null}
          </div>
          {sandbox.type === "production" ? (
            <p className="banner warn">
              <Icon name="warn" />
              {T.production}
            </p>
          ) : null}
        </>
      )}
    </DangerDialog>
  );
}

function lines(held: Contents): string[] {
  return [
    ...(held.datasets ? [`${T.datasets(held.datasets, held.more)}, ${T.rows(held.rows)}`] : []),
    ...(held.flows ? [T.flows(held.flows)] : []),
    ...(held.runs ? [T.runs(held.runs)] : []),
    ...(held.accounts ? [T.accounts(held.accounts)] : []),
    ...(held.schemas ? [T.schemas(held.schemas)] : []),
  ];
}
