/** How long something takes, as people read it. */

const rest = (count: number, unit: string) => (count > 0 ? ` ${count} ${unit}` : "");

/** In the two largest units: 480 ms, 3.2 s, 2 h 5 min, 3 d 4 h. */
export function duration(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.max(Math.round(ms), 0)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${(ms / 1000).toFixed(1).replace(/\.0$/, "")} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min${rest(seconds % 60, "s")}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h${rest(minutes % 60, "min")}`;
  return `${Math.floor(hours / 24)} d${rest(hours % 24, "h")}`;
}
