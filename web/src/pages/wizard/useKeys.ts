/** Ctrl or Cmd with a key, wherever the focus is on a page; what lies over it has keys of its own. */
import { useEffect, useRef } from "react";

const OVER = '[role="dialog"], [role="alertdialog"]';

/** Whether keys that are pressed there are meant for the page: in its main part, or nowhere in particular. */
const isOnPage = (target: EventTarget | null) =>
  target === document.body || (target instanceof Element && target.closest("main") !== null);

/** Each act by the `KeyboardEvent.key` that it has with Ctrl or Cmd, in lower case. */
export function useKeys(acts: Record<string, () => void>): void {
  const latest = useRef(acts);
  latest.current = acts;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const act = latest.current[event.key.toLowerCase()];
      if (!act || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
      if (!isOnPage(event.target) || document.querySelector(OVER)) return;
      event.preventDefault();
      // A button that has the focus is not pressed by it.
      event.stopPropagation();
      if (!event.repeat) act();
    };
    // Before anything on the page hears of it.
    document.addEventListener("keydown", press, { capture: true });
    return () => document.removeEventListener("keydown", press, { capture: true });
  }, []);
}
