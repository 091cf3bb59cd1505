/** What the viewer chose for this browser: theme, density, time zone, keys, width of the navigation, columns of tables. */
import { useSyncExternalStore } from "react";

export interface Preferences {
  theme: "system" | "light" | "dark" | "contrast";
  density: "comfortable" | "compact";
  zone: "local" | "utc";
  rail: "wide" | "narrow";
  /** Whether single keys lead to search and pages. */
  keys: "on" | "off";
}

const DEFAULTS: Preferences = {
  theme: "system",
  density: "comfortable",
  zone: "local",
  rail: "wide",
  keys: "on",
};
const listeners = new Set<() => void>();

function read(): Preferences {
  const found: Record<string, string> = { ...DEFAULTS };
  try {
    for (const name of Object.keys(DEFAULTS)) found[name] = localStorage.getItem(name) ?? found[name] ?? "";
  } catch {
    // Storage may be refused by the browser; then choices last as long as the page.
  }
  return found as unknown as Preferences;
}

let current = read();

function apply() {
  document.documentElement.dataset.theme = current.theme;
  document.documentElement.dataset.density = current.density;
}

export function prefer(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    for (const [name, value] of Object.entries(change)) localStorage.setItem(name, value);
  } catch {
    // As above.
  }
  apply();
  for (const listener of listeners) listener();
}

function listen(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(listen, () => current);
}

const hidden = new Map<string, string>();

function readHidden(table: string): string {
  let found = hidden.get(table);
  if (found === undefined) {
    try {
      found = localStorage.getItem(`hidden ${table}`) ?? "";
    } catch {
      found = "";
    }
    hidden.set(table, found);
  }
  return found;
}

/** Ids of the columns of a table that the viewer does not want to see, and how to choose others. */
export function useHiddenColumns(table: string): [string[], (ids: string[]) => void] {
  const ids = useSyncExternalStore(listen, () => readHidden(table));
  const hide = (next: string[]) => {
    hidden.set(table, next.join(" "));
    try {
      localStorage.setItem(`hidden ${table}`, next.join(" "));
    } catch {
      // As above.
    }
    for (const listener of listeners) listener();
  };
  return [ids ? ids.split(" ") : [], hide];
}

apply();
