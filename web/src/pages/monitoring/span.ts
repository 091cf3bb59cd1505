/** The time that the page is about, as its address says it. */
import type { useAddress } from "../../address";
import { SPANS, type Span } from "./queries";

export interface Chosen {
  /** Name of a range, or `custom`. */
  range: string;
  span: Span;
  /** A custom range that ends before it begins; then the last day is shown. */
  wrong: boolean;
}

const DEFAULT = "24h";
const BUCKETS = 30;

/** Local time as `datetime-local` fields have it. */
export const fieldTime = (at: number) => {
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
};

export function spanIn(address: ReturnType<typeof useAddress>): Chosen {
  const since = Number(address.get("since"));
  const until = Number(address.get("until"));
  if (since > 0 && until > 0) {
    const wrong = since >= until;
    const span = wrong
      ? { ...(SPANS[DEFAULT] as (typeof SPANS)[string]), since: null, until: null }
      : { lengthMs: until - since, since, until, buckets: BUCKETS };
    return { range: "custom", span, wrong };
  }
  const asked = address.get("range");
  const range = SPANS[asked] ? asked : DEFAULT;
  return {
    range,
    span: { ...(SPANS[range] as (typeof SPANS)[string]), since: null, until: null },
    wrong: false,
  };
}
