/** How the studio is served and built. */
import { defineConfig, type UserConfig } from 'vite';

/** Memory that threads share exists only in isolated pages; without these headers there is one thread. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

const config: UserConfig = defineConfig({
  base: './',
  server: { headers },
  preview: {
    headers: {
      ...headers,
      // Typed cells are read, not run as scripts, so that even here nothing is evaluated but WebAssembly.
      'Content-Security-Policy':
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
    },
  },
  build: { target: 'es2023', sourcemap: true, assetsInlineLimit: 0 },
  worker: { format: 'es' },
});

export default config;
