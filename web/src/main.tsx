import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { ApiError, Unreachable } from "./api/client";
import { Outdated } from "./loading";
import { SessionProvider } from "./session";
import "./styles/tokens.css";
import "./styles/elements.css";
import "./styles/components.css";
import "./styles/shell.css";
import "./styles/pages.css";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // What may pass by itself is asked again: a busy server (after the pause that it asks for), or none.
      retry: (failures, error) =>
        failures < 3 && (error instanceof Unreachable || (error instanceof ApiError && error.status === 503)),
      retryDelay: (failures, error) =>
        error instanceof ApiError && error.retryAfterS ? error.retryAfterS * 1000 : 500 * 2 ** failures,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

const root = document.getElementById("root");
if (root)
  createRoot(root, {
    // That the server has another version by now is no defect, and is told on the page.
    onCaughtError: (error) => (error instanceof Outdated ? undefined : console.error(error)),
  }).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <SessionProvider>
          <App />
        </SessionProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
