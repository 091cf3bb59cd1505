/** Sizes as people read them. */

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Bytes in the unit that keeps them below a thousand: 5.2 kB. */
export function bytes(size: number): string {
  let value = size;
  let place = 0;
  while (value >= 1000 && place < UNITS.length - 1) {
    value /= 1000;
    place++;
  }
  return `${place && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[place]}`;
}
