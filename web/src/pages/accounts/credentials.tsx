/** Ways to sign in at a source, and what is typed for the chosen one. New accounts and replaced credentials share it. */
import { useState } from "react";
import { variable } from "../../api/client";
import type { Source } from "../../api/queries";
import { texts } from "../../texts";
import { RadioGroup } from "../../ui/choices";
import { sentence, visibly } from "../../ui/text";
import { AuthForm, initialValues, paramsOf, problemsOf, type Values } from "./AuthForm";

const SHELL_NAME = /(?<=[a-z0-9])(?=[A-Z])/g;

export function useCredentials(source: Source, first?: string | null) {
  const [name, setName] = useState(
    () => (source.auths.find((one) => one.name === first) ?? source.auths[0])?.name ?? "",
  );
  const auth = source.auths.find((one) => one.name === name) ?? source.auths[0];
  // What was typed for one way stays while another is looked at.
  const [typed, setTyped] = useState<Record<string, Values>>({});
  const [problems, setProblems] = useState<Record<string, string>>({});
  const schema = auth?.spec ?? {};
  const values = typed[name] ?? initialValues(schema);
  return {
    auth,
    values,
    problems,
    choose: (next: string) => {
      setName(next);
      setProblems({});
    },
    type: (next: Values) => {
      setTyped({ ...typed, [name]: next });
      // What was mended is no longer wrong.
      setProblems(
        Object.fromEntries(Object.entries(problems).filter(([field]) => next[field] === values[field])),
      );
    },
    /** What is wrong with the fields; shown from then on. */
    checked: () => {
      const found = problemsOf(schema, values);
      setProblems(found);
      return found;
    },
    /** A refusal of the server about one field stands at that field, too. */
    blame: (message: string) => {
      const field = /^(?:auth\/params\/)?(\w+): /.exec(message);
      if (field?.[1] && schema.properties?.[field[1]])
        setProblems({ [field[1]]: sentence(message.slice(field[0].length)) });
    },
    /** As the API takes it. */
    content: () => ({ specName: auth?.name ?? "", params: paramsOf(schema, values) }),
    /** The same with a $VARIABLE in the place of each secret. */
    told: () => {
      const params = paramsOf(schema, values);
      for (const [field, property] of Object.entries(schema.properties ?? {}))
        if (property.format === "password")
          params[field] = variable(field.replace(SHELL_NAME, "_").toUpperCase());
      return { specName: auth?.name ?? "", params };
    },
  };
}

export type Credentials = ReturnType<typeof useCredentials>;

export function CredentialFields({ source, credentials }: { source: Source; credentials: Credentials }) {
  const { auth, values, problems, choose, type } = credentials;
  if (!auth) return null;
  return (
    <>
      {source.auths.length > 1 ? (
        <RadioGroup
          label={texts.newAccount.way}
          value={auth.name}
          onChange={choose}
          options={source.auths.map((one) => ({
            id: one.name,
            name: visibly(texts.newAccount.wayName(one.name)),
          }))}
        />
      ) : null}
      <AuthForm key={auth.name} auth={auth} values={values} onChange={type} problems={problems} />
    </>
  );
}
