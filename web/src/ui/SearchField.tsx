import { Button as AriaButton } from "react-aria-components/Button";
import { Input } from "react-aria-components/Input";
import { SearchField as AriaSearchField } from "react-aria-components/SearchField";
import { texts } from "../texts";
import { Icon } from "./Icon";

interface SearchFieldProps {
  label: string;
  placeholder?: string;
  value: string;
  onChange: (value: string) => void;
}

export function SearchField({ label, placeholder, value, onChange }: SearchFieldProps) {
  return (
    <AriaSearchField aria-label={label} value={value} onChange={onChange} className="search-field">
      <Icon name="search" />
      <Input className="input" placeholder={placeholder ?? label} spellCheck="false" />
      <AriaButton className="button icon-only quiet small" aria-label={texts.common.clear}>
        <Icon name="close" />
      </AriaButton>
    </AriaSearchField>
  );
}
