/** All keys that do something, and whether single ones do. */
import { Fragment } from "react";
import { prefer, usePreferences } from "../preferences";
import { texts } from "../texts";
import { Checkbox } from "../ui/choices";
import { Dialog } from "../ui/overlays";
import { PAGES } from "./navigation";

const T = texts.keys;
const A = T.acts;

interface Shortcut {
  act: string;
  /** Pressed one after the other; of several ways any does it. */
  ways: string[][];
  /** Without Ctrl or Cmd. */
  single?: boolean;
}

const way = (...keys: string[]) => [keys];

const GROUPS: { title: string; shortcuts: Shortcut[] }[] = [
  {
    title: T.groups.anywhere,
    shortcuts: [
      { act: A.search, ways: [["/"], [T.control("K")]] },
      { act: A.tell, ways: way("?"), single: true },
      ...PAGES.flatMap((page) =>
        page.key ? [{ act: T.goTo(page.name), ways: way("g", page.key), single: true }] : [],
      ),
      { act: A.close, ways: way("Esc") },
    ],
  },
  {
    title: T.groups.tables,
    shortcuts: [
      { act: A.move, ways: way("← ↑ → ↓") },
      { act: A.ends, ways: [["Home"], ["End"]] },
      { act: A.open, ways: way("Enter") },
      { act: A.choose, ways: way("Space") },
    ],
  },
  {
    title: T.groups.mapping,
    shortcuts: [
      { act: A.edit, ways: way("Enter") },
      { act: A.expression, ways: way("e") },
      { act: A.accept, ways: way("a") },
      { act: A.remove, ways: way("Delete") },
      { act: A.reorder, ways: way("Alt ↑ ↓") },
      { act: A.problem, ways: way("F8") },
      { act: A.undo, ways: way(T.control("Z")) },
    ],
  },
  {
    title: T.groups.wizard,
    shortcuts: [
      { act: A.next, ways: way(T.control("Enter")) },
      { act: A.keep, ways: way(T.control("S")) },
    ],
  },
];

export default function Keys({ onClose }: { onClose: () => void }) {
  const single = usePreferences().keys === "on";
  return (
    <Dialog title={T.title} isOpen onClose={onClose} size="large">
      <Checkbox value={single} onChange={(on) => prefer({ keys: on ? "on" : "off" })} help={T.singleHelp}>
        {T.single}
      </Checkbox>
      {GROUPS.map((group) => (
        <section key={group.title} className="shortcuts" aria-label={group.title}>
          <h3>{group.title}</h3>
          <dl>
            {group.shortcuts.map((shortcut) => (
              <div key={shortcut.act} data-off={(shortcut.single && !single) || undefined}>
                <dt>{shortcut.act}</dt>
                <dd>
                  {shortcut.ways
                    .filter((keys) => single || keys[0] !== "/")
                    .map((keys, place) => (
                      <Fragment key={keys.join(" ")}>
                        {place > 0 ? ` ${T.or} ` : null}
                        {keys.map((key, at) => (
                          <Fragment key={key}>
                            {at > 0 ? ` ${T.afterwards} ` : null}
                            <kbd>{key}</kbd>
                          </Fragment>
                        ))}
                      </Fragment>
                    ))}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
