/**
 * Fetches the Large Movie Review Dataset into a cache. Knows the published archive, its size and its checksum; how the
 * files are read is in imdb.ts.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { createGunzip } from 'node:zlib';
import { checkOptions, DatasetError } from '../errors.ts';
import { readTar, type TarFile } from './tar.ts';

/** Where an archive lies and how it is recognised. */
export interface ArchiveSource {
  readonly url: string;
  /** Compressed bytes; not checked where absent. */
  readonly bytes?: number;
  /** Lower-case hexadecimal, of the compressed bytes; not checked where absent. */
  readonly sha256?: string;
}

/**
 * The archive that its authors publish. Size and checksum as stated by TensorFlow Datasets
 * (tensorflow_datasets/url_checksums/imdb.txt).
 */
export const IMDB_ARCHIVE: ArchiveSource = {
  url: 'https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz',
  bytes: 84_125_825,
  sha256: 'c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe',
};

export interface DownloadImdbOptions {
  /** The folder that will hold `imdb/`; what OSTINATO_DATA_DIR names. Made where it is missing. */
  readonly cacheDir: string;
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Default: `IMDB_ARCHIVE`. */
  readonly source?: ArchiveSource | undefined;
  /** Stops the download; what was written so far is removed. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the compressed bytes so far; with the unpacked ones where `fetch` unpacks, see `downloadImdb`. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** Labelled reviews only: the archive's 50,000 unlabelled ones and its word counts are not unpacked. */
const WANTED = /^aclImdb\/(README|(train|test)\/(pos|neg)\/\d+_\d+\.txt)$/;

const UNFINISHED = '.imdb-';
/** A folder that a killed process left unfinished is removed by a later call once nobody can be filling it any more. */
const ABANDONED_AFTER = 12 * 60 * 60 * 1000;

/**
 * Downloads, checks and unpacks the archive, unless the cache has it. Unpacks while it downloads, into a folder beside
 * the final one that is renamed when all is well, so a broken attempt leaves nothing that looks whole.
 *
 * Some servers label the archive itself as `Content-Encoding: gzip`, and then `fetch` unpacks it. Size and checksum are
 * those of the compressed bytes, so such an answer is refused, unless the source promises neither.
 *
 * @returns the folder to pass to `readImdb` as `dir`: `cacheDir/imdb`
 * @throws DatasetError `download-failed`: the server, the network or the disk; `data-broken`: not the archive that was promised;
 * the signal's reason where the signal stopped it
 */
export async function downloadImdb(options: DownloadImdbOptions): Promise<string> {
  checkOptions('downloadImdb', options, 'cacheDir, fetch, source, signal, onProgress');
  const { cacheDir, source = IMDB_ARCHIVE } = options;
  await removeAbandoned(cacheDir);
  const target = join(cacheDir, 'imdb');
  if (await hasFiles(target)) return target;
  const unfinished = join(cacheDir, `${UNFINISHED}${randomUUID()}`);
  await onDisk(cacheDir, () => mkdir(unfinished, { recursive: true }));
  try {
    const download = await open(source, options);
    await unpack(download, unfinished, { ...options, source });
    await onDisk(cacheDir, () => moveInto(unfinished, target));
    return target;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

interface Download {
  readonly body: Readable;
  /** Whether `fetch` may have unpacked it. */
  readonly isLabelled: boolean;
}

async function open(source: ArchiveSource, options: DownloadImdbOptions): Promise<Download> {
  const { fetch = globalThis.fetch, signal } = options;
  const headers = { 'accept-encoding': 'identity' };
  const response = await fetch(source.url, { headers, ...(signal && { signal }) }).catch(
    (cause: unknown) => {
      signal?.throwIfAborted();
      throw new DatasetError(
        'download-failed',
        `downloadImdb: ${source.url} did not answer: ${(cause as Error).message}. Check the network, or unpack the archive by hand and pass its folder to readImdb.`,
        { cause },
      );
    },
  );
  if (response.ok && response.body !== null) {
    return {
      body: Readable.fromWeb(response.body as ReadableStream<Uint8Array>),
      isLabelled: /gzip/i.test(response.headers.get('content-encoding') ?? ''),
    };
  }
  // An answer that nobody reads keeps its connection, and with it the process.
  await response.body?.cancel().catch(() => {});
  throw new DatasetError(
    'download-failed',
    `downloadImdb: ${source.url} answered ${response.status} ${response.statusText}. Try later, or unpack the archive by hand and pass its folder to readImdb.`,
  );
}

async function unpack(
  { body, isLabelled }: Download,
  dir: string,
  options: DownloadImdbOptions & { readonly source: ArchiveSource },
): Promise<void> {
  const { source, onProgress } = options;
  const hash = createHash('sha256');
  let bytes = 0;
  let files = 0;
  try {
    const { first, all } = await withFirst(body);
    const isUnpacked = isLabelled && first[0] !== GZIP;
    if (isUnpacked) requireUnchecked(source);
    await pipeline(
      all,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          bytes += chunk.length;
          onProgress?.(bytes);
          yield chunk;
        }
      },
      isUnpacked ? new PassThrough() : createGunzip(),
      async (archive: AsyncIterable<Uint8Array>) => {
        files = await writeFiles(
          readTar(archive, (name) => WANTED.test(name)),
          dir,
        );
      },
    );
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw failure(source, bytes, cause);
  } finally {
    body.destroy();
  }
  requireSame(source, { bytes, sha256: hash.digest('hex') });
  if (files === 0) {
    throw new DatasetError(
      'data-broken',
      `downloadImdb: ${source.url} has no file named aclImdb/train/pos/0_9.txt or like it. Check the address.`,
    );
  }
}

/** The first byte of every gzip, and of no name in a tar. */
const GZIP = 0x1f;

/** The first chunk, and all of them with it. */
async function withFirst(
  body: Readable,
): Promise<{ first: Uint8Array; all: AsyncGenerator<Uint8Array> }> {
  const chunks: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
  const { value: first = new Uint8Array(0) } = await chunks.next();
  async function* all(): AsyncGenerator<Uint8Array> {
    yield first;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { first, all: all() };
}

function requireUnchecked({ url, bytes, sha256 }: ArchiveSource): void {
  if (bytes === undefined && sha256 === undefined) return;
  throw new DatasetError(
    'download-failed',
    `downloadImdb: ${url} labels the archive as "Content-Encoding: gzip", so fetch has unpacked it, and its ${sha256 === undefined ? 'size' : 'checksum'} cannot be checked. Take another server, or unpack the archive by hand and pass its folder to readImdb.`,
  );
}

async function writeFiles(files: AsyncIterable<TarFile>, dir: string): Promise<number> {
  const made = new Set<string>();
  let count = 0;
  for await (const { name, data } of files) {
    const path = join(dir, name);
    await onDisk(dirname(dir), async () => {
      if (!made.has(dirname(path))) await mkdir(dirname(path), { recursive: true });
      made.add(dirname(path));
      await writeFile(path, data);
    });
    count++;
  }
  return count;
}

/** What the disk refuses is not the network's fault, and trying again does not help. */
async function onDisk(cacheDir: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    throw new DatasetError(
      'download-failed',
      `downloadImdb: cannot write to ${cacheDir}: ${(cause as Error).message}. Make room and let this user write there, or take another folder.`,
      { cause },
    );
  }
}

/** The network breaks with errors of its own; what zlib and tar find means that the bytes are wrong. */
function failure(source: ArchiveSource, bytes: number, cause: unknown): unknown {
  const code = (cause as { code?: unknown }).code;
  if (code === 'download-failed') return cause;
  const isBroken =
    cause instanceof DatasetError || (typeof code === 'string' && code.startsWith('Z_'));
  const { message } = cause as Error;
  if (isBroken) {
    return new DatasetError(
      'data-broken',
      `downloadImdb: what ${source.url} gave is no whole tar.gz (${bytes} bytes came): ${message}. Try again.`,
      { cause },
    );
  }
  return new DatasetError(
    'download-failed',
    `downloadImdb: ${source.url} broke off after ${bytes} bytes: ${message}. Try again.`,
    { cause },
  );
}

function requireSame(source: ArchiveSource, got: { bytes: number; sha256: string }): void {
  for (const property of ['bytes', 'sha256'] as const) {
    const wanted = source[property];
    if (wanted === undefined || wanted === got[property]) continue;
    throw new DatasetError(
      'data-broken',
      `downloadImdb: ${property} of ${source.url} is ${got[property]}, wanted ${wanted}. Try again; if it stays so, the archive has changed and must not be trusted.`,
    );
  }
}

/** Another process may have been faster; its folder is as good. */
async function moveInto(unfinished: string, target: string): Promise<void> {
  await rmdir(target).catch(() => {}); // an empty one, which not every system renames onto
  try {
    await rename(unfinished, target);
  } catch (error) {
    if (!(await hasFiles(target))) throw error;
  }
}

/** What cannot be removed, or was by another process, is no reason to do without the data. */
async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const entry of await readdir(cacheDir).catch(() => [])) {
    if (!entry.startsWith(UNFINISHED) || entry.length !== UNFINISHED.length + randomUUID().length)
      continue;
    const path = join(cacheDir, entry);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs < ABANDONED_AFTER) continue;
    await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

async function hasFiles(path: string): Promise<boolean> {
  return readdir(path).then(
    (found) => found.length > 0,
    () => false,
  );
}
