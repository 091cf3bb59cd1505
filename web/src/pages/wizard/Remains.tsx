/** What publishing left behind, or may have: told on the review, and before somebody leaves it. */
import { useEffect, useRef, useState } from "react";
import { Button } from "../../ui/Button";
import { ErrorPanel } from "../../ui/feedback";
import { Dialog } from "../../ui/overlays";
import { Hostile, visibly } from "../../ui/text";
import { type Outcome, type Remaining, remainingOf, type Thing } from "./making";
import { texts } from "./texts";

const T = texts.review;

/** A try to publish. */
export interface Attempt {
  /** The choices that were to be published. */
  of: string;
  things: Thing[];
  /** How it ended, once it has. */
  outcome: Outcome | null;
}

export const NO_ATTEMPT: Attempt = { of: "", things: [], outcome: null };

export const remainsOf = ({ things, outcome }: Attempt): Remaining[] =>
  outcome?.flow ? [] : remainingOf(things);

export function RemainsList({ remains }: { remains: Remaining[] }) {
  return (
    <ul className="plain-list">
      {remains.map((one, place) => (
        // They are told in the order in which they were made, and never put in another one.
        // biome-ignore lint/suspicious/noArrayIndexKey: as above
        <li key={place}>
          {T.things[one.kind]} <Hostile>{one.name}</Hostile>
          {one.id ? (
            <>
              {" "}
              <code>{visibly(one.id)}</code>
            </>
          ) : (
            `: ${T.mayBe}`
          )}{" "}
          {T.where[one.kind]}
        </li>
      ))}
    </ul>
  );
}

/** Calls `to` with where a link would lead that somebody follows out of this page, instead of going there. */
function useLinksOut(isOn: boolean, to: (path: string) => void): void {
  const latest = useRef(to);
  latest.current = to;
  useEffect(() => {
    if (!isOn) return;
    const click = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      const isPlain = !(event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
      if (!link || !isPlain || link.origin !== window.location.origin) return;
      // Other pages than ours are left by the browser, which asks by itself.
      if (link.pathname === window.location.pathname || !link.pathname.startsWith("/s/")) return;
      event.preventDefault();
      event.stopPropagation();
      latest.current(link.pathname + link.search + link.hash);
    };
    document.addEventListener("click", click, { capture: true });
    return () => document.removeEventListener("click", click, { capture: true });
  }, [isOn]);
}

interface PartingProps {
  attempt: Attempt;
  onAttempt: (attempt: Attempt) => void;
  /** Where somebody wants to go; null: nobody does. */
  to: string | null;
  onTo: (path: string | null) => void;
  /** Goes there, and leaves these behind. */
  onLeave: (path: string, left: Remaining[]) => void;
}

/** Asks whoever leaves while it is not known, or not wanted, what remains of publishing. */
export function Parting({ attempt, onAttempt, to, onTo, onLeave }: PartingProps) {
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<unknown>(null);
  const remains = remainsOf(attempt);
  const { outcome, of } = attempt;
  useLinksOut(remains.length > 0, onTo);
  if (to === null) return null;
  const go = (left: Remaining[]) => {
    onTo(null);
    onLeave(to, left);
  };
  const remove = async () => {
    if (!outcome) return;
    setBusy(true);
    setRefused(null);
    const done = await outcome.undo((things) => onAttempt({ of, things, outcome }));
    onAttempt({ of, things: done.things, outcome: done });
    setBusy(false);
    const left = done.things.find((thing) => thing.state === "left" || thing.state === "open");
    if (left) setRefused(left.error ?? done.error);
    else go([]);
  };
  return (
    <Dialog
      title={T.partTitle}
      isOpen
      onClose={() => onTo(null)}
      role="alertdialog"
      footer={
        <>
          <Button onPress={() => onTo(null)}>{texts.stay}</Button>
          <Button look="danger" onPress={() => go(remains)}>
            {outcome ? T.partLeave : T.partLeaveGoing}
          </Button>
          {outcome ? (
            <Button look="primary" isPending={isBusy} onPress={() => void remove()}>
              {T.partRemove}
            </Button>
          ) : null}
        </>
      }
    >
      {refused ? <ErrorPanel what={T.partRefused} error={refused} /> : null}
      <p>{outcome ? T.part : T.partGoing}</p>
      <RemainsList remains={remains} />
      <p>{T.partDraft}</p>
    </Dialog>
  );
}
