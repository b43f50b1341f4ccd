import { readFileSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const kPlace = "<!-- theme_early.js -->";
const script = (path: string): string => `<script src="${path}"></script>`;

// The theme has to stand before the first paint, and the CSP allows no inline script: a file of its own that blocks.
function earlyTheme(): Plugin {
  let reference = "";
  return {
    name: "early-theme",
    buildStart() {
      if (this.meta.watchMode) return;
      reference = this.emitFile({ type: "asset", name: "theme.js", source: readFileSync("src/theme_early.js", "utf8") });
    },
    transformIndexHtml(html, { server }) {
      return server ? html.replace(kPlace, script("/src/theme_early.js")) : html;
    },
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        for (const file of Object.values(bundle)) {
          if (file.type === "asset" && file.fileName.endsWith(".html"))
            file.source = String(file.source).replace(kPlace, script(`/${this.getFileName(reference)}`));
        }
      },
    },
  };
}

export default defineConfig({
  plugins: [svelte(), earlyTheme()],
  build: {
    outDir: "../build/web",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // Smaller by 2 kB gzipped than what esbuild makes of it.
    minify: "terser",
    terserOptions: { ecma: 2020, module: true, compress: { passes: 3, pure_getters: true, unsafe_arrows: true } },
    rollupOptions: { input: ["index.html", "loop.html"] },
  },
});
