/** Who is signed in. One query holds it; a call that is refused for want of a session says that it has ended. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { ApiError, keepToken, onConnection, send, Unreachable } from "./api/client";
import { refreshShown } from "./api/queries";
import { forgetForms } from "./kept";

export interface Session {
  clientId: string;
  name: string;
  orgId: string;
  permissions: string[];
  csrfToken: string;
  expiresAt: number;
}

interface Held {
  session: Session | null;
  /** It was there, and is no more: what is on the page stays. */
  ended: boolean;
  pending: boolean;
  error: unknown;
  retry: () => void;
  signIn: (code: string) => Promise<void>;
  signOut: () => Promise<void>;
}

const Context = createContext<Held | null>(null);

const AGAIN_MS = 3_000;

async function current(): Promise<Session | null> {
  try {
    const session = await send<Session>({ method: "GET", path: "/v1/session" }, null);
    keepToken(session.csrfToken);
    return session;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

/** The code in what was pasted: a whole link, its fragment, or the code itself. */
export const codeIn = (text: string) => (text.trim().split("#").pop() ?? "").trim();

export function SessionProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [ended, setEnded] = useState(false);
  const { data, isPending, error, refetch } = useQuery({
    queryKey: ["session"],
    queryFn: current,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    refetchInterval: ({ state }) => (state.error instanceof Unreachable ? AGAIN_MS : false),
  });
  useEffect(
    () =>
      onConnection((event) => {
        if (event === "unauthorized") setEnded(true);
      }),
    [],
  );
  const held = useMemo<Held>(
    () => ({
      session: data ?? null,
      ended: ended && Boolean(data),
      pending: isPending,
      error,
      retry: () => void refetch(),
      signIn: async (code) => {
        const session = await send<Session>({ method: "POST", path: "/v1/session", body: { code } }, null);
        keepToken(session.csrfToken);
        // What is being asked since the page was opened would answer "nobody", after this.
        await client.cancelQueries({ queryKey: ["session"] });
        const another = data && (data.clientId !== session.clientId || data.orgId !== session.orgId);
        if (another) {
          client.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
          forgetForms();
        }
        client.setQueryData(["session"], session);
        setEnded(false);
        refreshShown(client);
      },
      signOut: async () => {
        await send({ method: "DELETE", path: "/v1/session" }, null);
        keepToken("");
        forgetForms();
        client.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
        client.setQueryData(["session"], null);
        // Those who read it are told a moment later; only then may the page be left.
        await new Promise((told) => setTimeout(told));
      },
    }),
    [client, data, ended, error, isPending, refetch],
  );
  return <Context.Provider value={held}>{children}</Context.Provider>;
}

export function useHeldSession(): Held {
  const held = useContext(Context);
  if (!held) throw new Error("outside of a SessionProvider");
  return held;
}

/** The session of a page that is only shown to those who are signed in. */
export function useSession(): Session {
  const { session } = useHeldSession();
  if (!session) throw new Error("no session");
  return session;
}
