/** Pages and dialogs are loaded when they are needed, and beforehand once the browser has nothing else to do. */
import { type ComponentType, lazy } from "react";
import { isReachable, whenReachable } from "./api/client";

/** The server has another version of the pages by now; those that were not loaded yet are gone. */
export class Outdated extends Error {}

type Loads<P> = () => Promise<{ default: ComponentType<P> }>;

async function patiently<P>(load: Loads<P>): ReturnType<Loads<P>> {
  for (;;) {
    try {
      return await load();
    } catch {
      if (await isReachable()) throw new Outdated();
      await whenReachable();
    }
  }
}

const idle = window.requestIdleCallback ?? ((act: () => void) => setTimeout(act, 1_000));

/** What is loaded from a file of its own, only if it is needed; without a server it waits for one. */
export const partOf = <P>(load: Loads<P>) => lazy(() => patiently(load));

/** The same of what is likely to be needed. */
export function pageOf<P>(load: Loads<P>) {
  window.addEventListener("load", () => idle(() => void load().catch(() => undefined)), { once: true });
  return partOf(load);
}
