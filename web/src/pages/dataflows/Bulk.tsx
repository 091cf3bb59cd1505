/** One act with many dataflows: said before, and what came of each after. That some do not go is nothing unusual. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "../../api/client";
import { sandboxesQuery } from "../../api/queries";
import type { FlowLine } from "../../api/types";
import { useSandbox } from "../../shell/page";
import { texts } from "../../texts";
import { Button } from "../../ui/Button";
import { StatusBadge } from "../../ui/feedback";
import { Icon } from "../../ui/Icon";
import { Dialog } from "../../ui/overlays";
import { Hostile, sentence } from "../../ui/text";
import { type Act, perform } from "./acts";
import { nameOf } from "./badges";
import { T } from "./texts";

interface BulkProps {
  act: Act;
  lines: FlowLine[];
  onClose: () => void;
  /** Something was done: nothing is chosen for another act any more. */
  onDone: () => void;
}

interface Outcome {
  id: string;
  error: unknown;
}

export function Bulk({ act, lines: chosen, onClose, onDone }: BulkProps) {
  const sandbox = useSandbox();
  const client = useQueryClient();
  const { data: sandboxes } = useQuery(sandboxesQuery);
  const production = sandboxes?.find((one) => one.name === sandbox)?.type === "production";
  // What was chosen when the dialog opened: the list behind it changes by what is done.
  const [lines] = useState(chosen);
  const [busy, setBusy] = useState(false);
  const [outcomes, setOutcomes] = useState<Outcome[]>([]);
  const finished = outcomes.length === lines.length;
  const go = async () => {
    setBusy(true);
    const found: Outcome[] = [];
    // One after the other: each changes a flow and is seen at once.
    for (const line of lines) {
      const error = await perform(act, line.id, sandbox, client).then(
        () => null,
        (problem: unknown) => problem,
      );
      found.push({ id: line.id, error });
      setOutcomes([...found]);
    }
    setBusy(false);
    onDone();
  };
  const well = outcomes.filter((one) => one.error === null).length;
  return (
    <Dialog
      title={T.bulk.titles[act](lines.length)}
      isOpen
      onClose={onClose}
      stays={busy}
      role={act === "remove" && !finished ? "alertdialog" : "dialog"}
      footer={
        finished ? (
          <Button look="primary" onPress={onClose} autoFocus>
            {T.bulk.close}
          </Button>
        ) : (
          <>
            <Button onPress={onClose} isDisabled={busy} autoFocus>
              {texts.common.cancel}
            </Button>
            <Button look={act === "remove" ? "danger" : "primary"} isPending={busy} onPress={() => void go()}>
              {busy ? T.bulk.doing : T.bulk.go[act]}
            </Button>
          </>
        )
      }
    >
      <p>{T.bulk.texts[act]}</p>
      {act === "remove" && production ? (
        <p className="banner warn">
          <Icon name="warn" />
          {T.remove.production}
        </p>
      ) : null}
      <p role="status" className={outcomes.length > 0 ? "" : "visually-hidden"}>
        {outcomes.length > 0 ? T.bulk.outcome(well, lines.length) : ""}
      </p>
      <ul className="rows outcomes" aria-label={T.bulk.outcomes}>
        {lines.map((line) => {
          const outcome = outcomes.find((one) => one.id === line.id);
          return (
            <li key={line.id}>
              <Hostile>{nameOf(line)}</Hostile>
              {outcome ? (
                outcome.error === null ? (
                  <StatusBadge tone="good">{T.bulk.well}</StatusBadge>
                ) : (
                  <span className="outcome-why">
                    <StatusBadge tone="bad">{T.bulk.badly}</StatusBadge>
                    <span className="muted">
                      {sentence(
                        outcome.error instanceof ApiError
                          ? outcome.error.message
                          : texts.error.unreachableWhy,
                      )}
                    </span>
                  </span>
                )
              ) : null}
            </li>
          );
        })}
      </ul>
    </Dialog>
  );
}
