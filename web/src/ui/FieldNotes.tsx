/** What stands below a field: help, and what is wrong with it. */
import type { ReactNode } from "react";
import { FieldError } from "react-aria-components/FieldError";
import { Text } from "react-aria-components/Text";

export function FieldNotes({ help, error }: { help?: ReactNode; error?: string }) {
  return (
    <>
      {help ? (
        <Text slot="description" className="field-help">
          {help}
        </Text>
      ) : null}
      <FieldError className="field-error">{error}</FieldError>
    </>
  );
}
