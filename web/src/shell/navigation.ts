/** The pages that exist, and their addresses. */
import { texts } from "../texts";
import type { IconName } from "../ui/Icon";

export interface PageEntry {
  id: string;
  name: string;
  path: string;
  icon: IconName;
  /** What it is found under; pages of a group follow each other. */
  group?: string;
  /** `g` and this letter lead to it. */
  key?: string;
  /** Whether an address below the sandbox is of this page. */
  holds: (path: string) => boolean;
}

type Section = "monitoring" | "datasets" | "schemas" | "sandboxes" | "credentials";

/** A list, and the pages of what is in it. */
const page = (id: Section, icon: IconName, group?: string, key?: string): PageEntry => ({
  id,
  name: texts.nav[id],
  path: id,
  icon,
  group,
  key,
  holds: (path) => path === id || path.startsWith(`${id}/`),
});

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
  page("monitoring", "pulse", undefined, "m"),
  page("datasets", "table", texts.nav.data),
  page("schemas", "tree", texts.nav.data),
  page("sandboxes", "box", texts.nav.administration),
  page("credentials", "shield", texts.nav.administration),
];

export const pathOf = (sandbox: string, path: string) => `/s/${encodeURIComponent(sandbox)}/${path}`;

/** The same page in another sandbox; the list it belongs to where the page shows one thing. */
export function inSandbox(name: string): string {
  const path = window.location.pathname.split("/").slice(3).join("/");
  return pathOf(name, (PAGES.find((page) => page.holds(path)) ?? (PAGES[0] as PageEntry)).path);
}
