/** What is typed in forms. Each field has its label, help and error, tied together for readers of screens. */
import { type ReactNode, type RefObject, useEffect, useRef, useState } from "react";
import { Input } from "react-aria-components/Input";
import { Label } from "react-aria-components/Label";
import { TextArea } from "react-aria-components/TextArea";
import { TextField as AriaTextField } from "react-aria-components/TextField";
import { texts } from "../texts";
import { IconButton } from "./Button";
import { FieldNotes } from "./FieldNotes";

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  help?: ReactNode;
  error?: string;
  required?: boolean;
  name?: string;
  lines?: number;
  autoFocus?: boolean;
  /** What the browser helps to type. */
  type?: "text" | "datetime-local";
}

function FieldLabel({ label, required }: { label: string; required?: boolean }) {
  return (
    <Label className="field-label">
      {label}
      {required === false ? <span className="muted"> ({texts.common.optional})</span> : null}
    </Label>
  );
}

export function TextField({ label, help, error, required, lines, ...props }: FieldProps) {
  return (
    <AriaTextField
      {...props}
      className="field"
      isRequired={required === true}
      isInvalid={Boolean(error)}
      validationBehavior="aria"
    >
      <FieldLabel label={label} required={required} />
      {lines ? (
        <TextArea className="input" rows={lines} />
      ) : (
        <Input className="input" autoComplete="off" spellCheck="false" />
      )}
      <FieldNotes help={help} error={error} />
    </AriaTextField>
  );
}

/** React writes what is typed into the attribute `value`, too, where it would be part of the page's text. */
function useUnwritten(input: RefObject<HTMLInputElement | null>) {
  useEffect(() => {
    const element = input.current;
    if (!element) return;
    const erase = () => (element.hasAttribute("value") ? element.removeAttribute("value") : undefined);
    const observer = new MutationObserver(erase);
    observer.observe(element, { attributes: true, attributeFilter: ["value"] });
    erase();
    return () => observer.disconnect();
  }, [input]);
}

/** A secret: hidden while typed, never filled in by the browser, never read back. */
export function SecretField({ label, help, error, required, ...props }: FieldProps) {
  const [shown, setShown] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useUnwritten(input);
  return (
    <AriaTextField
      {...props}
      className="field"
      type={shown ? "text" : "password"}
      isRequired={required === true}
      isInvalid={Boolean(error)}
      validationBehavior="aria"
      autoComplete="new-password"
    >
      <FieldLabel label={label} required={required} />
      <div className="input-row">
        <Input ref={input} className="input mono" spellCheck="false" data-1p-ignore="" data-lpignore="true" />
        <IconButton
          icon="eye"
          label={shown ? texts.newAccount.hide : texts.newAccount.show}
          aria-pressed={shown}
          onPress={() => setShown(!shown)}
        />
      </div>
      <FieldNotes help={help} error={error} />
    </AriaTextField>
  );
}
