/** Tensors that own a buffer: reading, disposing, donating, and the list of those still alive. */

import type { Backend } from '../backend/interface.ts';
import { fail } from '../errors.ts';
import { type DeviceValue, describe, Tensor } from '../graph/tensor.ts';
import { leavesOf } from '../graph/tree.ts';
import { bytesPerElement, type DType } from '../ir/dtype.ts';
import { type Shape, sizeOf } from '../ir/view.ts';

type State = 'live' | 'disposed' | { readonly donatedTo: string };

/** What is said of a buffer: how to read it, its name, and the stack that made it. */
export interface About {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly label: string;
  readonly made: Error;
}

export const bytesOf = ({ shape, dtype }: Pick<About, 'shape' | 'dtype'>): number =>
  sizeOf(shape) * bytesPerElement[dtype];

/** A buffer with one owner. `release` takes it back when the owner is done. */
export class Owned implements DeviceValue {
  readonly backend: Backend;
  readonly buffer: unknown;
  readonly about: About;
  state: State = 'live';
  readonly #release: (buffer: unknown, bytes: number) => void;
  /** Disposed while a call had it. */
  #unwanted: boolean | undefined;

  constructor(
    backend: Backend,
    buffer: unknown,
    about: About,
    release: (buffer: unknown, bytes: number) => void,
  ) {
    this.backend = backend;
    this.buffer = buffer;
    this.about = about;
    this.#release = release;
    registryOf(backend).add(this);
  }

  get bytes(): number {
    return bytesOf(this.about);
  }

  assertLive(what: string): void {
    if (this.state === 'live') return;
    const { shape, dtype, label } = this.about;
    const text = `${what}: ${dtype}[${shape}] "${label}" was`;
    if (this.state === 'disposed')
      fail('disposed', `${text} disposed. Dispose it after its last use.`);
    fail(
      'donated',
      `${text} donated to "${this.state.donatedTo}". Use the result of that call, or do not donate it.`,
    );
  }

  read(into?: Uint8Array): Promise<Uint8Array> {
    this.assertLive('read');
    return this.backend.read(this.buffer, 0, this.bytes, into);
  }

  dispose(): void {
    if (this.state !== 'live') {
      this.#unwanted = true;
      return;
    }
    this.state = 'disposed';
    registryOf(this.backend).delete(this);
    this.forget();
    this.#release(this.buffer, this.bytes);
  }

  /** The buffer now belongs to a call. */
  donate(to: string): void {
    this.state = { donatedTo: to };
    registryOf(this.backend).delete(this);
  }

  /**
   * Nothing is left to give back. The engine keeps every tensor that it watches until its next full collection, which
   * would make those of many small calls its greatest cost.
   */
  forget(): void {
    forgotten.unregister(this);
  }

  /** The call did not happen after all. */
  takeBack(): void {
    this.state = 'live';
    registryOf(this.backend).add(this);
    if (this.#unwanted) this.dispose();
  }
}

const registries = new WeakMap<object, Set<Owned>>();

function registryOf(backend: object): Set<Owned> {
  const set = registries.get(backend) ?? new Set();
  registries.set(backend, set);
  return set;
}

// The last resort: a tensor that was forgotten gives its buffer back when the engine collects it.
const forgotten = new FinalizationRegistry<Owned>((value) => value.dispose());

export function ownedTensor(value: Owned): Tensor {
  const { shape, dtype, label } = value.about;
  const t = new Tensor({ kind: 'value', value }, shape, dtype, [], label);
  forgotten.register(t, value, value);
  return t;
}

/** The buffer of a tensor that ran on `backend`, checked. */
export function ownedOf(t: Tensor, backend: Backend, what: string): Owned {
  if (t.op.kind !== 'value')
    return fail(
      'not-run',
      `${what}: ${describe(t)} never ran. Evaluate it with \`await run(backend, tensor)\` before.`,
    );
  const value = t.op.value as Owned;
  value.assertLive(what);
  if (value.backend !== backend)
    fail(
      'wrong-backend',
      `${what}: ${describe(t)} lives on backend "${value.backend.name}", the function runs on "${backend.name}". Read it and pass the host array.`,
    );
  return value;
}

/** A tensor that is neither disposed nor donated. */
export interface Leak {
  readonly label: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly bytes: number;
  /** The first lines of the stack that made it; where a function is called often, that of one of its calls before. */
  readonly place: string;
}

/** Tensors on `backend` that are neither disposed nor donated, oldest first, with the place that made them. */
export const leaks = (backend: Backend<never> | Backend): Leak[] =>
  [...registryOf(backend)].map(({ about: { label, shape, dtype, made }, bytes }) => ({
    label,
    shape,
    dtype,
    bytes,
    place: placeOf(made),
  }));

const ownFolder = /[\\/]core[\\/](src|dist)[\\/]/;

/**
 * The caller's lines of a stack: those outside this package. An engine writes a stack as text when somebody reads it,
 * which takes longer than a small program runs: so not before then.
 */
function placeOf({ stack = '' }: Error): string {
  const lines = stack.split('\n').slice(1);
  const outside = lines.filter((l) => !ownFolder.test(l) && !l.includes('node:internal'));
  return (outside.length > 0 ? outside : lines)
    .slice(0, 4)
    .map((l) => l.trim().replace(/^at /, ''))
    .join('\n');
}

/**
 * Disposes what the function `own`s when it ends, however it ends. Its result should be a host value; what it returns
 * as a tensor must not be owned.
 */
export async function scope<R>(f: (own: <T>(tree: T) => T) => R | Promise<R>): Promise<R> {
  const owned: Tensor[] = [];
  try {
    return await f((tree) => {
      owned.push(...leavesOf(tree));
      return tree;
    });
  } finally {
    for (const t of owned) t.dispose();
  }
}

/** Disposes every tensor of a tree. */
export function dispose(tree: unknown): void {
  for (const t of leavesOf(tree)) t.dispose();
}
