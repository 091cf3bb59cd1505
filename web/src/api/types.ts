/** The wire's types by short names. `schema.d.ts` is made of the server's own OpenAPI document. */
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Connection = Schemas["Connection"];
export type Spec = Schemas["Spec"];
export type Sandbox = Schemas["Sandbox"];
export type CheckedStep = Schemas["CheckedStep"];
export type ConnectionCheck = Schemas["ConnectionCheck"];
export type LastChecks = Schemas["LastChecks"];
export type Flow = Schemas["Flow"];
export type FlowLine = Schemas["FlowLine"];
export type FlowLines = Schemas["FlowLines"];
export type Run = Schemas["Run"];
export type Rejects = Schemas["Rejects"];
export type Rejected = Schemas["Rejected"];
export type ReplayTrial = Schemas["ReplayTrial"];
export type Drift = Schemas["Drift"];
export type MappingSet = Schemas["MappingSet"];
export type FlowVersion = Schemas["FlowVersion"];
export type FlowVersions = Schemas["FlowVersions"];
export type SandboxPage = Schemas["SandboxPage"];

/** A JSON Schema property of an auth spec, as far as forms read it. */
export interface Property {
  type?: string;
  title?: string;
  description?: string;
  format?: string;
  enum?: string[];
  default?: unknown;
  examples?: string[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  anyOf?: Property[];
}

export interface ObjectSchema {
  properties?: Record<string, Property>;
  required?: string[];
  description?: string;
}

export interface AuthSpec {
  name: string;
  type?: string | null;
  spec: ObjectSchema;
}
