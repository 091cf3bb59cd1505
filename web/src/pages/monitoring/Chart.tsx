/** Bars over time. What they show is said in words, too, and stands in a table for whoever wants figures. */
import { exactTime } from "../../ui/text";
import type { Bucket } from "./queries";
import { texts } from "./texts";

const T = texts.chart;
const WIDTH = 720;
const HEIGHT = 120;
const GAP = 2;

interface ChartProps {
  what: string;
  tone: "good" | "bad";
  series: Bucket[];
  value: (bucket: Bucket) => number;
  zone: "local" | "utc";
}

/** A round number at or above `most`: what the axis ends with. */
export function ceiling(most: number): number {
  const size = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return ([1, 2, 5, 10].find((step) => step * size >= most) ?? 10) * size;
}

const short = new Intl.NumberFormat("en-US", { notation: "compact" });

const tick = (at: number, spanMs: number, zone: "local" | "utc") =>
  new Intl.DateTimeFormat("en-GB", {
    ...(spanMs > 2 * 86_400_000
      ? { day: "numeric", month: "short" }
      : { hour: "2-digit", minute: "2-digit" }),
    ...(zone === "utc" ? { timeZone: "UTC" } : {}),
  }).format(at);

export function Chart({ what, tone, series, value, zone }: ChartProps) {
  const values = series.map(value);
  const total = values.reduce((sum, one) => sum + one, 0);
  const most = Math.max(0, ...values);
  const highest = series[values.indexOf(most)];
  const top = ceiling(most);
  const step = WIDTH / Math.max(1, series.length);
  const first = series[0]?.at ?? 0;
  // Where the last of them ends: each is told by its beginning.
  const last = (series.at(-1)?.at ?? 0) + ((series[1]?.at ?? first) - first);
  const summary =
    total > 0 && highest
      ? T.summary(what, total.toLocaleString(), most.toLocaleString(), exactTime(highest.at, zone))
      : T.nothing(what);
  const marks = [first, series[Math.floor(series.length / 2)]?.at ?? first, last];
  return (
    <figure className="chart">
      <figcaption>
        <span className="chart-name">{what}</span>
        <span className="muted">{total.toLocaleString()}</span>
      </figcaption>
      <div className="chart-area">
        <span className="chart-top" aria-hidden="true">
          {total > 0 ? short.format(top) : ""}
        </span>
        <svg
          className={`chart-bars ${tone}`}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={summary}
        >
          <line className="chart-line" x1="0" x2={WIDTH} y1="0.5" y2="0.5" />
          <line className="chart-line" x1="0" x2={WIDTH} y1={HEIGHT / 2} y2={HEIGHT / 2} />
          <line className="chart-base" x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
          {series.map((bucket, place) => {
            const height = ((values[place] ?? 0) / top) * HEIGHT;
            // A few among very many are seen, too.
            const shown = height > 0 ? Math.max(2, height) : 0;
            return (
              <rect
                key={bucket.at}
                className="chart-bar"
                x={place * step + GAP / 2}
                y={HEIGHT - shown}
                width={Math.max(1, step - GAP)}
                height={shown}
              >
                <title>{`${exactTime(bucket.at, zone)}: ${(values[place] ?? 0).toLocaleString()}`}</title>
              </rect>
            );
          })}
        </svg>
      </div>
      <div className="chart-ticks muted" aria-hidden="true">
        {marks.map((at, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: three places that stay
          <span key={place}>{tick(at, last - first, zone)}</span>
        ))}
      </div>
    </figure>
  );
}
