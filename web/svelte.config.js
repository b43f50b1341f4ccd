import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess({ script: true }),
  // Templates become createElement calls: nothing on these pages is ever parsed as HTML after they were loaded.
  compilerOptions: { fragments: "tree", runes: true, cssHash: ({ hash, css }) => `s${hash(css).slice(0, 4)}` },
};
