import { type ReactNode, type RefObject, useEffect, useRef } from "react";
import { Dialog as AriaDialog } from "react-aria-components/Dialog";
import { Header } from "react-aria-components/Header";
import { Heading } from "react-aria-components/Heading";
import { Menu as AriaMenu, MenuItem, MenuSection, MenuTrigger } from "react-aria-components/Menu";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { Popover } from "react-aria-components/Popover";
import { texts } from "../texts";
import { IconButton } from "./Button";
import { Icon } from "./Icon";
import { focusInvalid } from "./invalid";

const DOUBLE_MS = 500;
const DOUBLE_PX = 8;

let first: PointerEvent | undefined;
let firstOverlay: Element | null = null;
let lastMs = Number.NEGATIVE_INFINITY;
let isLost = false;

const overlayOf = ({ target }: Event) => (target instanceof Element ? target.closest(".overlay") : null);

/** The second press of a double click is lost where what the first one opened, or closed, put something else there. */
function press(event: PointerEvent) {
  const isRepeated =
    first !== undefined &&
    event.timeStamp - lastMs < DOUBLE_MS &&
    Math.hypot(event.clientX - first.clientX, event.clientY - first.clientY) < DOUBLE_PX;
  lastMs = event.timeStamp;
  if (!isRepeated) {
    first = event;
    firstOverlay = overlayOf(event);
  }
  isLost = firstOverlay !== overlayOf(event);
  if (isLost) event.stopPropagation();
}

// Before those who listen at the document, such as for presses beside a dialog.
window.addEventListener("pointerdown", press, true);
window.addEventListener(
  "click",
  (event) => {
    // Keys click, too, and press nothing.
    if (!isLost || event.detail === 0) return;
    isLost = false;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  footer?: ReactNode;
  size?: "small" | "large" | "wide" | "sheet";
  role?: "dialog" | "alertdialog";
  /** Neither Esc nor a click beside it closes it. */
  stays?: boolean;
}

export function Dialog({
  title,
  isOpen,
  onClose,
  children,
  footer,
  size = "small",
  role,
  stays,
}: DialogProps) {
  return (
    <ModalOverlay
      className="overlay"
      isOpen={isOpen}
      onOpenChange={(open) => (open ? undefined : onClose())}
      isDismissable={!stays && role !== "alertdialog"}
      isKeyboardDismissDisabled={Boolean(stays)}
    >
      <Modal className={`modal ${size}`}>
        <AriaDialog className="dialog" role={role ?? "dialog"}>
          <header className="dialog-header">
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            {stays ? null : <IconButton icon="close" label={texts.common.close} onPress={onClose} />}
          </header>
          {size === "sheet" ? (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: long text that holds nothing else to be focused
            <section className="dialog-body" aria-label={title} tabIndex={0}>
              {children}
            </section>
          ) : (
            <div className="dialog-body" onSubmit={(event) => focusInvalid(event.currentTarget)}>
              {children}
            </div>
          )}
          {footer ? <footer className="dialog-footer">{footer}</footer> : null}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface MenuEntry {
  id: string;
  name: string;
  onAction: () => void;
  danger?: boolean;
  /** Chosen among the entries of its section. */
  selected?: boolean;
  note?: string;
}

export interface MenuGroup {
  id: string;
  /** Above the entries, where there are several groups. */
  title?: string;
  entries: MenuEntry[];
}

interface MenuProps {
  label: string;
  groups: MenuGroup[];
}

/**
 * Runs an act once the focus is back where it was before a menu, some frames after the menu has gone: a dialog
 * that the act opens gives the focus back to what has it then. If nothing gets the focus, the act is not kept back.
 */
function onceFocused(act: () => void, frames = 12) {
  requestAnimationFrame(() =>
    frames === 0 || document.activeElement !== document.body ? act() : onceFocused(act, frames - 1),
  );
}

function MenuList({ label, groups, onClose }: MenuProps & { onClose?: () => void }) {
  const chosen = useRef<() => void>(undefined);
  useEffect(() => () => void (chosen.current && onceFocused(chosen.current)), []);
  return (
    <AriaMenu className="menu" aria-label={label}>
      {groups.map((group) => (
        <MenuSection key={group.id} id={group.id} aria-label={group.title ?? label}>
          {group.title ? <Header className="menu-header">{group.title}</Header> : null}
          {group.entries.map((entry) => (
            <MenuItem
              key={entry.id}
              id={entry.id}
              textValue={entry.name}
              onAction={() => {
                chosen.current = entry.onAction;
                onClose?.();
              }}
              className={entry.danger ? "menu-item danger" : "menu-item"}
              {...(entry.selected ? { "aria-current": true } : {})}
            >
              <span>{entry.name}</span>
              {entry.note ? <span className="muted">{entry.note}</span> : null}
              {entry.selected ? <Icon name="check" /> : null}
            </MenuItem>
          ))}
        </MenuSection>
      ))}
    </AriaMenu>
  );
}

/** A button (`children`) and the menu that it opens. */
export function Menu({ children, ...list }: MenuProps & { children: ReactNode }) {
  return (
    <MenuTrigger>
      {children}
      <Popover className="popover" offset={4} placement="bottom end">
        <MenuList {...list} />
      </Popover>
    </MenuTrigger>
  );
}

interface ChoicesProps {
  label: string;
  options: { id: string; name: string }[];
  chosen: string[];
  onChoose: (ids: string[]) => void;
  children: ReactNode;
}

/** A button (`children`) and the menu that it opens, of which any number is chosen; it stays open meanwhile. */
export function Choices({ label, options, chosen, onChoose, children }: ChoicesProps) {
  return (
    <MenuTrigger>
      {children}
      <Popover className="popover" offset={4} placement="bottom end">
        <AriaMenu
          className="menu choices"
          aria-label={label}
          selectionMode="multiple"
          selectedKeys={chosen}
          onSelectionChange={(keys) =>
            onChoose(keys === "all" ? options.map((option) => option.id) : [...keys].map(String))
          }
        >
          {options.map((option) => (
            <MenuItem key={option.id} id={option.id} textValue={option.name} className="menu-item">
              <span>{option.name}</span>
              <Icon name="check" />
            </MenuItem>
          ))}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}

interface MenuPopoverProps extends MenuProps {
  trigger: RefObject<HTMLElement | null>;
  onClose: () => void;
}

/** The menu of a button that is drawn elsewhere. */
export function MenuPopover({ trigger, onClose, ...list }: MenuPopoverProps) {
  return (
    <Popover
      className="popover"
      triggerRef={trigger}
      isOpen
      onOpenChange={(isOpen) => (isOpen ? undefined : onClose())}
      offset={4}
      placement="bottom end"
    >
      <MenuList {...list} onClose={onClose} />
    </Popover>
  );
}
