/** Reads golden files from data/. Knows the JSON, not what the numbers mean. */

import { readdirSync, readFileSync } from 'node:fs';
import type {
  FunctionGoldenOf,
  FunctionName,
  GoldenKind,
  GoldenName,
  Goldens,
  GoldenTensor,
} from './types.ts';

const DATA = new URL('./data/', import.meta.url);
const STEPS = 10;

interface StoredTensor {
  readonly shape: readonly number[];
  readonly f32: string;
}
type Tensors = Record<string, GoldenTensor>;

/** Names in alphabetical order, of one kind or of all. */
export function listGoldens<K extends GoldenKind = GoldenKind>(kind?: K): GoldenName<K>[] {
  const names = readdirSync(DATA)
    .filter(
      (file) => file.endsWith('.json') && file.startsWith(kind === undefined ? '' : `${kind}-`),
    )
    .map((file) => file.slice(0, -'.json'.length));
  return names.sort() as GoldenName<K>[];
}

/** Loads one golden; the type follows from the name's prefix. */
export function loadGolden<K extends GoldenKind>(name: GoldenName<K>): Goldens[K] {
  let text: string;
  try {
    text = readFileSync(new URL(`${name}.json`, DATA), 'utf8');
  } catch (cause) {
    throw new Error(`golden: there is no "${name}". listGoldens() has the names.`, { cause });
  }
  const golden = JSON.parse(text, (_, value: unknown) => (isStored(value) ? decode(value) : value));
  return (golden.kind === 'optimiser' ? withSteps(golden) : golden) as Goldens[K];
}

/** Every golden of one function, typed by its signature: the plain case and the extreme ones. */
export function loadFunctionGoldens<F extends FunctionName>(fn: F): FunctionGoldenOf<F>[] {
  return listGoldens('function')
    .map((name) => loadGolden(name))
    .filter((golden) => golden.fn === fn) as FunctionGoldenOf<F>[];
}

function isStored(value: unknown): value is StoredTensor {
  return typeof value === 'object' && value !== null && 'f32' in value;
}

function decode({ shape, f32 }: StoredTensor): GoldenTensor {
  // A copy: a Buffer may start anywhere in its pool, and a Float32Array must start at a multiple of 4.
  const bytes = Uint8Array.from(Buffer.from(f32, 'base64'));
  return { data: new Float32Array(bytes.buffer), shape };
}

/** The file stacks the steps on a leading axis; a test wants them one by one. */
function withSteps(stored: { grads: Tensors; params: Tensors }): object {
  const { grads, params, ...rest } = stored;
  const steps = Array.from({ length: STEPS }, (_, k) => ({
    grads: moment(grads, k),
    params: moment(params, k),
  }));
  return { ...rest, steps };
}

function moment(stacked: Tensors, k: number): Tensors {
  const slices = Object.entries(stacked).map(([key, { data, shape }]) => {
    const size = data.length / STEPS;
    return [key, { data: data.slice(k * size, (k + 1) * size), shape: shape.slice(1) }] as const;
  });
  return Object.fromEntries(slices);
}
