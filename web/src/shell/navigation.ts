/** The pages that exist, and their addresses. */
import { texts } from "../texts";
import type { IconName } from "../ui/Icon";

export interface PageEntry {
  id: string;
  name: string;
  path: string;
  icon: IconName;
  /** The letter that goes there, after `g`. */
  key?: string;
  /** Whether an address below the sandbox is of this page. */
  holds: (path: string) => boolean;
}

export const PAGES: PageEntry[] = [
  {
    id: "sources",
    name: texts.nav.sources,
    path: "sources",
    icon: "sources",
    key: "c",
    holds: (path) => path === "sources",
  },
  {
    id: "accounts",
    name: texts.nav.accounts,
    path: "sources/accounts",
    icon: "key",
    key: "a",
    holds: (path) => path.startsWith("sources/accounts"),
  },
  {
    id: "flows",
    name: texts.nav.flows,
    path: "flows",
    icon: "flows",
    key: "d",
    holds: (path) => /^(flows|runs)(\/|$)/.test(path),
  },
];

export const pathOf = (sandbox: string, path: string) => `/s/${encodeURIComponent(sandbox)}/${path}`;

/** The same page in another sandbox; the list it belongs to where the page shows one thing. */
export function inSandbox(name: string): string {
  const path = window.location.pathname.split("/").slice(3).join("/");
  return pathOf(name, (PAGES.find((page) => page.holds(path)) ?? (PAGES[0] as PageEntry)).path);
}
