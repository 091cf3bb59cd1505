/** Filters, sort and open panels live in the address: reload, share and Back restore them. */
import { useSearchParams } from "wouter";

/** A part of an address as it was before it was escaped; itself where its escapes are none. */
export function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function useAddress() {
  const [params, setParams] = useSearchParams();
  return {
    get: (name: string) => params.get(name) ?? "",
    list: (name: string) => params.get(name)?.split(",").filter(Boolean) ?? [],
    /** Empty values leave the address. What is typed replaces the entry of the history, what is opened adds one. */
    set: (change: Record<string, string | string[]>, how: "replace" | "push" = "replace") =>
      setParams(
        (known) => {
          const next = new URLSearchParams(known);
          for (const [name, value] of Object.entries(change)) {
            const text = Array.isArray(value) ? value.join(",") : value;
            if (text) next.set(name, text);
            else next.delete(name);
          }
          return next;
        },
        { replace: how === "replace" },
      ),
  };
}
