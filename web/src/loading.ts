/** Pages are loaded when they are needed, and beforehand once the browser has nothing else to do. */
import { type ComponentType, createElement, useEffect, useState } from "react";
import { isReachable, whenReachable } from "./api/client";

/** The server has another version of the pages by now; those that were not loaded yet are gone. */
export class Outdated extends Error {}

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

/**
 * A page that is loaded from a file of its own; without a server it waits for one, and `Waiting` is shown.
 *
 * Not by Suspense: that shows what has come only 300 ms after it showed that it waits, also if all was there.
 */
export function pageOf(load: () => Promise<{ default: ComponentType }>, Waiting: ComponentType) {
  let loaded: ComponentType | null = null;
  const get = async () => {
    loaded = (await load()).default;
    return loaded;
  };
  window.addEventListener("load", () => idle(() => void get().catch(() => undefined)), { once: true });
  return function Loaded() {
    const [page, setPage] = useState(() => loaded);
    const [error, setError] = useState<Error | null>(null);
    useEffect(() => {
      if (!page) patiently(get).then((found) => setPage(() => found), setError);
    }, [page]);
    if (error) throw error;
    return createElement(page ?? Waiting);
  };
}
