/**
 * A run of training at one moment, as a safetensors file: its tensors by path, and what else it takes to go on. Knows
 * trees and records; knows neither model code nor stores.
 */
import { fail, flatten, type HostArray, Tensor } from '@ostinato/core';
import { isArrayOrTensor } from '../host-tree.ts';
import type { HostTree } from '../model.ts';
import type { Measured, Metrics } from '../totals.ts';
import { fromJson, toJson } from './json.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

const FORMAT = 'ostinato-checkpoint';
const VERSION = '1';

/** One epoch's means. */
export interface EpochRecord<M = Metrics> extends Measured<M> {
  /** From 1. */
  readonly epoch: number;
  readonly validation: Measured<M> | null;
}

/** What must be equal for a run to go on as if it had never stopped. */
export interface RunIdentity {
  readonly seed: number;
  readonly batch: number;
  /** Examples to train and to validate with. */
  readonly rows: number;
  readonly validationRows: number;
  readonly shuffle: boolean;
  /** Its name; null where it has none. */
  readonly optimizer: string | null;
}

export interface RunRecord {
  readonly run: RunIdentity;
  readonly backend: { readonly name: string; readonly variant: string };
  /** Steps taken. */
  readonly step: number;
  /** Epochs that are over. */
  readonly history: readonly EpochRecord[];
  readonly best: { readonly epoch: number; readonly loss: number } | null;
}

/** `state` and `best` are trees of host arrays; null where there is no best epoch yet. */
export interface Checkpoint {
  readonly record: RunRecord;
  readonly state: unknown;
  readonly best: unknown;
}

export function encodeCheckpoint({ record, state, best }: Checkpoint): Uint8Array {
  return encodeSafetensors({
    tensors: { ...byPath('state', state), ...byPath('best', best) },
    metadata: { format: FORMAT, version: VERSION, record: toJson(record) },
  });
}

/** Reads a checkpoint of a run whose state looks like `state`, and whose parameters look like `params`. */
export function decodeCheckpoint(
  file: Uint8Array,
  name: string,
  like: { readonly state: unknown; readonly params: unknown },
): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(file, name);
  if (metadata.format !== FORMAT)
    return fail(
      'checkpoint-foreign',
      `${name}: is a safetensors file, but no checkpoint (format "${metadata.format}"). Name a file that fit wrote; read others with decodeSafetensors.`,
    );
  if (metadata.version !== VERSION)
    return fail(
      'checkpoint-foreign',
      `${name}: has version ${metadata.version} of the format, this is ${VERSION}. Read it with the release that wrote it.`,
    );
  const record = recordOf(metadata.record, name);
  const state = treeOf('state', tensors, like.state, name);
  const best = record.best ? treeOf('best', tensors, like.params, name) : null;
  const known = [...pathsOf('state', like.state), ...pathsOf('best', like.params)];
  refuseOthers(Object.keys(tensors), known, name);
  return { record, state, best };
}

function recordOf(text: string | undefined, name: string): RunRecord {
  try {
    return fromJson(text as string) as RunRecord;
  } catch (cause) {
    return fail(
      'checkpoint-damaged',
      `${name}: its record of the run is ${text === undefined ? 'missing' : 'no JSON'}. Use a file that fit wrote.`,
      { cause },
    );
  }
}

/** A safetensors file of a tree of host arrays, such as trained parameters; names are paths. */
export function encodeParams(
  params: unknown,
  metadata: { readonly [key: string]: string } = {},
): Uint8Array {
  return encodeSafetensors({ tensors: byPath('', params), metadata });
}

/**
 * Reads parameters that look like `like`, which is what the model's `init` gives (it need not run for that). Takes
 * files of `encodeParams` and checkpoints of `fit`, of which it gives the best epoch's parameters, or the last ones.
 * Refuses files with other parameters beside these.
 */
export function decodeParams<P>(file: Uint8Array, like: P, name = 'file'): HostTree<P> {
  const { tensors, metadata } = decodeSafetensors(file, name);
  const within = (prefix: string): readonly string[] =>
    Object.keys(tensors).filter((path) => path === prefix || path.startsWith(`${prefix}.`));
  const isCheckpoint = metadata.format === FORMAT;
  const prefix = !isCheckpoint ? '' : within('best').length > 0 ? 'best' : 'state.params';
  const params = treeOf(prefix, tensors, like, name) as HostTree<P>;
  refuseOthers(isCheckpoint ? within(prefix) : Object.keys(tensors), pathsOf(prefix, like), name);
  return params;
}

/** Of a larger model, say: a part of its parameters is another function. */
function refuseOthers(paths: readonly string[], known: readonly string[], name: string): void {
  const wanted = new Set(known);
  for (const path of paths) if (!wanted.has(path)) mismatch(name, path, 'nothing');
}

const join = (prefix: string, path: string): string =>
  prefix && path ? `${prefix}.${path}` : prefix || path || 'value';

const pathsOf = (prefix: string, tree: unknown): string[] =>
  flatten(tree).shape.paths.map((path) => join(prefix, path));

function byPath(prefix: string, tree: unknown): { [path: string]: HostArray } {
  const { leaves, shape } = flatten<HostArray>(tree, isArrayOrTensor);
  const out = new Map<string, HostArray>(); // not a record: every record has a "constructor"
  leaves.forEach((leaf, i) => {
    const path = join(prefix, shape.paths[i] as string);
    if (leaf instanceof Tensor)
      fail(
        'data-invalid',
        `checkpoint: "${path}" is a tensor. Give what readTree makes of the tree.`,
      );
    if (out.has(path))
      fail(
        'tree-mismatch',
        `checkpoint: two tensors have the path "${path}". Leave dots out of the names of parameters.`,
      );
    out.set(path, leaf);
  });
  return Object.fromEntries(out);
}

function treeOf(
  prefix: string,
  tensors: { readonly [path: string]: HostArray },
  like: unknown,
  name: string,
): unknown {
  const { leaves, shape } = flatten<Tensor>(like);
  return shape.build(
    leaves.map((want, i) => {
      const path = join(prefix, shape.paths[i] as string);
      const text = `${want.dtype}[${want.shape}]`;
      const got = Object.hasOwn(tensors, path) ? tensors[path] : undefined;
      if (!got) return mismatch(name, path, text);
      if (`${got.dtype}[${got.shape}]` !== text) return mismatch(name, path, text, got);
      return got;
    }),
  );
}

function mismatch(name: string, path: string, wanted: string, got?: HostArray): never {
  const found = got ? `${got.dtype}[${got.shape}]` : wanted === 'nothing' ? 'a tensor' : 'nothing';
  return fail(
    'checkpoint-mismatch',
    `${name}: holds ${found} at "${path}", this run has ${wanted} there. Use the model, optimizer and metrics that it was written with, or another name.`,
  );
}
