/** Rejected rows as a file, made in the browser of what the API answers. */
import { send } from "../../api/client";
import type { Rejected, Rejects } from "../../api/types";
import { saveFile } from "../../saveFile";
import { runCalls, type WantedRejects } from "./queries";

const A_PAGE = 1_000;

/** A text as one cell of CSV. Text that a spreadsheet would take for a formula begins with a quote mark. */
function cell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function csv(rows: Rejected[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row.row)))];
  const own = ["id", "state", "code", "field", "message", "value"] as const;
  const head = [...own, ...columns.map((column) => `row.${column}`)];
  const lines = rows.map((row) => [
    ...own.map((name) => row[name] ?? ""),
    ...columns.map((column) => row.row[column] ?? ""),
  ]);
  return [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n");
}

export async function download(
  as: "ndjson" | "csv",
  run: string,
  wanted: WantedRejects,
  sandbox: string,
): Promise<void> {
  const rows: Rejected[] = [];
  let after: string | null = "";
  do {
    const page: Rejects = await send<Rejects>(runCalls.rejects(run, wanted, A_PAGE, after), sandbox);
    rows.push(...page.rejects);
    after = page.next;
  } while (after);
  const text = as === "csv" ? csv(rows) : `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`;
  saveFile(`rejected-${run}.${as}`, as === "csv" ? "text/csv" : "application/x-ndjson", text);
}
