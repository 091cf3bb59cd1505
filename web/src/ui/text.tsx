/** Texts, times and numbers as they are shown. What comes from outside is hostile until it went through here. */
import { Fragment } from "react";
import { now } from "../api/clock";
import { usePreferences } from "../preferences";
import { texts } from "../texts";

/** Control characters, and those that turn the direction of text or take no room: what may hide or disguise. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;

const codePoint = (character: string) =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

/** The text with what cannot be seen written out: for titles and accessible names, which are text alone. */
export const visibly = (text: string) => text.replace(HIDDEN, (found) => `⟨${codePoint(found)}⟩`);

/** A message of the server as a sentence: it begins with a capital letter. */
export const sentence = (text: string) => visibly(text.charAt(0).toUpperCase() + text.slice(1));

/** Text from a source, a person or another server. */
export function Hostile({ children }: { children: string }) {
  const parts: (string | { code: string; at: number })[] = [];
  let end = 0;
  for (const found of children.matchAll(HIDDEN)) {
    parts.push(children.slice(end, found.index), { code: codePoint(found[0]), at: found.index });
    end = found.index + found[0].length;
  }
  parts.push(children.slice(end));
  return (
    <bdi className="hostile">
      {parts.map((part) =>
        typeof part === "string" ? (
          part
        ) : (
          <span key={part.at} className="hidden-character">
            {part.code}
          </span>
        ),
      )}
    </bdi>
  );
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

// Made once: making one takes longer than all that it formats on a page.
const EXACT: Intl.DateTimeFormatOptions = { dateStyle: "medium", timeStyle: "medium" };
const LOCAL = new Intl.DateTimeFormat("en-GB", EXACT);
const UTC = new Intl.DateTimeFormat("en-GB", { ...EXACT, timeZone: "UTC" });

export const exactTime = (at: number, zone: "local" | "utc"): string =>
  zone === "utc" ? `${UTC.format(at)} UTC` : LOCAL.format(at);

export function relativeTime(at: number, now: number): string {
  const seconds = Math.round((at - now) / 1000);
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  return unit ? RELATIVE.format(Math.trunc(seconds / unit[1]), unit[0]) : texts.time.now;
}

/** A moment: how long ago, with the exact time in the viewer's zone and UTC on hover. */
export function Time({ at, exact = false }: { at: number; exact?: boolean }) {
  const { zone } = usePreferences();
  const full = exactTime(at, zone);
  const title = zone === "utc" ? full : `${full} · ${exactTime(at, "utc")}`;
  return (
    <time dateTime={new Date(at).toISOString()} title={title}>
      {exact ? full : relativeTime(at, now())}
      {exact ? null : <span className="visually-hidden">, {full}</span>}
    </time>
  );
}

/** A count with the locale's separators. */
export function Count({ value }: { value: number }) {
  return <span className="count">{value.toLocaleString()}</span>;
}

/** Text in which `backticks` mark code, as descriptions of specs write it. */
export function Described({ children }: { children: string }) {
  return (
    <>
      {children.split("`").map((part, place) => (
        // The parts of one text never change their order.
        // biome-ignore lint/suspicious/noArrayIndexKey: as above
        <Fragment key={place}>{place % 2 ? <code>{visibly(part)}</code> : visibly(part)}</Fragment>
      ))}
    </>
  );
}
