import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import optimizeLocales from "@react-aria/optimize-locales-plugin";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** A small classic script in the head sets the theme before the first paint; it has a hashed name like all else. */
function earlyTheme(): Plugin {
  const source = readFileSync(new URL("./src/early-theme.js", import.meta.url), "utf8");
  const fileName = `assets/early-theme-${createHash("sha256").update(source).digest("hex").slice(0, 8)}.js`;
  return {
    name: "early-theme",
    apply: "build",
    generateBundle() {
      this.emitFile({ type: "asset", fileName, source });
    },
    transformIndexHtml: () => [{ tag: "script", attrs: { src: `/${fileName}` }, injectTo: "head-prepend" }],
  };
}

const SERVER = process.env.FLOWSERVICE_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: "/",
  // English alone: React Aria brings its own texts in thirty languages.
  plugins: [react(), { ...optimizeLocales.vite({ locales: ["en-US"] }), enforce: "pre" }, earlyTheme()],
  build: {
    outDir: "../src/flowservice/web",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What the first page needs of a library is one chunk, which stays the same from build to build of ours.
    rollupOptions: {
      output: {
        manualChunks: (id: string) =>
          /node_modules\/(react|react-dom|scheduler)\//.test(id) ? "react" : undefined,
      },
    },
  },
  server: {
    // With the Host that the browser sent: the server takes calls of its own pages alone.
    proxy: Object.fromEntries(
      ["/data", "/v1", "/ims", "/health", "/ready"].map((path) => [
        path,
        { target: SERVER, changeOrigin: false },
      ]),
    ),
  },
});
