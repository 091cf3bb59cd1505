/** The form of a sign-in, made of the JSON Schema that the connection spec gives for it. */
import type { AuthSpec, ObjectSchema, Property } from "../../api/types";
import { texts } from "../../texts";
import { Checkbox, Select } from "../../ui/choices";
import { SecretField, TextField } from "../../ui/fields";
import { Described, visibly } from "../../ui/text";

export type Values = Record<string, string | boolean>;

/** A property without its "or nothing". */
function plain(property: Property): Property {
  const option = property.anyOf?.find((one) => one.type !== "null");
  return option ? { ...property, ...option } : property;
}

const isSecret = (property: Property) => property.format === "password";

export function initialValues(schema: ObjectSchema): Values {
  return Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, property]) => {
      const { type, default: given } = plain(property);
      return [name, type === "boolean" ? given === true : typeof given === "string" ? given : ""];
    }),
  );
}

/** What is wrong with each field, as far as the schema tells. */
export function problemsOf(schema: ObjectSchema, values: Values): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const { pattern } = plain(property);
    const value = values[name];
    if (typeof value !== "string") continue;
    const text = value.trim();
    if (text === "" && schema.required?.includes(name)) problems[name] = texts.newAccount.required;
    // Schemas mean the whole of Unicode; a pattern that this browser cannot read is left to the server.
    else if (text !== "" && pattern && !fits(pattern, text)) problems[name] = texts.newAccount.pattern;
  }
  return problems;
}

function fits(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}

/** The values as the API takes them: what is empty, or as it is by itself, is left out. */
export function paramsOf(schema: ObjectSchema, values: Values): Record<string, unknown> {
  const params: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const { type, default: given } = plain(property);
    const value = values[name];
    if (value === undefined || value === "" || value === given) continue;
    const isNumber = type === "integer" || type === "number";
    params[name] = typeof value === "string" ? (isNumber ? Number(value) : value.trim()) : value;
  }
  return params;
}

/** Account and endpoint that a connection string names; its key is not looked at. */
export function readConnectionString(text: string): { account: string; endpoint: string } | null {
  const parts = new Map(
    text.split(";").map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()] as const;
    }),
  );
  const account = parts.get("accountname") ?? "";
  const endpoint =
    parts.get("tableendpoint") ??
    (account
      ? `${parts.get("defaultendpointsprotocol") ?? "https"}://${account}.table.${parts.get("endpointsuffix") ?? "core.windows.net"}`
      : "");
  return endpoint && /^https?:/i.test(endpoint) ? { account, endpoint: endpoint.split("?")[0] ?? "" } : null;
}

interface AuthFormProps {
  auth: AuthSpec;
  values: Values;
  onChange: (values: Values) => void;
  problems: Record<string, string>;
}

export function AuthForm({ auth, values, onChange, problems }: AuthFormProps) {
  const fields = Object.entries(auth.spec.properties ?? {});
  const required = auth.spec.required ?? [];
  const first = fields.filter(([name]) => required.includes(name));
  const others = fields.filter(([name]) => !required.includes(name));
  const field = ([name, property]: [string, Property]) => (
    <Field
      key={name}
      name={name}
      property={plain(property)}
      required={required.includes(name)}
      value={values[name] ?? ""}
      onChange={(value) => onChange({ ...values, [name]: value })}
      {...(problems[name] ? { problem: problems[name] } : {})}
    />
  );
  const opened = others.some(([name]) => problems[name]);
  return (
    <>
      {fields.length === 0 ? <p className="muted">{texts.newAccount.noFields}</p> : null}
      {first.map(field)}
      {others.length > 0 ? (
        <details className="more-fields" open={opened || undefined}>
          <summary>{texts.newAccount.moreFields(others.length)}</summary>
          {others.map(field)}
        </details>
      ) : null}
    </>
  );
}

interface SchemaFieldProps {
  name: string;
  property: Property;
  required: boolean;
  value: string | boolean;
  onChange: (value: string | boolean) => void;
  problem?: string;
}

function Field({ name, property, required, value, onChange, problem }: SchemaFieldProps) {
  const label = visibly(property.title ?? name);
  const help = property.description ? <Described>{property.description}</Described> : undefined;
  const shared = { label, name, help, error: problem, required };
  if (typeof value === "boolean" || property.type === "boolean")
    return (
      <Checkbox value={value === true} onChange={onChange} help={help}>
        {label}
      </Checkbox>
    );
  if (property.enum)
    return (
      <Select
        label={label}
        help={help}
        error={problem}
        value={value}
        onChange={onChange}
        options={property.enum.map((id) => ({ id, name: visibly(id) }))}
      />
    );
  if (!isSecret(property)) {
    const example = property.examples?.[0];
    const told = (
      <>
        {help}
        {example ? <> {texts.newAccount.example(visibly(example))}</> : null}
      </>
    );
    return <TextField {...shared} help={told} value={value} onChange={onChange} />;
  }
  return (
    <>
      <SecretField {...shared} value={value} onChange={onChange} />
      <WhatItSays text={value} />
    </>
  );
}

/** What a pasted connection string says, but its key; so that a wrong one is seen before it is tried. */
function WhatItSays({ text }: { text: string }) {
  const read = readConnectionString(text);
  if (!read) return null;
  return (
    <p className="parsed" role="status">
      {texts.newAccount.parsed(visibly(read.account) || "?", visibly(read.endpoint))}
      {/^http:/i.test(read.endpoint) ? (
        <span className="warn-text"> {texts.newAccount.plainHttp}</span>
      ) : null}
    </p>
  );
}
