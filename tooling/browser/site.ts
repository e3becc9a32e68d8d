/** A site on this machine: bundled pages, and the headers that each is to have. Knows no browser. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rolldown } from 'rolldown';
import { reports } from './report.ts';

const isolated = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

const policy = (scripts: string) => ({
  'Content-Security-Policy': `default-src 'self'; script-src ${scripts}`,
});

/** Folder of the site: the script in pages/ that it starts, and the headers of all that lies in it. */
const folders = {
  plain: { script: 'plain', headers: {} },
  streaming: { script: 'streaming', headers: policy("'self' 'wasm-unsafe-eval'") },
  'isolated-page': { script: 'isolated-page', headers: isolated },
  'isolated-worker': { script: 'in-worker', headers: isolated },
  'no-compiling': { script: 'no-compiling', headers: policy("'self'") },
  'no-blobs': {
    script: 'in-worker',
    headers: { ...isolated, ...policy("'self' 'wasm-unsafe-eval'") },
  },
} as const satisfies Record<string, { script: string; headers: Record<string, string> }>;

export type Folder = keyof typeof folders;

export interface Site {
  url(folder: Folder, search?: string): string;
  close(): void;
}

export async function openSite(): Promise<Site> {
  const scripts = await bundle();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    const [, folder = '', file = ''] = pathname.split('/');
    const at = folders[folder as Folder];
    if (pathname === reports) answer(response, 204, {});
    else if (at && file === '') answer(response, 200, { ...at.headers, ...html }, page(at.script));
    else if (at && scripts.has(file))
      answer(response, 200, { ...at.headers, ...javascript }, scripts.get(file));
    else answer(response, 404, {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (folder, search = '') => `http://127.0.0.1:${port}/${folder}/${search}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const html = { 'Content-Type': 'text/html; charset=utf-8' };
const javascript = { 'Content-Type': 'text/javascript; charset=utf-8' };

const page = (script: string): string =>
  `<!doctype html><title>${script}</title><link rel="icon" href="data:,"><script type="module" src="${script}.js"></script>`;

function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body = '',
): void {
  response.writeHead(status, { ...headers, 'Cache-Control': 'no-store' });
  response.end(body);
}

/** All pages and the worker, with what they share in chunks; minified, as users would ship them. */
async function bundle(): Promise<ReadonlyMap<string, string>> {
  const names = [...new Set(Object.values(folders).map((f) => f.script)), 'worker'];
  const build = await rolldown({
    input: Object.fromEntries(names.map((n) => [n, `${import.meta.dirname}/pages/${n}.ts`])),
    platform: 'browser',
  });
  const { output } = await build.generate({
    format: 'esm',
    minify: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunk-[name]-[hash].js',
  });
  await build.close();
  return new Map(output.flatMap((o) => (o.type === 'chunk' ? [[o.fileName, o.code]] : [])));
}
