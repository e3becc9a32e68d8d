/**
 * The command line: its options, their defaults for each data set, and their messages. Knows no file and no model.
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { type BackendName, backendNames } from './backends.ts';
import { oneLine, UsageError } from './errors.ts';

export const CELLS = ['rnn', 'lstm', 'gru'] as const;
export type CellName = (typeof CELLS)[number];

export const BACKENDS = ['auto', ...backendNames] as const;

export const DATA_SETS = ['generated', 'imdb'] as const;
export type DataName = (typeof DATA_SETS)[number];

/** Everything that the numbers of a run depend on, but for the texts themselves. */
export interface Settings {
  readonly data: DataName;
  readonly cells: readonly CellName[];
  readonly units: number;
  readonly embedding: number;
  readonly maxlen: number;
  readonly words: number;
  readonly epochs: number;
  readonly batch: number;
  /** Texts of each of training and test; null for all. */
  readonly limit: number | null;
  readonly learningRate: number;
  readonly dropout: number;
  readonly clip: number;
  readonly mask: boolean;
  readonly backend: BackendName | 'auto';
  readonly seed: number;
}

/** What a run computes with, `auto` decided. */
export type RunSettings = Settings & { readonly backend: BackendName };

export interface Options {
  readonly settings: Settings;
  /** The folder of the reviews; null where none was named. */
  readonly dataDir: string | null;
  /** null: the one that checkpoint-folder.ts chooses. */
  readonly checkpointDir: string | null;
  readonly resume: boolean;
  readonly json: boolean;
}

type Sizes = Omit<Settings, 'data' | 'cells' | 'limit' | 'mask' | 'backend' | 'seed'>;

/** generated: sizes that end in seconds on two cores, in half a minute on cpu. imdb: those of Keras' examples. */
export const DEFAULTS = {
  generated: {
    units: 32,
    embedding: 32,
    maxlen: 25,
    words: 128,
    epochs: 10,
    batch: 64,
    learningRate: 0.01,
    dropout: 0,
    clip: 1,
  },
  imdb: {
    units: 64,
    embedding: 64,
    maxlen: 500,
    words: 10_000,
    epochs: 10,
    batch: 64,
    learningRate: 0.001,
    dropout: 0,
    clip: 1,
  },
} as const satisfies Record<DataName, Sizes>;

function both(key: keyof Sizes): string {
  const [generated, imdb] = [DEFAULTS.generated[key], DEFAULTS.imdb[key]];
  return generated === imdb ? `${generated}` : `${generated}, imdb ${imdb}`;
}

interface Row {
  /** What stands for the value in the help; absent for a flag. */
  readonly value?: string;
  readonly help: string;
}

/** One row per option; the parser and the help are made of it. */
const ROWS = {
  data: { value: DATA_SETS.join('|'), help: 'sentences made here, or film reviews (generated)' },
  'data-dir': {
    value: 'DIR',
    help: 'the reviews: aclImdb/, train/ and test/, or both as .tsv.gz',
  },
  cell: { value: `${CELLS.join('|')}|all`, help: 'the models to train and compare (all)' },
  units: { value: 'N', help: `size of the cell's state (${both('units')})` },
  embedding: { value: 'N', help: `numbers per word (${both('embedding')})` },
  maxlen: { value: 'N', help: `steps per text; the last N words stay (${both('maxlen')})` },
  words: { value: 'N', help: `size of the vocabulary (${both('words')})` },
  epochs: { value: 'N', help: `times through the training texts (${both('epochs')})` },
  batch: { value: 'N', help: `texts per step (${both('batch')})` },
  limit: { value: 'N', help: 'texts taken from each of training and test (all)' },
  'learning-rate': { value: 'X', help: `of Adam (${both('learningRate')})` },
  dropout: { value: 'X', help: `share dropped before the last layer (${both('dropout')})` },
  clip: { value: 'X', help: `greatest norm of a gradient; 0 for any (${both('clip')})` },
  mask: { help: 'skip the padding; otherwise it is read, as in Keras without a mask' },
  backend: {
    value: BACKENDS.join('|'),
    help: 'what computes; auto takes the first that is fast here (auto)',
  },
  seed: { value: 'N', help: 'of data, parameters and order; same seed, same numbers (0)' },
  json: { help: 'the last line of stdout is a JSON array, one object per model' },
  resume: { help: 'go on where the same command was interrupted' },
  'checkpoint-dir': { value: 'DIR', help: "where an interrupted run is kept (the user's cache)" },
  help: { help: 'this' },
} as const satisfies Record<string, Row>;

type OptionName = keyof typeof ROWS;
type Values = { readonly [K in OptionName]?: string | boolean | undefined };

