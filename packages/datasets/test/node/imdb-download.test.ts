import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { downloadImdb, IMDB_ARCHIVE, readImdb } from '../../src/node.ts';
import { tarArchive } from './tar-archive.ts';

const archive = gzipSync(
  tarArchive([
    { name: 'aclImdb/', type: '5' },
    { name: 'aclImdb/README', text: 'cite us' },
    { name: 'aclImdb/imdb.vocab', text: 'the\nand\n' },
    { name: 'aclImdb/train/unsup/0_0.txt', text: 'no label' },
    { name: '../escape_1.txt', text: 'outside' },
    { name: 'aclImdb/train/pos/../../../0_9.txt', text: 'outside' },
    ...['train', 'test'].flatMap((part) => [
      { name: `aclImdb/${part}/pos/0_9.txt`, text: `${part} liked` },
      { name: `aclImdb/${part}/neg/0_2.txt`, text: `${part} disliked` },
    ]),
  ]),
);
const sha256 = createHash('sha256').update(archive).digest('hex');

let cacheDir: string;
let server: Server;
let answer: (response: ServerResponse) => unknown;
let asked: number;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'ostinato-cache-'));
  asked = 0;
  answer = (response) => response.end(archive);
  server = createServer((_, response) => {
    asked++;
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(cacheDir, { recursive: true });
});

