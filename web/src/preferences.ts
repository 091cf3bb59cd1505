/** What the viewer chose for this browser: theme, density, time zone, single keys, and whether the navigation is narrow. */
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

export function usePreferences(): Preferences {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}

apply();
