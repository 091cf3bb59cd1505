// Measures what a browser loads, compressed, and fails the build where it is too much:
// `node scripts/budgets.mjs [KB]`, with another budget for the first scripts.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const FIRST_JS_KB = Number(process.argv[2] ?? 160);
const FIRST_CSS_KB = 20;
const LATER_KB = 120;

const built = new URL("../../src/flowservice/web/", import.meta.url);
const page = readFileSync(new URL("index.html", built), "utf8");
const files = readdirSync(new URL("assets/", built)).filter((name) => /\.(js|css)$/.test(name));
const kilobytes = (name) =>
  gzipSync(readFileSync(new URL(`assets/${name}`, built)), { level: 9 }).length / 1000;

// What the page names (scripts, preloads, styles), and what those import statically, comes before anything shows.
const first = new Set(files.filter((name) => page.includes(`/assets/${name}`)));
for (const name of first) {
  if (!name.endsWith(".js")) continue;
  const source = readFileSync(new URL(`assets/${name}`, built), "utf8");
  for (const found of source.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) first.add(found[1]);
}
const sum = (ending) =>
  [...first].filter((name) => name.endsWith(ending)).reduce((total, name) => total + kilobytes(name), 0);

const later = files.filter((name) => !first.has(name)).map((name) => [name, kilobytes(name)]);
const largest = later.sort((a, b) => b[1] - a[1])[0] ?? ["none", 0];
const measured = [
  ["first load, JavaScript", sum(".js"), FIRST_JS_KB],
  ["first load, CSS", sum(".css"), FIRST_CSS_KB],
  [`largest later chunk (${largest[0]})`, largest[1], LATER_KB],
];
for (const [what, size, most] of measured) console.log(`web: ${what}: ${size.toFixed(1)} of ${most} kB gzip`);
if (measured.some(([, size, most]) => size > most)) {
  console.error("web: over budget");
  process.exit(1);
}
