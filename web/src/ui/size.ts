/** Sizes as people read them. */

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Bytes, in the largest unit of which there is one: 5.2 kB. */
export function bytes(count: number): string {
  let size = count;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${UNITS[unit]}`;
}
