/** What every page has: one heading, its title, the way to it, actions, and the calls that it makes. */
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from "react";
import { useParams } from "wouter";
import { unescaped } from "../address";
import type { Call } from "../api/client";
import { texts } from "../texts";
import { Button, Link } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { visibly } from "../ui/text";

export interface NamedCall extends Call {
  /** What it is for. */
  title: string;
  /** It is of the whole organisation, and names no sandbox. */
  ofOrg?: boolean;
}

interface Shown {
  calls: NamedCall[];
  show: (calls: NamedCall[]) => void;
  /** Opens the dialog that shows them. */
  open: () => void;
}

const Calls = createContext<Shown>({ calls: [], show: () => undefined, open: () => undefined });

export function CallsProvider({ children, open }: { children: ReactNode; open: () => void }) {
  const [calls, show] = useState<NamedCall[]>([]);
  return <Calls.Provider value={{ calls, show, open }}>{children}</Calls.Provider>;
}

export const useCalls = () => useContext(Calls).calls;

/** The sandbox that the address names. */
export function useSandbox(): string {
  return unescaped(useParams<{ sandbox: string }>().sandbox ?? "");
}

interface Crumb {
  name: string;
  to: string;
}

interface PageProps {
  title: string;
  /** What the heading shows, where that is more than the title as text. */
  heading?: ReactNode;
  lead?: ReactNode;
  crumbs?: Crumb[];
  actions?: ReactNode;
  calls: NamedCall[];
  children: ReactNode;
}

// The first page of a visit leaves the focus where it is; those after it take it to their heading, and have it back
// where that is drawn anew, once what they waited for is there.
let shownAt = "";
let isComeTo = false;

function takesFocus(): boolean {
  const path = window.location.pathname;
  if (path === shownAt) return isComeTo && document.activeElement === document.body;
  isComeTo = shownAt !== "";
  shownAt = path;
  return isComeTo;
}

export function Page({ title, heading, lead, crumbs = [], actions, calls, children }: PageProps) {
  const sandbox = useSandbox();
  const { show, open } = useContext(Calls);
  const h1 = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (takesFocus()) h1.current?.focus();
  }, []);
  useEffect(() => {
    const section = crumbs.at(-1)?.name;
    document.title = [section ?? title, section ? visibly(title) : null, sandbox || null, texts.product]
      .filter(Boolean)
      .join(" · ");
  }, [title, crumbs, sandbox]);
  // A page writes its list of calls anew each time it is drawn; only another list is another.
  const told = JSON.stringify(calls);
  useEffect(() => {
    show(JSON.parse(told) as NamedCall[]);
    return () => show([]);
  }, [told, show]);
  return (
    <div className="page">
      <header className="page-header">
        {crumbs.length > 0 ? (
          <nav aria-label="Breadcrumbs">
            <ol className="crumbs">
              {crumbs.map((crumb) => (
                <li key={crumb.to}>
                  <Link to={crumb.to}>{crumb.name}</Link>
                  <Icon name="right" />
                </li>
              ))}
            </ol>
          </nav>
        ) : null}
        <div className="page-title">
          <h1 ref={h1} tabIndex={-1}>
            {heading ?? title}
          </h1>
          <div className="page-actions">
            <Button icon="code" look="quiet" onPress={open}>
              {texts.call.button}
            </Button>
            {actions}
          </div>
        </div>
        {lead ? <p className="lead">{lead}</p> : null}
      </header>
      {children}
    </div>
  );
}
