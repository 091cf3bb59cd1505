/** Keys that work wherever nothing is typed. */
import { useEffect } from "react";
import { useLocation } from "wouter";
import { usePreferences } from "../preferences";
import { PAGES, pathOf } from "./navigation";

// Letters typed in a list lead to its entries.
const TAKES_LETTERS =
  "input, textarea, select, [contenteditable], [role=dialog], [role=alertdialog], [role=menu], [role=listbox], [role=treegrid]";

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest(TAKES_LETTERS) !== null;

/** Ctrl or Cmd with K searches; unless they are turned off, `/` does, too, `?` tells all keys, `g` and a letter go to a page. */
export function useShortcuts(sandbox: string, search: () => void, tell: () => void) {
  const [, navigate] = useLocation();
  const single = usePreferences().keys === "on";
  useEffect(() => {
    let going = false;
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        search();
        return;
      }
      if (!single || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const page = going ? PAGES.find((known) => known.key === event.key) : undefined;
      going = event.key === "g";
      const act = page
        ? () => navigate(pathOf(sandbox, page.path))
        : event.key === "/"
          ? search
          : event.key === "?"
            ? tell
            : null;
      if (!act) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [navigate, sandbox, search, single, tell]);
}