const source = (checks: { bytes?: number; sha256?: string } = {}) => ({
  url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/reviews.tar.gz`,
  ...checks,
});

test('unpacks what is labelled, and nothing outside of the cache', async () => {
  const progress: number[] = [];
  const dir = await downloadImdb({
    cacheDir: join(cacheDir, 'new', 'folder'),
    source: source({ bytes: archive.length, sha256 }),
    onProgress: (bytes) => progress.push(bytes),
  });
  expect(dir).toBe(join(cacheDir, 'new', 'folder', 'imdb'));
  expect(progress.at(-1)).toBe(archive.length);
  expect(
    (await readdir(cacheDir, { recursive: true })).filter((n) => n.includes('.')).sort(),
  ).toEqual(
    ['test/neg/0_2.txt', 'test/pos/0_9.txt', 'train/neg/0_2.txt', 'train/pos/0_9.txt'].map((name) =>
      join('new/folder/imdb/aclImdb', name),
    ),
  );
  const { train } = await readImdb({ dir });
  expect(train.map(({ text }) => text).sort()).toEqual(['train disliked', 'train liked']);
});

test('does not ask again for what the cache has', async () => {
  const dir = await downloadImdb({ cacheDir, source: source() });
  expect(await downloadImdb({ cacheDir, source: source() })).toBe(dir);
  expect(asked).toBe(1);
});

test('lets go of a refusal that does not end', async () => {
  const cancel = vi.fn();
  const fetch = async () => new Response(new ReadableStream({ cancel }), { status: 503 });
  await expect(downloadImdb({ cacheDir, fetch })).rejects.toThrow(/answered 503/);
  expect(cancel).toHaveBeenCalledOnce();
});

test('an empty folder in its place is not the data', async () => {
  await mkdir(join(cacheDir, 'imdb'));
  const dir = await downloadImdb({ cacheDir, source: source() });
  expect((await readImdb({ dir })).train).toHaveLength(2);
  expect(await readdir(cacheDir)).toEqual(['imdb']);
});

test('two at once end in one whole folder', async () => {
  const both = [0, 1].map(() => downloadImdb({ cacheDir, source: source() }));
  expect(await Promise.all(both)).toEqual([join(cacheDir, 'imdb'), join(cacheDir, 'imdb')]);
  expect(await readdir(cacheDir)).toEqual(['imdb']);
});

test.each([
  ['a status', 'download-failed', (r: ServerResponse) => r.writeHead(503).end(), /answered 503/],
  [
    'a broken connection',
    'download-failed',
    (r: ServerResponse) => {
      r.writeHead(200, { 'content-length': archive.length });
      r.write(archive.subarray(0, 100), () => r.destroy());
    },
    /broke off after \d+ bytes/,
  ],
  [
    'half an archive',
    'data-broken',
    (r: ServerResponse) => r.end(archive.subarray(0, archive.length / 2)),
    /no whole tar\.gz .*unexpected end of file/,
  ],
  ['no archive', 'data-broken', (r: ServerResponse) => r.end('<html>'), /no whole tar\.gz/],
  [
    'another archive',
    'data-broken',
    (r: ServerResponse) => r.end(gzipSync(tarArchive([{ name: 'other.txt', text: 'x' }]))),
    /has no file named aclImdb/,
  ],
] as const)('%s is a %s and leaves nothing', async (_, code, reply, message) => {
  answer = reply;
  const promise = downloadImdb({ cacheDir, source: source() });
  await expect(promise).rejects.toThrow(message);
  await expect(promise).rejects.toMatchObject({ name: 'DatasetError', code });
  expect(await readdir(cacheDir)).toEqual([]);
});

test.each([
  [{ bytes: 5 }, /bytes of .* is \d+, wanted 5/],
  [{ sha256: 'abc' }, /sha256 of .* is [0-9a-f]{64}, wanted abc/],
])('an archive that is not as promised (%j) leaves nothing', async (checks, message) => {
  const promise = downloadImdb({ cacheDir, source: source(checks) });
  await expect(promise).rejects.toThrow(message);
  await expect(promise).rejects.toMatchObject({ code: 'data-broken' });
  expect(await readdir(cacheDir)).toEqual([]);
});

test('a folder that cannot be written to is not the fault of the network', async () => {
  const file = join(cacheDir, 'file');
  await writeFile(file, '');
  await expect(downloadImdb({ cacheDir: file, source: source() })).rejects.toMatchObject({
    code: 'download-failed',
    message: expect.stringMatching(/^downloadImdb: cannot write to \S+file: E\w+: .*\. Make room/),
  });
  await writeFile(join(cacheDir, 'imdb'), '');
  await expect(downloadImdb({ cacheDir, source: source() })).rejects.toThrow(/cannot write to/);

  await rm(join(cacheDir, 'imdb'));
  answer = async (response) => {
    // In the place of the folder that is being filled, as a full disk is.
    const [unfinished = ''] = (await readdir(cacheDir)).filter((name) => name !== 'file');
    await rm(join(cacheDir, unfinished), { recursive: true });
    await writeFile(join(cacheDir, unfinished), '');
    response.end(archive);
  };
  await expect(downloadImdb({ cacheDir, source: source() })).rejects.toThrow(/cannot write to/);
  expect(await readdir(cacheDir)).toEqual(['file']);
});

test('removes what a killed process left behind, and not what another one fills', async () => {
  const left = [0, 1].map(() => join(cacheDir, `.imdb-${randomUUID()}`)) as [string, string];
  for (const dir of [...left, join(cacheDir, '.imdb-notes')])
    await mkdir(join(dir, 'aclImdb'), { recursive: true });
  const dayAgo = Date.now() / 1000 - 24 * 60 * 60;
  await utimes(left[0], dayAgo, dayAgo);
  await utimes(join(cacheDir, '.imdb-notes'), dayAgo, dayAgo);
  await downloadImdb({ cacheDir, source: source() });
  expect((await readdir(cacheDir)).sort()).toEqual(
    ['.imdb-notes', basename(left[1]), 'imdb'].sort(),
  );
  await utimes(left[1], dayAgo, dayAgo);
  await downloadImdb({ cacheDir, source: source() });
  expect((await readdir(cacheDir)).sort()).toEqual(['.imdb-notes', 'imdb']);
});

describe('a server that labels the archive as encoded', () => {
  const encoded = (encoding: string, bytes = archive) => {
    answer = (response) => response.writeHead(200, { 'content-encoding': encoding }).end(bytes);
  };

  test('is asked not to', async () => {
    let asks: string | undefined;
    server.prependListener('request', ({ headers }) => {
      asks = headers['accept-encoding'];
    });
    await downloadImdb({ cacheDir, source: source() });
    expect(asks).toBe('identity');
  });

  test.each(['gzip', 'x-gzip'])('%s: is read where nothing is to be checked', async (encoding) => {
    encoded(encoding);
    const dir = await downloadImdb({ cacheDir, source: source() });
    expect((await readImdb({ dir })).train).toHaveLength(2);
  });

  test.each([
    [{ sha256 }, /Content-Encoding: gzip.* checksum cannot be checked\. Take another server/],
    [{ bytes: archive.length }, /size cannot be checked/],
  ])('is refused where %j is to be', async (checks, message) => {
    encoded('x-gzip');
    const promise = downloadImdb({ cacheDir, source: source(checks) });
    await expect(promise).rejects.toThrow(message);
    await expect(promise).rejects.toMatchObject({ code: 'download-failed' });
    expect(await readdir(cacheDir)).toEqual([]);
  });

  test('and packs it once more is checked', async () => {
    encoded('gzip', gzipSync(archive));
    await downloadImdb({ cacheDir, source: source({ bytes: archive.length, sha256 }) });
    expect(await readdir(cacheDir)).toEqual(['imdb']);
  });
});

test('stops at a signal and leaves nothing', async () => {
  const stop = new AbortController();
  answer = (response) => {
    response.write(archive.subarray(0, 100));
  };
  const promise = downloadImdb({
    cacheDir,
    source: source(),
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  await expect(promise).rejects.toMatchObject({ name: 'AbortError' });
  expect(await readdir(cacheDir)).toEqual([]);
});

test('asks the published address by default, through the given fetch', async () => {
  let url: unknown;
  const fetch = (input: unknown): Promise<Response> => {
    url = input;
    return Promise.reject(new TypeError('no network'));
  };
  await expect(downloadImdb({ cacheDir, fetch })).rejects.toThrow(/did not answer: no network/);
  expect(url).toBe(IMDB_ARCHIVE.url);
});
