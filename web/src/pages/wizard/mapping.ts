/** What the wizard and its mapping step say to each other. */

export interface Rule {
  id: string;
  kind: "field" | "calculated" | "constant";
  source: string;
  destination: string;
  onError?: "null" | "reject";
}

export interface MappingState {
  rules: Rule[];
  /** Suggestions were asked for once. */
  suggested: boolean;
}

export interface SourceColumn {
  name: string;
  /** As explore tells it. */
  type: string;
  coverage?: number;
}

export interface TargetField {
  path: string;
  type: string;
  required?: boolean;
  title?: string;
}

export interface MappingStepProps {
  columns: SourceColumn[];
  /** The preview. */
  rows: Record<string, unknown>[];
  /** `$id` of the target schema; null: it will be made of the source, and `targetFields` tells what it will have. */
  schemaId: string | null;
  targetFields?: TargetField[];
  writeMode: "append" | "upsert";
  keys?: string[];
  value: MappingState;
  onChange: (next: MappingState) => void;
  /** How many errors block the next step. */
  problems?: (count: number) => void;
}
