/** Names of what people make. */

/** A name that none of `taken` is, whatever the case of their letters. */
export function free(name: string, taken: Iterable<string>): string {
  const known = new Set([...taken].map((one) => one.toLowerCase()));
  let found = name;
  for (let number = 2; known.has(found.toLowerCase()); number++) found = `${name} ${number}`;
  return found;
}
