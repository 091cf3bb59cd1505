/** Pages are loaded when they are needed, and beforehand once the browser has nothing else to do. */
import { type ComponentType, lazy } from "react";
import { isReachable, whenReachable } from "./api/client";

/** The server has another version of the pages by now; those that were not loaded yet are gone. */
export class Outdated extends Error {}

type Loads = () => Promise<{ default: ComponentType }>;

async function patiently(load: Loads): ReturnType<Loads> {
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

/** A page that is loaded from a file of its own; without a server it waits for one. */
export function pageOf(load: Loads) {
  window.addEventListener("load", () => idle(() => void load().catch(() => undefined)), { once: true });
  return lazy(() => patiently(load));
}
