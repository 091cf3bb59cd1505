/** What a credential may do: each permission with what it opens. */
import { Checkbox as AriaCheckbox } from "react-aria-components/Checkbox";
import { useSession } from "../../session";
import { Icon } from "../../ui/Icon";
import { PERMISSIONS, credentialTexts as T } from "./texts";

interface PermissionMatrixProps {
  chosen: readonly string[];
  onChange: (permissions: string[]) => void;
  error?: string;
}

export function PermissionMatrix({ chosen, onChange, error }: PermissionMatrixProps) {
  const session = useSession();
  return (
    <fieldset className="field" aria-describedby="permissions-help">
      <legend className="field-label">{T.matrix}</legend>
      <p id="permissions-help" className="field-help">
        {T.matrixHelp}
      </p>
      {error ? (
        <p className="field-error" role="alert">
          {error}
        </p>
      ) : null}
      <div className="permission-list">
        {PERMISSIONS.map((permission) => {
          const granted = chosen.includes(permission.id);
          const own = session.permissions.includes(permission.id);
          return (
            <AriaCheckbox
              key={permission.id}
              className="checkbox"
              isSelected={granted}
              // What is granted already may always be taken away.
              isDisabled={!own && !granted}
              onChange={(on) =>
                onChange(
                  PERMISSIONS.map((one) => one.id).filter((id) =>
                    id === permission.id ? on : chosen.includes(id),
                  ),
                )
              }
            >
              <span className="box">
                <Icon name="check" />
              </span>
              <span>
                {permission.name}
                <span className="field-help">{own ? permission.help : T.lacking}</span>
              </span>
            </AriaCheckbox>
          );
        })}
      </div>
    </fieldset>
  );
}
