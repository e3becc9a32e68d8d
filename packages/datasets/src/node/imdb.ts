/**
 * Reads the Large Movie Review Dataset from disk (Maas et al., "Learning word vectors for sentiment analysis", ACL
 * 2011). Knows its folders and its table form; knows neither words nor the network.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { env } from 'node:process';
import { checkOptions, DatasetError, requireCount } from '../errors.ts';
import type { Review } from '../reviews.ts';
import { readReviewTable } from './review-table.ts';

export interface ReadImdbOptions {
  /** The folder with `train/` and `test/`, or with `aclImdb/`, or with the tables. Default: `imdb` in the folder that the environment variable OSTINATO_DATA_DIR names. */
  readonly dir?: string | undefined;
  /** At most so many reviews of each of training and test. All where absent. */
  readonly limit?: number | undefined;
}

export interface Imdb {
  readonly train: readonly Review[];
  readonly test: readonly Review[];
}

const PARTS = ['train', 'test'] as const;
const CLASSES = [
  ['pos', 1],
  ['neg', 0],
] as const;
const OPEN_FILES = 64;

/**
 * Reads training and test reviews, from one of two forms:
 *
 * - folders, as published: `train/pos/0_9.txt` and so on, in `dir` or in `dir/aclImdb`. Files are sorted by the SHA-256
 *   of class and name, so the order is the same everywhere and each prefix mixes both classes;
 * - tables: `train.tsv` and `test.tsv`, or both as `.tsv.gz`, with the header `label rating id text` (tabs between),
 *   label 1 for positive, in the order of the file.
 *
 * Texts are UTF-8; bytes that are not become U+FFFD.
 *
 * @throws DatasetError `data-missing`: no folder, no reviews in it, an empty class; `data-broken`: a file name or a line
 * that is not as above (the message has the line number), a table that ends early, what the disk does not let read
 */
export async function readImdb(options: ReadImdbOptions = {}): Promise<Imdb> {
  checkOptions('readImdb', options, 'dir, limit');
  const { limit = Infinity } = options;
  if (options.limit !== undefined) requireCount('readImdb: limit', limit);
  const dir = options.dir ?? defaultDir();
  if (!(await exists(dir))) {
    throw new DatasetError(
      'data-missing',
      `readImdb: there is no folder ${dir}. Pass the "dir" that holds aclImdb, set OSTINATO_DATA_DIR, or fetch the data with downloadImdb.`,
    );
  }
  for (const root of [dir, join(dir, 'aclImdb')]) {
    if (await exists(join(root, 'train', 'pos'))) {
      return readParts((part) => readFolders(join(root, part), limit));
    }
  }
  const tables = await Promise.all(PARTS.map((part) => findTable(dir, part)));
  if (tables.every((table) => table === undefined)) {
    throw new DatasetError(
      'data-missing',
      `readImdb: ${dir} has neither train/pos, aclImdb/train/pos nor train.tsv[.gz]. Point "dir" at the unpacked archive or at the tables, or fetch the data with downloadImdb.`,
    );
  }
  return readParts((part) => readTable(tables[PARTS.indexOf(part)], { dir, part, limit }));
}

async function readParts(read: (part: 'train' | 'test') => Promise<Review[]>): Promise<Imdb> {
  return { train: await read('train'), test: await read('test') };
}

function defaultDir(): string {
  const root = env.OSTINATO_DATA_DIR;
  if (root !== undefined && root !== '') return join(root, 'imdb');
  throw new DatasetError(
    'data-missing',
    'readImdb: got no "dir" and OSTINATO_DATA_DIR is not set. Pass the folder of the data set, or set the variable to the folder that holds imdb/.',
  );
}

async function readTable(
  file: string | undefined,
  where: { readonly dir: string; readonly part: string; readonly limit: number },
): Promise<Review[]> {
  if (file !== undefined) return readReviewTable(file, where.limit);
  throw new DatasetError(
    'data-missing',
    `readImdb: ${where.dir} lacks ${where.part}.tsv and ${where.part}.tsv.gz, but has the other part. Put both parts there.`,
  );
}

async function findTable(dir: string, part: string): Promise<string | undefined> {
  for (const name of [`${part}.tsv`, `${part}.tsv.gz`]) {
    if (await exists(join(dir, name))) return join(dir, name);
  }
  return undefined;
}

async function readFolders(dir: string, limit: number): Promise<Review[]> {
  const files = (await Promise.all(CLASSES.map(([name, label]) => listClass(dir, name, label))))
    .flat()
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
    .slice(0, limit);
  const reviews: Review[] = [];
  for (let from = 0; from < files.length; from += OPEN_FILES) {
    const some = files.slice(from, from + OPEN_FILES).map(async ({ path, ...review }) => {
      const text = await readable(path, readFile(path, 'utf8'));
      return { text, label: review.label, rating: review.rating, id: review.id };
    });
    reviews.push(...(await Promise.all(some)));
  }
  return reviews;
}

interface ReviewFile extends Omit<Review, 'text'> {
  readonly path: string;
  readonly hash: string;
}

async function listClass(dir: string, name: string, label: 0 | 1): Promise<ReviewFile[]> {
  const folder = join(dir, name);
  const entries = (await exists(folder)) ? await readable(folder, readdir(folder)) : [];
  const files = entries.filter((entry) => entry.endsWith('.txt'));
  if (files.length === 0) {
    throw new DatasetError(
      'data-missing',
      `readImdb: ${folder} has no .txt file. The archive was unpacked in part; unpack it again, or remove the folder and call downloadImdb.`,
    );
  }
  return files.map((file) => {
    const [, number, rating] = /^(\d+)_([1-9]|10)\.txt$/.exec(file) ?? [];
    if (number === undefined || rating === undefined) {
      throw new DatasetError(
        'data-broken',
        `readImdb: ${join(folder, file)} is not named number_rating.txt, with a rating from 1 to 10. Remove it, or unpack the archive again.`,
      );
    }
    const hash = createHash('sha256').update(`${name}/${file}`).digest('hex');
    return {
      path: join(folder, file),
      hash,
      label,
      rating: Number(rating),
      id: `${name}/${number}`,
    };
  });
}

/** What the disk refuses to read is the data's fault, as in a table. */
async function readable<T>(path: string, read: Promise<T>): Promise<T> {
  return read.catch((cause: Error) => {
    throw new DatasetError(
      'data-broken',
      `readImdb: ${path} cannot be read: ${cause.message}. Unpack the archive again, or let this user read it.`,
      { cause },
    );
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
