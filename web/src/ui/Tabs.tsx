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

// Where there is room for a few only, the open one is among them.
const intoSight = (tab: Element | null) => tab?.scrollIntoView({ block: "nearest", inline: "nearest" });

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
          <Tab key={tab.id} id={tab.id} className="tab" {...(tab === shown ? { ref: intoSight } : {})}>
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
