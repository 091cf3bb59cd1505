/** Runs over a window of time, in pieces, one after the other. */
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { send } from "../../api/client";
import { pathOf } from "../../shell/navigation";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/choices";
import { ErrorPanel, toast } from "../../ui/feedback";
import { TextField } from "../../ui/fields";
import { Dialog } from "../../ui/overlays";
import { exactTime, Hostile, visibly } from "../../ui/text";
import { refresh } from "./acts";
import { nameOf } from "./badges";
import type { FlowProps } from "./Flow";
import { stepOf } from "./Overview";
import { flowCalls } from "./queries";
import { T } from "./texts";

const B = T.backfill;
const DAY_MS = 86_400_000;
const SIZES: Record<string, number> = { whole: 0, day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS };
const MOST = 50;
const FORM = "backfill";

/** Epoch milliseconds of a date and time in UTC; null where it is none. */
function moment(text: string): number | null {
  const found = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?))?Z?$/.exec(text.trim());
  const at = found ? Date.parse(`${found[1]}T${found[2] ?? "00:00"}Z`) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

interface Piece {
  from: number;
  until: number;
}

function piecesOf(from: number, until: number, size: number): Piece[] {
  if (size === 0) return [{ from, until }];
  const pieces: Piece[] = [];
  for (let at = from; at < until && pieces.length <= MOST; at += size)
    pieces.push({ from: at, until: Math.min(at + size, until) });
  return pieces;
}

export function Backfill({ line, flow, onClose }: FlowProps & { onClose: () => void }) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const known = stepOf(flow, "Copy")?.deltaColumn as { name?: string } | undefined;
  const [column, setColumn] = useState(known?.name ?? "Timestamp");
  const [from, setFrom] = useState("");
  const [until, setUntil] = useState("");
  const [size, setSize] = useState("whole");
  const [checked, setChecked] = useState(false);
  const [done, setDone] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const busy = done !== null && error === null;
  const recurring = line.schedule?.frequency !== "once";
  const [start, end] = [moment(from), moment(until)];
  const pieces = start !== null && end !== null && end > start ? piecesOf(start, end, SIZES[size] ?? 0) : [];
  const problems = {
    column: column.trim() ? undefined : B.columnMissing,
    from: start === null ? B.wrong : undefined,
    until: end === null ? B.wrong : start !== null && end <= start ? B.order : undefined,
    size: pieces.length > MOST ? B.tooMany(MOST) : undefined,
  };
  const shown: Partial<typeof problems> = checked ? problems : {};
  const go = async () => {
    setChecked(true);
    if (Object.values(problems).some(Boolean)) return;
    setError(null);
    let started = done ?? 0;
    try {
      // After a refusal it goes on with the piece that was refused.
      for (; started < pieces.length; started++) {
        setDone(started);
        const piece = pieces[started] as Piece;
        await send(
          flowCalls.runOver(line.id, {
            windowStartTime: Math.floor(piece.from / 1000),
            windowEndTime: Math.floor(piece.until / 1000),
            deltaColumn: known ?? { name: column.trim() },
          }),
          sandbox,
        );
      }
      await refresh(client, sandbox, line.id);
      toast(B.started(pieces.length));
      onClose();
      navigate(pathOf(sandbox, `flows/${encodeURIComponent(line.id)}?tab=activity`));
    } catch (problem) {
      setError(problem);
      void refresh(client, sandbox, line.id);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy) void go();
  };
  return (
    <Dialog
      title={B.title(visibly(nameOf(line)))}
      isOpen
      onClose={onClose}
      size="large"
      stays={busy}
      footer={
        <>
          <Button onPress={onClose} isDisabled={busy}>
            {recurring ? texts.common.close : texts.common.cancel}
          </Button>
          {recurring ? null : (
            <Button look="primary" type="submit" form={FORM} isPending={busy}>
              {problems.size ? B.goSome : B.go(Math.max(pieces.length - (done ?? 0), 1))}
            </Button>
          )}
        </>
      }
    >
      {recurring ? (
        <p>{B.recurring}</p>
      ) : (
        <form id={FORM} className="form" noValidate onSubmit={submit}>
          {error ? (
            <ErrorPanel what={B.failed} error={error}>
              <p>{B.stoppedAfter(done ?? 0, pieces.length)}</p>
            </ErrorPanel>
          ) : null}
          <p>{B.lead}</p>
          {known?.name ? (
            <p className="muted">
              {B.columnStays} <Hostile>{known.name}</Hostile>
            </p>
          ) : (
            <TextField
              label={B.column}
              help={B.columnHelp}
              value={column}
              onChange={setColumn}
              error={shown.column}
              required
            />
          )}
          <div className="field-row">
            <TextField
              label={B.from}
              help={B.help}
              value={from}
              onChange={setFrom}
              error={shown.from}
              required
            />
            <TextField
              label={B.until}
              help={B.help}
              value={until}
              onChange={setUntil}
              error={shown.until}
              required
            />
          </div>
          <Select
            label={B.size}
            value={size}
            onChange={setSize}
            options={Object.entries(B.sizes).map(([id, name]) => ({ id, name }))}
            error={shown.size}
          />
          {pieces.length > 0 && pieces.length <= MOST ? (
            <section className="pieces" aria-label={B.preview}>
              <h3>
                {B.preview} <span className="muted">{B.pieces(pieces.length)}</span>
              </h3>
              <ol>
                {pieces.map((piece) => (
                  <li key={piece.from}>
                    {exactTime(piece.from, "utc")} – {exactTime(piece.until, "utc")}
                  </li>
                ))}
              </ol>
            </section>
          ) : null}
          <p className="muted">{B.cursor}</p>
        </form>
      )}
    </Dialog>
  );
}
