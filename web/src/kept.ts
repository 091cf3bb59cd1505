/** What was typed into a form and not saved yet, for as long as the tab is open: who comes back to it goes on with it. */
import { useEffect } from "react";

const kept = new Map<string, unknown>();

export const keptForm = <T>(key: string) => kept.get(key) as T | undefined;
export const forgetForm = (key: string) => kept.delete(key);
export const forgetForms = () => kept.clear();

/** Keeps `value` while it is not saved, and has the browser ask before it closes over it. */
export function useKeptForm<T>(key: string, value: T, unsaved: boolean): void {
  useEffect(() => {
    if (unsaved) kept.set(key, value);
    else kept.delete(key);
  }, [key, value, unsaved]);
  useEffect(() => {
    if (!unsaved) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [unsaved]);
}
