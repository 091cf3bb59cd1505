/** Pages and dialogs are loaded when they are needed, and beforehand once the browser has nothing else to do. */
import { type ComponentType, createElement, lazy, useEffect, useState } from "react";
import { isReachable, whenReachable } from "./api/client";

/** The server has another version of the pages by now; those that were not loaded yet are gone. */
export class Outdated extends Error {}

type Loads<P> = () => Promise<{ default: ComponentType<P> }>;

async function patiently<T>(load: () => Promise<T>): Promise<T> {
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

/**
 * The same of what is likely to be needed: a page, or what opens over all of them. `Waiting` is shown meanwhile.
 *
 * Not by Suspense: that shows what has come only 300 ms after it showed that it waits, also if all was there.
 */
export function pageOf<P extends object>(load: Loads<P>, Waiting: ComponentType) {
  let loaded: ComponentType<P> | null = null;
  const get = async () => {
    loaded = (await load()).default;
    return loaded;
  };
  window.addEventListener("load", () => idle(() => void get().catch(() => undefined)), { once: true });
  return function Loaded(props: P) {
    const [page, setPage] = useState(() => loaded);
    const [error, setError] = useState<Error | null>(null);
    useEffect(() => {
      if (!page) patiently(get).then((found) => setPage(() => found), setError);
    }, [page]);
    if (error) throw error;
    return page ? createElement(page, props) : createElement(Waiting);
  };
}