/** What the command line asks for; null where it asks for help. */
export function parseOptions(args: readonly string[]): Options | null {
  const given = readArgs(args);
  if (given.help === true) return null;
  const dataDir = text(given, 'data-dir');
  const data = choice(given, 'data', DATA_SETS) ?? (dataDir === null ? 'generated' : 'imdb');
  if (data !== 'imdb' && dataDir !== null) {
    throw new UsageError('--data-dir is for --data imdb; the generated sentences need no folder');
  }
  const sizes = DEFAULTS[data];
  const cell = choice(given, 'cell', [...CELLS, 'all'] as const) ?? 'all';
  return {
    settings: {
      data,
      cells: cell === 'all' ? CELLS : [cell],
      units: count(given, 'units') ?? sizes.units,
      embedding: count(given, 'embedding') ?? sizes.embedding,
      maxlen: count(given, 'maxlen') ?? sizes.maxlen,
      // 0 to 2 are padding, start and unknown; 3 is never used
      words: count(given, 'words', 5) ?? sizes.words,
      epochs: count(given, 'epochs') ?? sizes.epochs,
      batch: count(given, 'batch') ?? sizes.batch,
      // the last fifth validates, so five is the least that leaves something on both sides
      limit: count(given, 'limit', 5) ?? null,
      learningRate: number(given, 'learning-rate', { above: 0 }) ?? sizes.learningRate,
      dropout: number(given, 'dropout', { from: 0, below: 1 }) ?? sizes.dropout,
      clip: number(given, 'clip', { from: 0 }) ?? sizes.clip,
      mask: given.mask === true,
      backend: choice(given, 'backend', BACKENDS) ?? 'auto',
      seed: count(given, 'seed', 0) ?? 0,
    },
    dataDir,
    checkpointDir: text(given, 'checkpoint-dir'),
    resume: given.resume === true,
    json: given.json === true,
  };
}

export function helpText(): string {
  const left = (name: string, row: Row): string => `  --${name}${row.value ? ` ${row.value}` : ''}`;
  const rows = Object.entries<Row>(ROWS);
  const width = Math.max(...rows.map(([name, row]) => left(name, row).length)) + 2;
  return [
    'Trains SimpleRNN, LSTM and GRU to tell how a text is meant, and compares them.',
    '',
    '  pnpm demo sentiment                                   sentences made here, seconds',
    '  pnpm demo sentiment --data imdb                       film reviews, fetched once into a cache',
    '  pnpm demo sentiment --data imdb --data-dir DIR        film reviews of yours',
    '',
    ...rows.map(([name, row]) => `${left(name, row).padEnd(width)}${row.help}`),
    '',
    'OSTINATO_DATA_DIR names a folder of data sets, so that --data-dir can be left out.',
    'Ctrl-C saves a checkpoint and ends with exit code 130; a second one stops at once.',
  ].join('\n');
}

function readArgs(args: readonly string[]): Values {
  const options: ParseArgsOptionsConfig = Object.fromEntries(
    Object.entries<Row>(ROWS).map(([name, row]) => [
      name,
      row.value === undefined ? { type: 'boolean' as const } : { type: 'string' as const },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Node's own text goes on with advice about "--" that does not help here.
    const [what = ''] = oneLine((error as Error).message).split('. ');
    throw new UsageError(`${what.replace(/\.$/, '')} (--help lists the options)`);
  }
}

function text(given: Values, name: OptionName): string | null {
  const value = given[name];
  if (value === undefined) return null;
  if (value === '') throw new UsageError(`--${name} is empty; give a folder`);
  return String(value);
}

function choice<T extends string>(
  given: Values,
  name: OptionName,
  from: readonly T[],
): T | undefined {
  const value = given[name];
  if (value === undefined || from.includes(value as T)) return value as T | undefined;
  throw new UsageError(`--${name} is one of ${from.join(', ')}; got "${value}"`);
}

function count(given: Values, name: OptionName, least = 1): number | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  const parsed = Number(value);
  if (/^\d+$/.test(String(value)) && Number.isSafeInteger(parsed) && parsed >= least) return parsed;
  throw new UsageError(`--${name} is a whole number from ${least}; got "${value}"`);
}

interface Range {
  readonly above?: number;
  readonly from?: number;
  readonly below?: number;
}

function number(given: Values, name: OptionName, range: Range): number | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  const parsed = String(value).trim() === '' ? Number.NaN : Number(value);
  const { above = -Infinity, from = -Infinity, below = Infinity } = range;
  const used = Math.fround(parsed); // what models compute with
  if (used > above && used >= from && used < below) return parsed; // false for NaN and Infinity
  const limits = Object.entries(range).map(([word, limit]) => `${word} ${limit}`);
  throw new UsageError(`--${name} is a number ${limits.join(' and ')} in float32; got "${value}"`);
}
