/** What two versions of a dataflow say differently, setting by setting. */
import type { FlowVersion } from "../../api/types";

export interface Difference {
  id: string;
  /** The way to the setting, as the API names it. */
  path: string;
  /** As text; null: not set. */
  was: string | null;
  now: string | null;
}

/** Settings by their paths. Steps go by their names: their order tells nothing. */
function settings(version: FlowVersion): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (path: string, value: unknown) => {
    if (value === null || value === undefined || value === "") return;
    if (typeof value === "object" && !Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value)) walk(path ? `${path}.${name}` : name, inner);
      return;
    }
    if (Array.isArray(value) && value.length === 0) return;
    found.set(path, typeof value === "string" ? value : JSON.stringify(value));
  };
  for (const name of [
    "name",
    "description",
    "labels",
    "scheduleParams",
    "options",
    "source",
    "target",
  ] as const)
    walk(name, version[name]);
  for (const step of version.transformations) walk(`transformations.${step.name}`, step.params);
  return found;
}

export function differences(was: FlowVersion, now: FlowVersion): Difference[] {
  const [before, after] = [settings(was), settings(now)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => ({ id: path, path, was: before.get(path) ?? null, now: after.get(path) ?? null }));
}

/** The first step of a path: which part of the dataflow it belongs to. */
export const partOf = (difference: Difference) => difference.path.split(".")[0] ?? "";
