/**
 * `npx vite build --config bundle.config.ts`: the built program with all that it imports as few files. Node's loader takes
 * about 2 ms of processor for each of the 560 files otherwise, which is most of what a start and a short command cost.
 */
import { defineConfig, normalizePath, type Plugin } from 'vite';

const built = `${normalizePath(import.meta.dirname)}/dist/`;
const entries = [
  'cli/main',
  'agent/main',
  'tray/main',
  ...['batch', 'tree'].map((name) => `agent/files/${name}-thread`),
];

/** Every file but the threads lies one folder deep, so that where a module was can be told from wherever it comes to lie. */
const ownPlaces: Plugin = {
  name: 'own-places',
  transform(code, id) {
    if (!id.startsWith(built) || !code.includes('import.meta.url')) return undefined;
    return code.replaceAll('import.meta.url', `new URL('../${id.slice(built.length)}', import.meta.url).href`);
  },
};

export default defineConfig({
  plugins: [ownPlaces],
  ssr: { noExternal: true, external: ['systray2'] },
  build: {
    ssr: true,
    target: 'node20',
    outDir: 'bundle',
    minify: false,
    rolldownOptions: {
      input: Object.fromEntries(entries.map((entry) => [entry, `${built}${entry}.js`])),
      output: { entryFileNames: '[name].js', chunkFileNames: 'parts/[name]-[hash].js', comments: false },
    },
  },
});
