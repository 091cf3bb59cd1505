/** What is chosen in forms and tool bars. */
import type { ReactNode } from "react";
import { Button as AriaButton } from "react-aria-components/Button";
import { Checkbox as AriaCheckbox } from "react-aria-components/Checkbox";
import { Label } from "react-aria-components/Label";
import { ListBox, ListBoxItem } from "react-aria-components/ListBox";
import { Popover } from "react-aria-components/Popover";
import { RadioGroup as AriaRadioGroup, Radio } from "react-aria-components/RadioGroup";
import { Select as AriaSelect, SelectValue } from "react-aria-components/Select";
import { Text } from "react-aria-components/Text";
import { FieldNotes } from "./FieldNotes";
import { Icon } from "./Icon";

export interface Option {
  id: string;
  name: string;
}

interface SelectProps {
  label: string;
  options: Option[];
  value: string;
  onChange: (id: string) => void;
  help?: ReactNode;
  error?: string;
  /** The label stands inside, in front of the value. */
  inline?: boolean;
  /** By which an error summary leads here. */
  name?: string;
}

export function Select({ label, options, value, onChange, help, error, inline, name }: SelectProps) {
  return (
    <AriaSelect
      className={inline ? "field inline" : "field"}
      selectedKey={value}
      onSelectionChange={(key) => onChange(String(key))}
      isInvalid={Boolean(error)}
    >
      <Label className="field-label">{label}</Label>
      <AriaButton className="select-button" {...(name ? { "data-field": name } : {})}>
        <SelectValue className="select-value">{({ selectedText }) => selectedText}</SelectValue>
        <Icon name="down" />
      </AriaButton>
      <FieldNotes help={help} error={error} />
      <Popover className="popover" offset={4}>
        <ListBox className="list-box" items={options}>
          {(option) => (
            <ListBoxItem id={option.id} textValue={option.name} className="list-item">
              <span>{option.name}</span>
              <Icon name="check" />
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

interface CheckboxProps {
  children: ReactNode;
  value: boolean;
  onChange: (value: boolean) => void;
  help?: ReactNode;
  /** Its name, where what it shows does not say what it is for. */
  label?: string;
  name?: string;
}

export function Checkbox({ children, value, onChange, help, label, name }: CheckboxProps) {
  return (
    <div className="field">
      <AriaCheckbox
        className="checkbox"
        isSelected={value}
        onChange={onChange}
        {...(label ? { "aria-label": label } : {})}
        {...(name ? { name } : {})}
      >
        <span className="box">
          <Icon name="check" />
        </span>
        <span>
          {children}
          {help ? <span className="field-help">{help}</span> : null}
        </span>
      </AriaCheckbox>
    </div>
  );
}

interface RadioProps extends Omit<SelectProps, "inline"> {
  options: (Option & { help?: ReactNode })[];
  /** Buttons side by side instead of a list. */
  segmented?: boolean;
  hideLabel?: boolean;
}

export function RadioGroup(props: RadioProps) {
  const { label, options, value, onChange, help, segmented, hideLabel, name } = props;
  return (
    <AriaRadioGroup
      className={segmented ? "segmented" : "field radio-group"}
      {...(name ? { name } : {})}
      value={value}
      onChange={onChange}
      {...(hideLabel ? { "aria-label": label } : {})}
    >
      {hideLabel ? null : <Label className="field-label">{label}</Label>}
      {help ? (
        <Text slot="description" className="field-help">
          {help}
        </Text>
      ) : null}
      <div className="radios">
        {options.map((option) => (
          <Radio key={option.id} value={option.id} className="radio">
            {segmented ? null : <span className="circle" />}
            <span>
              {option.name}
              {option.help ? <span className="field-help">{option.help}</span> : null}
            </span>
          </Radio>
        ))}
      </div>
    </AriaRadioGroup>
  );
}
