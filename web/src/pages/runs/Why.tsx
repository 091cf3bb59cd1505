/** Why a run did not land all, and what keeps one from starting, in a line each: for lists. */
import { sentence, visibly } from "../../ui/text";
import type { ReadRun, RunError, Tally } from "./run";
import { T } from "./texts";
import "./runs.css";

export interface Reason {
  error?: Pick<RunError, "message"> | null;
  rejection?: Tally | null;
  rejectionKinds: number;
}

/** Sums up that rows were rejected; the rejections themselves say why. */
export const ROWS_FAILED = "INGEST-1212-400";

/** What a run tells of how it ended. */
interface Told extends Pick<ReadRun, "errors" | "rejections"> {
  state: string;
}

export function reasonOf(run: Told): Reason | null {
  if (run.state !== "failed" && run.state !== "partialSuccess") return null;
  const error = run.errors.find((one) => one.code !== ROWS_FAILED) ?? null;
  const rejection = run.rejections[0] ?? null;
  return error || rejection ? { error, rejection, rejectionKinds: run.rejections.length } : null;
}

export const rejectedRows = ({ count, field, message }: Tally) =>
  T.why.rejected(count, visibly(field), visibly(message));

/** What keeps rows back comes before what came of it: that too many of them failed. */
export function inShort({ error, rejection, rejectionKinds }: Reason): string {
  const others = rejectionKinds > 1 ? ` ${T.why.others(rejectionKinds - 1)}` : "";
  const parts = [
    ...(rejection ? [`${rejectedRows(rejection)}${others}`] : []),
    ...(error ? [sentence(error.message)] : []),
  ];
  return parts.join(". ");
}

interface WhyProps {
  reason: Reason | null | undefined;
  /** Not cut where it is long. */
  whole?: boolean;
}

export const Why = ({ reason, whole = false }: WhyProps) =>
  reason ? <span className={whole ? "why whole" : "why"}>{inShort(reason)}</span> : null;

export const Hindrance = ({ of }: { of: { message: string } | null | undefined }) =>
  of ? <span className="why brief">{sentence(of.message)}</span> : null;
