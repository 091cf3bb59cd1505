import { useLocation } from "wouter";
import type { Sandbox } from "../api/types";
import { type Preferences, prefer, usePreferences } from "../preferences";
import { useHeldSession } from "../session";
import { texts } from "../texts";
import { Button, IconButton, Link } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Menu, type MenuGroup } from "../ui/overlays";
import { visibly } from "../ui/text";
import { inSandbox, pathOf } from "./navigation";

interface TopBarProps {
  sandbox: string;
  sandboxes: Sandbox[];
  onSearch: () => void;
  onKeys: () => void;
  drawer: boolean;
  onDrawer: () => void;
}

export function TopBar({ sandbox, sandboxes, onSearch, onKeys, drawer, onDrawer }: TopBarProps) {
  const single = usePreferences().keys === "on";
  return (
    <header className="top-bar">
      <span className="drawer-button">
        <IconButton
          icon={drawer ? "close" : "menu"}
          label={drawer ? texts.nav.close : texts.nav.open}
          aria-expanded={drawer}
          onPress={onDrawer}
        />
      </span>
      <Link to={pathOf(sandbox, "sources")} className="brand" label={texts.product}>
        <Mark />
        <span className="brand-name">{texts.product}</span>
      </Link>
      <SandboxSwitcher sandbox={sandbox} sandboxes={sandboxes} />
      <Button
        look="plain"
        aria-label={texts.search.label}
        aria-keyshortcuts={single ? "/ Control+K" : "Control+K"}
        onPress={onSearch}
      >
        <Icon name="search" />
        <span className="search-label">{texts.search.label}</span>
        <kbd>{single ? "/" : texts.keys.control("K")}</kbd>
      </Button>
      <UserMenu onKeys={onKeys} />
    </header>
  );
}

export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 24 24" aria-hidden="true">
      <rect width="24" height="24" rx="6" />
      <path d="M5 8.500h6.500c3 0 3 7 6 7H19M5 15.500h4" />
    </svg>
  );
}

function SandboxSwitcher({ sandbox, sandboxes }: { sandbox: string; sandboxes: Sandbox[] }) {
  const [, navigate] = useLocation();
  const here = sandboxes.find((one) => one.name === sandbox);
  const kind = here?.type === "production" ? texts.sandbox.production : texts.sandbox.development;
  const title = visibly(here?.title || sandbox);
  const groups: MenuGroup[] = [
    {
      id: "sandboxes",
      title: texts.sandbox.heading,
      entries: sandboxes.map((one) => ({
        id: one.name,
        name: visibly(one.title || one.name),
        note: one.type === "production" ? texts.sandbox.production : texts.sandbox.development,
        selected: one.name === sandbox,
        onAction: () => navigate(inSandbox(one.name)),
      })),
    },
  ];
  return (
    <Menu label={texts.sandbox.heading} groups={groups}>
      <Button look="quiet" aria-label={texts.sandbox.switch(title)}>
        <span className="sandbox-dot" data-kind={here?.type} />
        <span className="sandbox-name">{title}</span>
        {here && title.toLowerCase() !== kind.toLowerCase() ? (
          <span className="sandbox-kind">{kind}</span>
        ) : null}
        <Icon name="down" />
      </Button>
    </Menu>
  );
}

function choices<N extends keyof Preferences>(
  name: N,
  title: string,
  names: Record<Preferences[N], string>,
  chosen: Preferences[N],
): MenuGroup {
  return {
    id: name,
    title,
    entries: (Object.entries(names) as [Preferences[N], string][]).map(([id, text]) => ({
      id: `${name}:${id}`,
      name: text,
      selected: id === chosen,
      onAction: () => prefer({ [name]: id }),
    })),
  };
}

function UserMenu({ onKeys }: { onKeys: () => void }) {
  const { session, signOut } = useHeldSession();
  const [, navigate] = useLocation();
  const { theme, density, zone } = usePreferences();
  const groups: MenuGroup[] = [
    choices("theme", texts.user.theme, texts.user.themes, theme),
    choices("density", texts.user.density, texts.user.densities, density),
    choices("zone", texts.user.zone, texts.user.zones, zone),
    {
      id: "keyboard",
      title: texts.keys.keyboard,
      entries: [{ id: "keys", name: texts.keys.title, onAction: onKeys }],
    },
    {
      id: "session",
      title: visibly(session?.name || texts.user.unnamed),
      entries: [
        {
          id: "sign-out",
          name: texts.user.signOut,
          onAction: () => void signOut().then(() => navigate("/signin?signed=out")),
        },
      ],
    },
  ];
  return (
    <Menu label={texts.user.label} groups={groups}>
      <Button look="quiet" aria-label={texts.user.label}>
        <Icon name="user" />
        <Icon name="down" />
      </Button>
    </Menu>
  );
}
