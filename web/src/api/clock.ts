/** What time it is by the server, which makes the times that are shown: a browser's clock may be off. */

// Answers tell the time in whole seconds, and take their while.
const LEAST_MS = 5_000;
const LONGEST_ANSWER_MS = 5_000;
let aheadMs = 0;

/** Learns by how much the server's clock is ahead, from an answer to what was asked at `askedAt`. */
export function learnTime(answer: Response, askedAt: number): void {
  const told = Date.parse(answer.headers.get("date") ?? "");
  const now = Date.now();
  // An answer that was long under way, or waited for a page that slept, tells no time.
  if (Number.isNaN(told) || now < askedAt || now - askedAt > LONGEST_ANSWER_MS) return;
  const found = told - now;
  aheadMs = Math.abs(found) < LEAST_MS ? 0 : found;
}

/** A moment of the browser's clock by that of the server. */
export const byServer = (at: number) => at + aheadMs;

export const now = () => byServer(Date.now());
