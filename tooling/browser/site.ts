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

const withoutBlobs = { ...isolated, ...policy("'self' 'wasm-unsafe-eval'") };

/** What is in a folder of the site. */
interface Row {
  /** The script in pages/ that the page runs. */
  readonly script: string;
  /** The script in pages/ that `in-worker` starts. */
  readonly worker?: string;
  /** Of all that lies in the folder. */
  readonly headers: Readonly<Record<string, string>>;
}

const folders = {
  plain: { script: 'plain', headers: {} },
  streaming: { script: 'streaming', headers: policy("'self' 'wasm-unsafe-eval'") },
  'isolated-page': { script: 'threads', headers: isolated },
  busy: { script: 'busy', headers: isolated },
  'isolated-worker': { script: 'in-worker', worker: 'threads', headers: isolated },
  'no-compiling': { script: 'no-compiling', headers: policy("'self'") },
  'no-blobs-page': { script: 'threads', headers: withoutBlobs },
  'no-blobs-worker': { script: 'in-worker', worker: 'threads', headers: withoutBlobs },
  webgpu: { script: 'webgpu', headers: {} },
  'webgpu-worker': { script: 'in-worker', worker: 'webgpu', headers: {} },
  endless: { script: 'endless', headers: {} },
  terminating: { script: 'terminating', worker: 'endless', headers: {} },
  losing: { script: 'losing', headers: {} },
} as const satisfies Record<string, Row>;

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
    const at: Row | undefined = folders[folder as Folder];
    if (pathname === reports) answer(response, 204, {});
    else if (at && file === '') answer(response, 200, { ...at.headers, ...html }, page(at));
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

const page = ({ script, worker = '' }: Row): string =>
  `<!doctype html><html data-worker="${worker}.js"><title>${script}</title><link rel="icon" href="data:,"><script type="module" src="${script}.js"></script>`;

function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body = '',
): void {
  response.writeHead(status, { ...headers, 'Cache-Control': 'no-store' });
  response.end(body);
}

/** All pages and workers, with what they share in chunks; minified, as users would ship them. */
async function bundle(): Promise<ReadonlyMap<string, string>> {
  const rows: Row[] = Object.values(folders);
  const names = new Set(rows.flatMap((r) => (r.worker ? [r.script, r.worker] : [r.script])));
  const build = await rolldown({
    input: Object.fromEntries([...names].map((n) => [n, `${import.meta.dirname}/pages/${n}.ts`])),
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
