/** Tabs of a page. Which one is open stands in the address, so each is a view of its own. */
import type { ReactNode } from "react";
import { Tabs as AriaTabs, Tab, TabList, TabPanel } from "react-aria-components/Tabs";

export interface TabEntry {
  id: string;
  name: string;
  /** Beside the name, such as a count or a sign that something waits. */
  note?: ReactNode;
  content: () => ReactNode;
}

interface TabsProps {
  label: string;
  tabs: TabEntry[];
  open: string;
  onOpen: (id: string) => void;
}

/** Where there is room for a few only, the open one is among them, also when the window gets narrower. */
function keepInSight(tab: Element | null) {
  const list = tab?.parentElement;
  if (!tab || !list) return;
  // `scrollIntoView` would move the page as well, under whoever reads further down.
  const observer = new ResizeObserver(() => {
    const [own, room] = [tab.getBoundingClientRect(), list.getBoundingClientRect()];
    list.scrollLeft += Math.min(own.left - room.left, 0) + Math.max(own.right - room.right, 0);
  });
  observer.observe(list);
  return () => observer.disconnect();
}

/** Arrows move between tabs; only the open one is drawn. */
export function Tabs({ label, tabs, open, onOpen }: TabsProps) {
  const shown = tabs.find((tab) => tab.id === open) ?? tabs[0];
  if (!shown) return null;
  return (
    <AriaTabs
      className="tabs"
      selectedKey={shown.id}
      onSelectionChange={(key) => onOpen(String(key))}
      keyboardActivation="manual"
    >
      <TabList aria-label={label} className="tab-list">
        {tabs.map((tab) => (
          <Tab key={tab.id} id={tab.id} className="tab" {...(tab === shown ? { ref: keepInSight } : {})}>
            {tab.name}
            {tab.note}
          </Tab>
        ))}
      </TabList>
      <TabPanel id={shown.id} className="tab-panel">
        {shown.content()}
      </TabPanel>
    </AriaTabs>
  );
}
