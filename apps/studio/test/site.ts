/** The studio as it would be published: built, and served with the headers of vite.config.ts. */
import { build, preview } from 'vite';

const root = `${import.meta.dirname}/..`;

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/** A folder of its own, so that a build of somebody's stays. */
export async function openSite(): Promise<Site> {
  const outDir = 'runs/site';
  await build({ root, logLevel: 'warn', build: { outDir, emptyOutDir: true, sourcemap: false } });
  const server = await preview({
    root,
    build: { outDir },
    preview: { port: 0, host: '127.0.0.1' },
  });
  const url = server.resolvedUrls?.local[0];
  if (!url) throw new Error('vite serves the studio, but says no address');
  return { url, close: () => server.close() };
}
