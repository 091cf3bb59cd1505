/** What a page says while it waits, when there is nothing, when something failed, and when something is done. */
import { type Query, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import { ApiError, mayPass, Unreachable } from "../api/client";
import { texts } from "../texts";
import { Button, IconButton } from "./Button";
import { Icon, type IconName } from "./Icon";
import { sentence, visibly } from "./text";

/** What was asked for the page, and was never answered. */
const WAITING = { type: "active" as const, predicate: (query: Query) => query.state.status === "pending" };

/** `true` once this was on screen for a while. */
function useElapsed(ms: number): boolean {
  const [elapsed, setElapsed] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setElapsed(true), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return elapsed;
}

/** Grey shapes in the place of what comes; after 5 s it says what it waits for. */
export function Skeleton({ rows = 6, shape = "row" }: { rows?: number; shape?: "row" | "card" | "text" }) {
  const visible = useElapsed(150);
  const slow = useElapsed(5_000);
  const client = useQueryClient();
  const askAgain = async () => {
    await client.cancelQueries(WAITING);
    await client.refetchQueries(WAITING);
  };
  return (
    <div className={`skeletons ${shape}`} aria-busy="true" data-visible={visible || undefined}>
      <span className="visually-hidden" role="status">
        {slow ? texts.common.slow : texts.common.loading}
      </span>
      {slow ? (
        <p className="cell-with-icon muted">
          {texts.common.slow}
          {client.isFetching(WAITING) > 0 ? (
            <Button size="small" onPress={() => void askAgain()}>
              {texts.common.askAgain}
            </Button>
          ) : null}
        </p>
      ) : null}
      {Array.from({ length: rows }, (_, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <div key={place} className="skeleton" />
      ))}
    </div>
  );
}

interface EmptyStateProps {
  icon: IconName;
  title: string;
  children: ReactNode;
  action?: ReactNode;
}

export function EmptyState({ icon, title, children, action }: EmptyStateProps) {
  return (
    <div className="empty-state">
      <span className="empty-icon">
        <Icon name={icon} />
      </span>
      <h2>{title}</h2>
      <p>{children}</p>
      {action}
    </div>
  );
}

interface NothingFoundProps {
  title: string;
  onClear: () => void;
  /** What the button says. */
  clear?: string;
  children: ReactNode;
}

/** A list of which nothing fits its search and filters. */
export function NothingFound({ title, onClear, clear, children }: NothingFoundProps) {
  return (
    <EmptyState
      icon="search"
      title={title}
      action={<Button onPress={onClear}>{clear ?? texts.catalog.clear}</Button>}
    >
      {children}
    </EmptyState>
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2_000);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <>
      <Button
        size="small"
        aria-label={label}
        onPress={() =>
          navigator.clipboard?.writeText(text).then(
            () => setCopied(true),
            () => setCopied(false),
          )
        }
      >
        {copied ? texts.common.copied : texts.common.copy}
      </Button>
      <span className="visually-hidden" role="status">
        {copied ? texts.common.copied : ""}
      </span>
    </>
  );
}

const NEXT: Record<number, string> = { 401: texts.error.signInNext, 403: texts.error.forbiddenNext };

interface ErrorPanelProps {
  /** What failed, in the words of the page. */
  what: string;
  error: unknown;
  /** What to do, where the page knows it better than the server. */
  advice?: string;
  /** Offered where the same may go well later. */
  onRetry?: () => void;
  children?: ReactNode;
}

/** What failed, why, what to do, and a stable code; with the id of the request. */
export function ErrorPanel({ what, error, advice, onRetry, children }: ErrorPanelProps) {
  const known = error instanceof ApiError ? error : null;
  const away = error instanceof Unreachable;
  const why = away ? texts.error.unreachableWhy : (known?.message ?? texts.pageFailed.why);
  const next = away
    ? error.isOpen
      ? texts.error.openNext
      : texts.error.unreachableNext
    : advice ||
      known?.advice ||
      (NEXT[known?.status ?? 0] ?? (mayPass(error) ? texts.error.unknownNext : texts.error.refusedNext));
  return (
    <section className="error-panel" role="alert">
      <Icon name="fail" />
      <div>
        <h2>{what}</h2>
        <dl>
          <dt>{texts.error.why}</dt>
          <dd>{sentence(why)}</dd>
          <dt>{texts.error.next}</dt>
          <dd>{sentence(next)}</dd>
          {known ? (
            <>
              <dt>{texts.error.code}</dt>
              <dd>
                <code>{visibly(known.code)}</code>
              </dd>
              {known.requestId ? (
                <>
                  <dt>{texts.error.request}</dt>
                  <dd className="request-id">
                    <code>{visibly(known.requestId)}</code>
                    <CopyButton text={known.requestId} label={texts.error.copyRequest} />
                  </dd>
                </>
              ) : null}
            </>
          ) : null}
        </dl>
        {onRetry && mayPass(error) ? (
          <Button size="small" onPress={onRetry}>
            {texts.common.retry}
          </Button>
        ) : null}
        {children}
      </div>
    </section>
  );
}

export type Tone = "good" | "bad" | "warn" | "neutral" | "info";
const TONE_ICONS: Record<Tone, IconName> = {
  good: "check",
  bad: "fail",
  warn: "warn",
  neutral: "skip",
  info: "clock",
};

/** A state in words, with a sign of its own: colour is never alone. */
export function StatusBadge({ tone, children, icon }: { tone: Tone; children: ReactNode; icon?: IconName }) {
  return (
    <span className={`status ${tone}`}>
      <Icon name={icon ?? TONE_ICONS[tone]} />
      {children}
    </span>
  );
}

interface Toast {
  id: number;
  text: string;
}
let toasts: Toast[] = [];
let lastToast = 0;
const toastListeners = new Set<() => void>();

function setToasts(next: Toast[]) {
  toasts = next;
  for (const listener of toastListeners) listener();
}

/** Says that something is done. Errors are never toasts: they stand where they came from. */
export function toast(text: string): void {
  const id = ++lastToast;
  setToasts([...toasts, { id, text }]);
  setTimeout(() => setToasts(toasts.filter((known) => known.id !== id)), 8_000);
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      toastListeners.add(listener);
      return () => toastListeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((one) => (
        <div key={one.id} className="toast">
          <Icon name="check" />
          <span>{visibly(one.text)}</span>
          <IconButton
            icon="close"
            size="small"
            label={texts.common.close}
            onPress={() => setToasts(toasts.filter((known) => known.id !== one.id))}
          />
        </div>
      ))}
    </div>
  );
}
