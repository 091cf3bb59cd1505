import { useLocation } from "wouter";
import { prefer, usePreferences } from "../preferences";
import { texts } from "../texts";
import { IconButton, Link } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { PAGES, pathOf } from "./navigation";

export function Rail({ sandbox }: { sandbox: string }) {
  const [location] = useLocation();
  const { rail } = usePreferences();
  const path = location.split("/").slice(3).join("/");
  const narrow = rail === "narrow";
  return (
    <nav className="rail" aria-label={texts.nav.label}>
      <ul>
        {PAGES.map((page, place) => (
          <li key={page.id}>
            {page.group && page.group !== PAGES[place - 1]?.group ? (
              <span className="rail-group">{page.group}</span>
            ) : null}
            <Link
              to={pathOf(sandbox, page.path)}
              className="rail-link"
              current={page.holds(path)}
              label={page.name}
            >
              <Icon name={page.icon} />
              <span className="rail-name">{page.name}</span>
            </Link>
          </li>
        ))}
      </ul>
      <div className="rail-foot">
        <a className="rail-link" href="/v1/docs" aria-label={texts.nav.reference}>
          <Icon name="book" />
          <span className="rail-name">{texts.nav.reference}</span>
        </a>
        <span className="rail-toggle">
          <IconButton
            icon={narrow ? "wide" : "narrow"}
            label={narrow ? texts.nav.expand : texts.nav.collapse}
            onPress={() => prefer({ rail: narrow ? "wide" : "narrow" })}
          />
        </span>
      </div>
    </nav>
  );
}
