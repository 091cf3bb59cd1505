/** A button that opens a list to search and choose from; thousands of entries are no trouble. */
import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { Autocomplete } from "react-aria-components/Autocomplete";
import { Button } from "react-aria-components/Button";
import { Dialog, DialogTrigger } from "react-aria-components/Dialog";
import { Input } from "react-aria-components/Input";
import { ListBox, ListBoxItem } from "react-aria-components/ListBox";
import { Popover } from "react-aria-components/Popover";
import { SearchField } from "react-aria-components/SearchField";
import { ListLayout, Virtualizer } from "react-aria-components/Virtualizer";
import { Icon } from "../../ui/Icon";
import { Hostile, visibly } from "../../ui/text";
import { texts as T } from "./texts";

export interface Choice {
  id: string;
  name: string;
  /** Beside the name: its type, say. */
  note: string;
  required?: boolean;
}

/** A path whose last step stays readable where there is little room. */
export function PathText({ children }: { children: string }) {
  const at = children.lastIndexOf(".") + 1;
  return (
    <>
      {/* Boxes side by side are words of their own to a reader of screens. */}
      <span className="visually-hidden">{visibly(children)}</span>
      <span className="path-text" title={visibly(children)} aria-hidden="true">
        {at > 0 ? (
          <span className="path-parent">
            <Hostile>{children.slice(0, at)}</Hostile>
          </span>
        ) : null}
        <span className="path-name">
          <Hostile>{children.slice(at)}</Hostile>
        </span>
      </span>
    </>
  );
}

interface ChoicePopoverProps {
  trigger: RefObject<HTMLElement | null>;
  label: string;
  find: string;
  choices: Choice[];
  onChoose: (id: string) => void;
  onClose: () => void;
}

/** The list alone, at a button that is drawn elsewhere. */
export function ChoicePopover({ trigger, label, find, choices, onChoose, onClose }: ChoicePopoverProps) {
  return (
    <Popover
      className="popover picker-popover"
      triggerRef={trigger}
      isOpen
      onOpenChange={(isOpen) => (isOpen ? undefined : onClose())}
      offset={4}
      placement="bottom start"
    >
      <Dialog className="picker-dialog" aria-label={visibly(label)}>
        <Choices find={find} choices={choices} onChoose={onChoose} />
      </Dialog>
    </Popover>
  );
}

interface PickerProps {
  label: string;
  find: string;
  placeholder: string;
  value: string;
  note?: string;
  choices: Choice[];
  onChoose: (id: string) => void;
}

export function Picker({ label, find, placeholder, value, note, choices, onChoose }: PickerProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <DialogTrigger isOpen={isOpen} onOpenChange={setOpen}>
      <Button className="picker">
        <span className="visually-hidden">{visibly(label)}: </span>
        {value ? <PathText>{value}</PathText> : <span className="picker-value muted">{placeholder}</span>}
        {note ? <span className="type-chip"> {note}</span> : null}
        <Icon name="down" />
      </Button>
      <Popover className="popover picker-popover" offset={4} placement="bottom start">
        <Dialog className="picker-dialog" aria-label={visibly(label)}>
          <Choices
            find={find}
            choices={choices}
            onChoose={(id) => {
              setOpen(false);
              onChoose(id);
            }}
          />
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}

function Choices({ find, choices, onChoose }: Pick<PickerProps, "find" | "choices" | "onChoose">) {
  const [text, setText] = useState("");
  const shown = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return choices.filter((choice) => {
      const name = choice.name.toLowerCase();
      return words.every((word) => name.includes(word));
    });
  }, [choices, text]);
  // The field moves through the list; whoever scrolls by keys must be able to get into it all the same. (A ref of the
  // list is the one by which the field finds it.)
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    frame.current?.querySelector("[role=listbox]")?.setAttribute("tabindex", "0");
    // Not by `autoFocus`: that lets a button keep the focus that was pressed by a key, and is out of reach by now.
    frame.current?.querySelector("input")?.focus();
  }, []);
  return (
    <div ref={frame} className="picker-choices">
      <Autocomplete inputValue={text} onInputChange={setText}>
        <SearchField aria-label={find} className="search-field">
          <Icon name="search" />
          <Input className="input" placeholder={find} spellCheck="false" />
        </SearchField>
        <Virtualizer layout={ListLayout} layoutOptions={{ rowHeight: 32 }}>
          <ListBox
            aria-label={find}
            className="picker-list"
            items={shown}
            onAction={(key) => onChoose(String(key))}
            renderEmptyState={() => <p className="muted picker-empty">{T.nothingFits}</p>}
          >
            {(choice) => (
              <ListBoxItem id={choice.id} textValue={visibly(choice.name)} className="list-item picker-item">
                <PathText>{choice.name}</PathText>
                {choice.required ? <span className="required-mark">{T.required}</span> : null}
                <span className="type-chip">{choice.note}</span>
              </ListBoxItem>
            )}
          </ListBox>
        </Virtualizer>
      </Autocomplete>
    </div>
  );
}
