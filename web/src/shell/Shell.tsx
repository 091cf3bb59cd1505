/** What stands around every page: top bar, navigation, search, banners, and the sign-in dialog of an ended session. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { useLocation } from "wouter";
import { onConnection, whenReachable } from "../api/client";
import { refreshShown, sandboxesQuery } from "../api/queries";
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

const Nothing = () => null;
const Search = pageOf(() => import("./Search"), Nothing);
const ShowCall = pageOf(() => import("./ShowCall"), Nothing);
const Keys = pageOf(() => import("./Keys"), Nothing);
const SessionEnded = pageOf(() => import("./SessionEnded"), Nothing);

/** Whether the server answers; while it cannot be reached, it is asked again every few seconds. */
function useReachable(): "online" | "offline" | "overdue" {
  const client = useQueryClient();
  const [found, setFound] = useState<"online" | "offline" | "overdue">("online");
  useEffect(() => onConnection((event) => (event === "unauthorized" ? undefined : setFound(event))), []);
  useEffect(() => {
    if (found !== "offline") return;
    void whenReachable();
    // Once it answers again, what it would say now is asked for.
    return () => refreshShown(client);
  }, [client, found]);
  return found;
}

const BEAT_MS = 5_000;
const SLEPT_MS = 60_000;

/** After a sleep of the machine, what is shown is of before it. */
function useWaking(): void {
  const client = useQueryClient();
  useEffect(() => {
    let last = Date.now();
    const timer = setInterval(() => {
      const slept = Date.now() - last > SLEPT_MS;
      last = Date.now();
      if (slept) refreshShown(client);
    }, BEAT_MS);
    return () => clearInterval(timer);
  }, [client]);
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
  useWaking();
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
          {reachable === "online" ? null : (
            <div className="banner warn" role="status">
              <Icon name={reachable === "offline" ? "offline" : "clock"} />
              {texts[reachable]}
            </div>
          )}
          {children}
        </main>
      </div>
      <Toasts />
      <Guard as="dialog" onClose={() => setOpen(null)}>
        {open === "search" ? (
          <Search sandbox={sandbox} onClose={() => setOpen(null)} onKeys={showKeys} />
        ) : null}
        {open === "keys" ? <Keys onClose={() => setOpen(null)} /> : null}
        {open === "call" ? <ShowCall sandbox={sandbox} onClose={() => setOpen(null)} /> : null}
        {ended ? <SessionEnded /> : null}
      </Guard>
    </CallsProvider>
  );
}
