/** The exact calls behind what is on screen, for a terminal. */
import { curl } from "../api/client";
import { useSession } from "../session";
import { texts } from "../texts";
import { CopyButton } from "../ui/feedback";
import { Dialog } from "../ui/overlays";
import { useCalls } from "./page";

export default function ShowCall({ sandbox, onClose }: { sandbox: string; onClose: () => void }) {
  const session = useSession();
  const calls = useCalls();
  return (
    <Dialog title={texts.call.title} isOpen onClose={onClose} size="large">
      <p className="muted">{calls.length > 0 ? texts.call.intro : texts.call.nothing}</p>
      {calls.length > 0 ? (
        <ol className="calls">
          <li>
            <div className="call-title">
              <h3>{texts.call.token}</h3>
              <CopyButton text={TOKEN} label={texts.call.copy(texts.call.token)} />
            </div>
            <Code text={TOKEN} label={texts.call.token} />
          </li>
          {calls.map((call) => {
            const text = curl(call, session, call.ofOrg ? null : sandbox, window.location.origin);
            return (
              <li key={call.title}>
                <div className="call-title">
                  <h3>{call.title}</h3>
                  <CopyButton text={text} label={texts.call.copy(call.title)} />
                </div>
                <Code text={text} label={call.title} />
              </li>
            );
          })}
        </ol>
      ) : null}
      {calls.some((call) => call.body !== undefined) ? <p className="muted">{texts.call.secrets}</p> : null}
    </Dialog>
  );
}

const TOKEN = "export ACCESS_TOKEN=$(flowservice token)";

function Code({ text, label }: { text: string; label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there
    <section className="code" tabIndex={0} aria-label={label}>
      <pre>
        <code>{text}</code>
      </pre>
    </section>
  );
}
