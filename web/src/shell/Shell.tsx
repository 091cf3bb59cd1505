/** What stands around every page: top bar, navigation, search, banners, and the sign-in dialog of an ended session. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, Suspense, useEffect, useState } from "react";
import { useLocation } from "wouter";
import { onConnection, whenReachable } from "../api/client";
import { sandboxesQuery } from "../api/queries";
import { pageOf } from "../loading";
import { usePreferences } from "../preferences";
import { useHeldSession } from "../session";
import { texts } from "../texts";
import { Toasts } from "../ui/feedback";
import { Icon } from "../ui/Icon";
import { Guard } from "./Guard";
import { CallsProvider, useSandbox } from "./page";
import { Rail } from "./Rail";
import { useShortcuts } from "./shortcuts";
import { TopBar } from "./TopBar";

const Search = pageOf(() => import("./Search"));
const ShowCall = pageOf(() => import("./ShowCall"));
const Keys = pageOf(() => import("./Keys"));
const SessionEnded = pageOf(() => import("./SessionEnded"));

/** Whether the server answered the last call; while it does not, it is asked again every few seconds. */
function useReachable(): boolean {
  const [reachable, setReachable] = useState(true);
  useEffect(
    () => onConnection((event) => (event === "unauthorized" ? undefined : setReachable(event === "online"))),
    [],
  );
  const client = useQueryClient();
  useEffect(() => {
    if (reachable) return;
    void whenReachable();
    // What was asked for in vain, or may be out of date, is asked for again once there is somebody to ask.
    return () => void client.invalidateQueries({ predicate: (query) => query.isStale() });
  }, [reachable, client]);
  return reachable;
}

/** Esc, or a press elsewhere, closes the drawer; the focus does not stay in what is closed. */
function useAway(drawer: boolean, close: () => void) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: each drawing has a function of its own that does the same
  useEffect(() => {
    if (!drawer) return;
    const inDrawer = (target: EventTarget | null) =>
      target instanceof Element && target.closest(".rail, .drawer-button") !== null;
    const press = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      close();
      document.querySelector<HTMLElement>(".drawer-button > button")?.focus();
    };
    const point = (event: PointerEvent) => (inDrawer(event.target) ? undefined : close());
    window.addEventListener("keydown", press);
    window.addEventListener("pointerdown", point);
    return () => {
      window.removeEventListener("keydown", press);
      window.removeEventListener("pointerdown", point);
    };
  }, [drawer]);
}

export function Shell({ children }: { children: ReactNode }) {
  const sandbox = useSandbox();
  const { ended } = useHeldSession();
  const { rail } = usePreferences();
  const [location] = useLocation();
  const [drawer, setDrawer] = useState(false);
  const [open, setOpen] = useState<"search" | "call" | "keys" | null>(null);
  const [search] = useState(() => () => setOpen("search"));
  const [showKeys] = useState(() => () => setOpen("keys"));
  const [showCall] = useState(() => () => setOpen("call"));
  const reachable = useReachable();
  const { data: sandboxes } = useQuery(sandboxesQuery);
  const here = sandboxes?.find((one) => one.name === sandbox);
  useShortcuts(sandbox, search, showKeys);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a drawer closes whenever another page is shown
  useEffect(() => setDrawer(false), [location]);
  useAway(drawer, () => setDrawer(false));
  return (
    <CallsProvider open={showCall}>
      <a className="skip-link" href="#main">
        {texts.skip}
      </a>
      <div className="shell" data-rail={rail} data-drawer={drawer || undefined}>
        {here?.type === "production" ? <div className="production-band" aria-hidden="true" /> : null}
        <TopBar
          sandbox={sandbox}
          sandboxes={sandboxes ?? []}
          onSearch={search}
          onKeys={showKeys}
          drawer={drawer}
          onDrawer={() => setDrawer(!drawer)}
        />
        <Rail sandbox={sandbox} />
        <main id="main" tabIndex={-1}>
          {reachable ? null : (
            <div className="banner warn" role="status">
              <Icon name="offline" />
              {texts.offline}
            </div>
          )}
          {children}
        </main>
      </div>
      <Toasts />
      <Guard as="dialog" onClose={() => setOpen(null)}>
        <Suspense>
          {open === "search" ? (
            <Search sandbox={sandbox} onClose={() => setOpen(null)} onKeys={showKeys} />
          ) : null}
          {open === "keys" ? <Keys onClose={() => setOpen(null)} /> : null}
          {open === "call" ? <ShowCall sandbox={sandbox} onClose={() => setOpen(null)} /> : null}
          {ended ? <SessionEnded /> : null}
        </Suspense>
      </Guard>
    </CallsProvider>
  );
}
