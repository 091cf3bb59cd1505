/** Parts of a page, each with an address of its own. */
import { Link } from "./Button";
import "./tab-links.css";

interface Tab {
  id: string;
  name: string;
  to: string;
}

export function TabLinks({ label, tabs, current }: { label: string; tabs: Tab[]; current: string }) {
  return (
    <nav className="tab-links" aria-label={label}>
      <ul>
        {tabs.map((tab) => (
          <li key={tab.id}>
            <Link to={tab.to} className="tab-link" current={tab.id === current}>
              {tab.name}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
