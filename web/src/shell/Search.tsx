/** Search over pages, sources, accounts and commands: `/` or Ctrl/Cmd-K. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Autocomplete } from "react-aria-components/Autocomplete";
import { Dialog } from "react-aria-components/Dialog";
import { Header } from "react-aria-components/Header";
import { Input } from "react-aria-components/Input";
import { Menu, MenuItem, MenuSection } from "react-aria-components/Menu";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { SearchField } from "react-aria-components/SearchField";
import { useLocation } from "wouter";
import { connectionsQuery, sandboxesQuery, sourcesQuery } from "../api/queries";
import { linesQuery } from "../pages/dataflows/queries";
import { datasetsQuery } from "../pages/datasets/queries";
import { schemasQuery } from "../pages/schemas/queries";
import { prefer } from "../preferences";
import { useSession } from "../session";
import { useSettled } from "../settled";
import { texts } from "../texts";
import { Icon } from "../ui/Icon";
import { visibly } from "../ui/text";
import { inSandbox, PAGES, pathOf } from "./navigation";

interface Found {
  id: string;
  name: string;
  note: string;
  words: string;
  go: () => void;
}

const RECENT = "recent";
const MOST = 8;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function recents(): string[] {
  try {
    return JSON.parse(localStorage.getItem(RECENT) ?? "[]") as string[];
  } catch {
    return [];
  }
}

function remember(id: string) {
  try {
    localStorage.setItem(
      RECENT,
      JSON.stringify([id, ...recents().filter((known) => known !== id)].slice(0, 20)),
    );
  } catch {
    // Storage may be refused; then nothing is recent.
  }
}

interface SearchProps {
  sandbox: string;
  onClose: () => void;
  onKeys: () => void;
}

export default function Search({ sandbox, onClose, onKeys }: SearchProps) {
  const [, navigate] = useLocation();
  const [text, setText] = useState("");
  const settled = useSettled(text.trim());
  const session = useSession();
  const sources = useQuery(sourcesQuery(sandbox));
  const accounts = useQuery(connectionsQuery(sandbox));
  const sandboxes = useQuery(sandboxesQuery);
  const flows = useQuery({
    ...linesQuery(sandbox, {
      q: settled,
      state: [],
      lastRun: [],
      source: [],
      account: [],
      dataset: [],
      late: false,
      sort: "-lastRun",
      page: 1,
    }),
    refetchInterval: false,
  });
  // There may be many: the server looks for them.
  const datasets = useQuery(datasetsQuery(sandbox, { text: settled, order: "desc:updated", page: 0 }));
  const schemas = useQuery(schemasQuery(sandbox));
  const asked = [sources, accounts, flows, datasets, schemas];
  const mayAdd =
    session.permissions.includes("manage-secrets") && session.permissions.includes("manage-sources");

  const groups = useMemo(() => {
    const entry = (id: string, name: string, go: () => void, note = "", words = "") => ({
      id,
      name: visibly(name),
      note: visibly(note),
      words: `${name} ${note} ${words}`.toLowerCase(),
      go,
    });
    const known = sources.data ?? [];
    const titles = new Map(known.map((source) => [source.id, source.title]));
    const pages: Found[] = PAGES.map((page) =>
      entry(`page:${page.id}`, page.name, () => navigate(pathOf(sandbox, page.path))),
    );
    const found: { title: string; entries: Found[] }[] = [
      { title: texts.search.pages, entries: pages },
      {
        title: texts.nav.flows,
        entries: [
          ...(flows.data?.items ?? []).map((one) =>
            entry(
              `flow:${one.id}`,
              one.name,
              () => navigate(pathOf(sandbox, `flows/${one.id}`)),
              one.dataset?.name ?? "",
              one.id,
            ),
          ),
          // A run is looked for by its id alone.
          ...(UUID.test(text.trim())
            ? [
                entry(
                  "run",
                  texts.search.run(text.trim()),
                  () => navigate(pathOf(sandbox, `runs/${text.trim()}`)),
                  "",
                  text,
                ),
              ]
            : []),
        ],
      },
      {
        title: texts.search.accounts,
        entries: (accounts.data?.items ?? []).map((one) =>
          entry(
            `account:${one.id}`,
            one.name ?? texts.accounts.unnamed,
            () => navigate(pathOf(sandbox, `sources/accounts/${one.id}`)),
            titles.get(one.connectionSpec.id) ?? "",
            one.id,
          ),
        ),
      },
      {
        title: texts.nav.datasets,
        entries: (datasets.data?.items ?? []).map((one) =>
          entry(
            `dataset:${one.id}`,
            one.name,
            () => navigate(pathOf(sandbox, `datasets/${one.id}`)),
            "",
            one.id,
          ),
        ),
      },
      {
        title: texts.nav.schemas,
        entries: (schemas.data ?? []).map((one) =>
          entry(
            `schema:${one["meta:altId"]}`,
            one.title,
            () => navigate(pathOf(sandbox, `schemas/${one["meta:altId"]}`)),
            "",
            one.$id,
          ),
        ),
      },
      {
        title: texts.search.commands,
        entries: [
          ...(session.permissions.includes("manage-sources")
            ? [
                entry(
                  "add-data",
                  texts.search.addData,
                  () => navigate(pathOf(sandbox, "flows/new")),
                  "",
                  "new dataflow create wizard",
                ),
              ]
            : []),
          ...known
            .filter((source) => source.supported && mayAdd)
            .map((source) =>
              entry(
                `new:${source.id}`,
                texts.search.newAccount(source.title),
                () => navigate(pathOf(sandbox, `sources/accounts/new?source=${source.id}`)),
                "",
                "add create connect",
              ),
            ),
          entry("keys", texts.keys.title, onKeys, "", "help ?"),
          ...(["system", "light", "dark", "contrast"] as const).map((theme) =>
            entry(`theme:${theme}`, texts.search.theme(texts.user.themes[theme]), () => prefer({ theme })),
          ),
          ...(sandboxes.data ?? [])
            .filter((one) => one.name !== sandbox)
            .map((one) =>
              entry(`sandbox:${one.name}`, texts.search.toSandbox(one.title || one.name), () =>
                navigate(inSandbox(one.name)),
              ),
            ),
        ],
      },
      {
        title: texts.search.sources,
        entries: known.map((source) =>
          entry(
            `source:${source.id}`,
            source.title,
            () => navigate(pathOf(sandbox, `sources?details=${source.id}`)),
            source.supported ? "" : texts.catalog.notHere,
            source.words,
          ),
        ),
      },
    ];
    const wanted = text.trim().toLowerCase().split(/\s+/);
    const order = recents();
    const rank = (one: Found) => {
      const place = order.indexOf(one.id);
      return place < 0 ? order.length : place;
    };
    return found
      .map((group) => ({
        ...group,
        entries: group.entries
          .filter((one) => wanted.every((word) => one.words.includes(word)))
          .sort((a, b) => rank(a) - rank(b))
          .slice(0, MOST),
      }))
      .filter((group) => group.entries.length > 0);
  }, [
    accounts.data,
    flows.data,
    datasets.data,
    schemas.data,
    mayAdd,
    navigate,
    onKeys,
    sandbox,
    sandboxes.data,
    session.permissions,
    sources.data,
    text,
  ]);

  return (
    <ModalOverlay
      className="overlay top"
      isOpen
      isDismissable
      onOpenChange={(open) => (open ? undefined : onClose())}
    >
      <Modal className="modal search">
        <Dialog className="dialog" aria-label={texts.search.title}>
          <Autocomplete inputValue={text} onInputChange={setText}>
            <SearchField aria-label={texts.search.title} autoFocus className="search-input">
              <Icon name="search" />
              <Input className="input" placeholder={texts.search.placeholder} spellCheck="false" />
              <kbd>Esc</kbd>
            </SearchField>
            {asked.some((one) => one.isError) ? <p className="search-note">{texts.search.failed}</p> : null}
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever scrolls by keys must be able to get there */}
            <section className="search-scroll" aria-label={texts.search.results} tabIndex={0}>
              <Menu
                className="menu search-results"
                aria-label={texts.search.label}
                renderEmptyState={() => (
                  <p className="search-note" role="status">
                    {asked.some((one) => one.isFetching) ? texts.search.looking : texts.search.nothing}
                  </p>
                )}
              >
                {groups.map((group) => (
                  <MenuSection key={group.title} id={group.title}>
                    <Header className="menu-header">{group.title}</Header>
                    {group.entries.map((one) => (
                      <MenuItem
                        key={one.id}
                        id={one.id}
                        textValue={one.name}
                        className="menu-item"
                        onAction={() => {
                          remember(one.id);
                          onClose();
                          one.go();
                        }}
                      >
                        <span>{one.name}</span>
                        {one.note ? <span className="muted">{one.note}</span> : null}
                      </MenuItem>
                    ))}
                  </MenuSection>
                ))}
              </Menu>
            </section>
          </Autocomplete>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
