// Styles of all pages are loaded sooner or later, and then hold everywhere: fails the build where two files style the
// same class by its name alone.
import { readdirSync, readFileSync } from "node:fs";

const source = new URL("../src/", import.meta.url);
// What the shell and its parts share stands in one folder, by design in several files.
const files = readdirSync(source, { recursive: true }).filter((name) => name.endsWith(".css"));
const placeOf = (name) => (name.startsWith("styles/") ? "styles" : name);

const styled = new Map();
for (const name of files) {
  const text = readFileSync(new URL(name, source), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
  for (const [, selectors] of text.matchAll(/([^{}]+)\{/g))
    for (const selector of selectors.split(",").map((part) => part.trim()))
      if (/^\.[\w-]+$/.test(selector))
        styled.set(selector, (styled.get(selector) ?? new Set()).add(placeOf(name)));
}
const twice = [...styled].filter(([, places]) => places.size > 1);
for (const [selector, places] of twice)
  console.error(`web: ${selector} is styled in ${[...places].join(" and ")}`);
if (twice.length > 0) process.exit(1);
