/**
 * From the options to arrays: which texts, where they lie, and what a model sees of them. Knows files and the network
 * through `@ostinato/datasets`; knows no tensor.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import {
  encodeSplits,
  type HostArray,
  type LabelledText,
  type PaddedSequences,
  paddingMask,
  padSequences,
  sentimentCorpus,
} from '@ostinato/datasets';
import { downloadImdb, IMDB_ARCHIVE, readImdb } from '@ostinato/datasets/node';
import { cacheFolder } from './checkpoint-folder.ts';
import { UsageError } from './errors.ts';
import type { Settings } from './options.ts';

export interface Texts {
  readonly train: readonly LabelledText[];
  readonly test: readonly LabelledText[];
}

/** What a model is trained or tested on. */
export interface Part {
  /** [n, maxlen] word ids, padded on the left. */
  readonly ids: PaddedSequences;
  /** [n, 1], 0 or 1. */
  readonly labels: HostArray<Float32Array>;
  /** [n, maxlen], 1 where a step is a word; absent where padding is read too. */
  readonly mask?: HostArray<Uint8Array>;
}

export interface Encoded {
  readonly train: Part;
  readonly test: Part;
  /** Rows of the embedding: no id is as large. */
  readonly words: number;
  /** Of all ids and labels, so that a resumed run can tell that its texts are still the same. */
  readonly sha256: string;
}

export interface Fetching {
  readonly dataDir: string | null;
  readonly signal?: AbortSignal;
  /** Called with the bytes so far and all bytes, where the texts have to be fetched. */
  readonly onDownload?: (bytes: number, total: number) => void;
}

const GENERATED = { sentences: 3000, heldBack: 1000 };

/** @throws DatasetError, UsageError */
export async function readTexts(
  settings: Pick<Settings, 'data' | 'limit' | 'seed'>,
  fetching: Fetching,
): Promise<Texts> {
  const { limit } = settings;
  if (settings.data === 'generated') {
    const { train, test } = sentimentCorpus({ seed: settings.seed, ...GENERATED });
    return { train: train.slice(0, limit ?? undefined), test: test.slice(0, limit ?? undefined) };
  }
  return readImdb({ dir: await imdbFolder(fetching), ...(limit === null ? {} : { limit }) });
}

/** A folder that was named is not replaced by a download: a typing error should not cost 80 MB. */
async function imdbFolder({ dataDir, signal, onDownload }: Fetching): Promise<string> {
  const named = dataDir ?? (env.OSTINATO_DATA_DIR || null);
  if (named === null) {
    return downloadImdb({
      cacheDir: cacheFolder('data'),
      ...(signal && { signal }),
      onProgress: (bytes) => onDownload?.(bytes, IMDB_ARCHIVE.bytes ?? 0),
    });
  }
  const inside = join(named, 'imdb');
  const dir = existsSync(inside) ? inside : named;
  if (existsSync(dir)) return dir;
  const who = dataDir === null ? 'OSTINATO_DATA_DIR' : '--data-dir';
  throw new UsageError(
    `there is no folder ${dir}; ${who} names the folder of the reviews, without either they are downloaded`,
  );
}

export function encode(
  texts: Texts,
  settings: Pick<Settings, 'words' | 'maxlen' | 'mask'>,
): Encoded {
  const { words, maxlen, mask } = settings;
  const encoded = encodeSplits(texts, { numWords: words });
  const part = ({ sequences, labels }: (typeof encoded)['train']): Part => {
    const ids = padSequences(sequences, { maxlen });
    const column = { data: labels, shape: [labels.length, 1] };
    return { ids, labels: column, ...(mask && { mask: paddingMask(ids) }) };
  };
  const parts = { train: part(encoded.train), test: part(encoded.test) };
  return { ...parts, words, sha256: fingerprint([parts.train, parts.test]) };
}

function fingerprint(parts: readonly Part[]): string {
  const hash = createHash('sha256');
  for (const { ids, labels } of parts) hash.update(ids.data).update(labels.data);
  return hash.digest('hex');
}
