/** Tensors that own a buffer: reading, disposing, donating, and the list of those still alive. */

import type { Backend } from '../backend/interface.ts';
import { fail } from '../errors.ts';
import { type DeviceValue, describe, type HostArray, Tensor } from '../graph/tensor.ts';
import { leavesOf } from '../graph/tree.ts';
import { bytesPerElement, type DType, viewOf } from '../ir/dtype.ts';
import { type Shape, sizeOf } from '../ir/view.ts';

type State = 'live' | 'disposed' | { readonly donatedTo: string };

/** A buffer with one owner. `release` takes it back when the owner is done. */
export class Owned implements DeviceValue {
  readonly backend: Backend;
  readonly buffer: unknown;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly label: string;
  readonly place: () => string;
  state: State = 'live';
  readonly #release: (buffer: unknown, bytes: number) => void;

  constructor(
    backend: Backend,
    buffer: unknown,
    about: { shape: Shape; dtype: DType; label: string; place: () => string },
    release: (buffer: unknown, bytes: number) => void,
  ) {
    this.backend = backend;
    this.buffer = buffer;
    this.shape = about.shape;
    this.dtype = about.dtype;
    this.label = about.label;
    this.place = about.place;
    this.#release = release;
    registryOf(backend).add(this);
  }

  get bytes(): number {
    return sizeOf(this.shape) * bytesPerElement[this.dtype];
  }

  assertLive(what: string): void {
    if (this.state === 'live') return;
    const text = `${this.dtype}[${this.shape}] "${this.label}"`;
    if (this.state === 'disposed')
      fail('disposed', `${what}: ${text} was disposed. Dispose it after its last use.`);
    fail(
      'donated',
      `${what}: ${text} was donated to "${this.state.donatedTo}". Use the result of that call instead, or do not donate it.`,
    );
  }

  async read(): Promise<HostArray> {
    this.assertLive('read');
    const bytes = await this.backend.read(this.buffer, 0, this.bytes);
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
    const data = viewOf(this.dtype, aligned.buffer, aligned.byteOffset, sizeOf(this.shape));
    return { data, shape: this.shape, dtype: this.dtype };
  }

  dispose(): void {
    if (this.state !== 'live') return;
    this.state = 'disposed';
    registryOf(this.backend).delete(this);
    this.#release(this.buffer, this.bytes);
  }

  /** The buffer now belongs to a call. */
  donate(to: string): void {
    this.state = { donatedTo: to };
    registryOf(this.backend).delete(this);
  }

  /** The call did not happen after all. */
  takeBack(): void {
    this.state = 'live';
    registryOf(this.backend).add(this);
  }
}

const registries = new WeakMap<object, Set<Owned>>();

function registryOf(backend: object): Set<Owned> {
  let set = registries.get(backend);
  if (!set) {
    set = new Set();
    registries.set(backend, set);
  }
  return set;
}

// The last resort: a tensor that was forgotten gives its buffer back when the engine collects it.
const forgotten = new FinalizationRegistry<Owned>((value) => value.dispose());

export function ownedTensor(value: Owned): Tensor {
  const t = new Tensor({ kind: 'value', value }, value.shape, value.dtype, [], value.label);
  forgotten.register(t, value);
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

export interface Leak {
  readonly label: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly bytes: number;
  /** The first lines of the stack that made it. */
  readonly place: string;
}

/** Tensors on `backend` that are neither disposed nor donated, oldest first, with the place that made them. */
export const leaks = (backend: Backend<never> | Backend): Leak[] =>
  [...registryOf(backend)].map(({ label, shape, dtype, bytes, place }) => ({
    label,
    shape,
    dtype,
    bytes,
    place: place(),
  }));

const ownFolder = /[\\/]core[\\/](src|dist)[\\/]/;

/**
 * The caller's lines of the stack: those outside this package. An engine writes a stack as text when somebody reads it,
 * which takes longer than a small program runs: so not before then.
 */
export function callerPlace(): () => string {
  const here = new Error();
  return () => {
    const lines = (here.stack ?? '').split('\n').slice(1);
    const outside = lines.filter((l) => !ownFolder.test(l) && !l.includes('node:internal'));
    return (outside.length > 0 ? outside : lines)
      .slice(0, 4)
      .map((l) => l.trim().replace(/^at /, ''))
      .join('\n');
  };
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
