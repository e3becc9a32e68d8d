/**
 * Functions on trees of tensors, made to run on a backend: traced once per shape of their arguments, planned, compiled,
 * and called with buffers. Knows the passes by name and the backend by its interface.
 */
import type { Backend, Executable, Ref } from '../backend/interface.ts';
import { fail } from '../errors.ts';
import { rewrite, topo, withArgs } from '../graph/rewrite.ts';
import { isView, param, Tensor } from '../graph/tensor.ts';
import { flatten, type TreeShape } from '../graph/tree.ts';
import { bytesPerElement, type DType, type TypedArray } from '../ir/dtype.ts';
import { printProgram } from '../ir/print.ts';
import type { Instr, Program } from '../ir/program.ts';
import { type Shape, sizeOf } from '../ir/view.ts';
import { denseHost, type HostInput, isHostInput } from './host.ts';
import { lower } from './lower.ts';
import { callerPlace, Owned, ownedOf, ownedTensor } from './value.ts';

/** What a caller may give where the function sees a tensor. A number is a float32 scalar. */
export type Feed<T> = T extends Tensor
  ? Tensor | HostInput | number
  : T extends object
    ? { readonly [K in keyof T]: Feed<T[K]> }
    : T;

export interface CompileOptions {
  /** Numbers of arguments whose buffers the call may reuse for its results. They cannot be used afterwards. */
  readonly donate?: readonly number[];
  /** A name for messages and `explain()`. */
  readonly label?: string;
}

export interface Compiled<A extends readonly unknown[], R> {
  (...args: { readonly [K in keyof A]: Feed<A[K]> }): Promise<R>;
  /** Programs, launches, bytes and scratch of all shapes seen so far. */
  explain(): string;
  /** How many programs were built: one per distinct structure, shape and type of the arguments. */
  readonly compilations: number;
  /** Frees programs and spare buffers. Results live on. */
  dispose(): void;
}

interface Leaf {
  readonly shape: Shape;
  readonly dtype: DType;
  /** One of the two: a tensor's buffer, or host values to upload. */
  readonly value?: Owned;
  readonly host?: TypedArray;
}

interface Entry {
  readonly program: Program;
  readonly executable: Executable<unknown>;
  readonly result: TreeShape;
  readonly outputs: readonly { shape: Shape; dtype: DType; label: string }[];
  readonly captured: readonly Tensor[];
  /** Rows of the table that each argument indexes, where it comes from the host and can be checked. */
  readonly bounds: ReadonlyMap<number, number>;
  /** Upload buffers, by input number. */
  readonly staging: Map<number, unknown>;
}

/**
 * Makes `f` run on a backend. Nothing is computed until the first call; a new structure, shape or type of arguments
 * compiles anew. Tensors that `f` mentions from outside are captured: host values are uploaded once.
 */
export function compile<A extends readonly unknown[], R>(
  backend: Backend<never> | Backend,
  f: (...args: A) => R,
  options: CompileOptions = {},
): Compiled<A, R> {
  const name = options.label ?? (f.name || 'compiled function');
  const runner = new Runner(backend as Backend, f as unknown as AnyFunction, name, options);
  const call = (...args: unknown[]): Promise<unknown> => runner.call(args, callerPlace());
  return Object.defineProperties(call, {
    explain: { value: () => runner.explain() },
    compilations: { get: () => runner.entries.size },
    dispose: { value: () => runner.dispose() },
  }) as unknown as Compiled<A, R>;
}

/** Evaluates a tree of tensors once, shared parts once. The results own buffers on the backend. */
export async function run<T>(backend: Backend<never> | Backend, tree: T): Promise<T> {
  const once = compile(backend, () => tree, { label: 'run' });
  try {
    return (await once()) as T;
  } finally {
    once.dispose();
  }
}

type AnyFunction = (...args: unknown[]) => unknown;

class Runner {
  readonly entries = new Map<string, Promise<Entry>>();
  private readonly ready = new Map<string, Entry>();
  private readonly backend: Backend;
  private readonly f: AnyFunction;
  private readonly name: string;
  private readonly options: CompileOptions;
  /** Buffers of donated arguments and disposed results, by size, for the next results. */
  private readonly spares = new Map<number, unknown[]>();
  private disposed = false;

  constructor(backend: Backend, f: AnyFunction, name: string, options: CompileOptions) {
    this.backend = backend;
    this.f = f;
    this.name = name;
    this.options = options;
  }

  async call(args: readonly unknown[], place: string): Promise<unknown> {
    this.assertUsable();
    const { leaves, shape } = flatten<unknown>(args, isFeedLeaf);
    const fed = leaves.map((x, i) => this.leafOf(x, shape.paths[i] as string));
    const signature = `${shape.text}${fed.map((l) => `|${l.dtype}[${l.shape}]`).join('')}`;
    const donated = this.donate(fed, shape);
    try {
      // A ready program runs before this returns: what the caller then does to its arrays and tensors is too late.
      const ready = this.ready.get(signature);
      if (ready) return this.launch(ready, fed, donated, { shape, place });
      const copied = fed.map((l) => (l.host ? { ...l, host: l.host.slice() } : l));
      let pending = this.entries.get(signature);
      if (!pending) {
        pending = this.build(signature, fed, shape);
        this.entries.set(signature, pending);
        pending.catch(() => this.entries.delete(signature));
      }
      const entry = await pending;
      this.assertUsable();
      // Compiling took time: what was checked before may be gone since. Reading `leaves` here also keeps the tensors
      // themselves alive until now.
      leaves.forEach((x, i) => {
        if (!donated.has(i)) this.leafOf(x, shape.paths[i] as string);
      });
      return this.launch(entry, copied, donated, { shape, place });
    } catch (e) {
      for (const value of donated.values()) value.takeBack();
      throw e;
    }
  }

  private assertUsable(): void {
    if (this.disposed)
      fail(
        'compiled-disposed',
        `${this.name}: was disposed. Compile it again, or dispose it later.`,
      );
  }

  private leafOf(x: unknown, path: string): Leaf {
    if (typeof x === 'number') return { shape: [], dtype: 'float32', host: Float32Array.of(x) };
    if (x instanceof Tensor) {
      if (x.op.kind === 'host') return { shape: x.shape, dtype: x.dtype, host: x.op.data };
      const value = ownedOf(x, this.backend, `${this.name}: argument "${path}"`);
      return { shape: x.shape, dtype: x.dtype, value };
    }
    const { data, shape, dtype } = denseHost(x as HostInput, `${this.name}: argument "${path}"`);
    return { shape, dtype, host: data };
  }

  /** Marks donated arguments at the call; all of them have been checked. */
  private donate(fed: readonly Leaf[], shape: TreeShape): Map<number, Owned> {
    const out = new Map<number, Owned>();
    const donating = this.options.donate ?? [];
    if (donating.length === 0) return out;
    const seen = new Map<Owned, { path: string; donated: boolean }>();
    fed.forEach((leaf, i) => {
      const path = shape.paths[i] as string;
      const { value } = leaf;
      if (!value) return;
      const before = seen.get(value);
      const mine = donating.includes(Number(path.split('.')[0]));
      if (before && (mine || before.donated))
        fail(
          'donated',
          `${this.name}: "${path}" is the same tensor as "${before.path}", and one of the two is donated. Give each its own tensor, or do not donate.`,
        );
      seen.set(value, { path, donated: mine });
      if (mine) out.set(i, value);
    });
    for (const value of out.values()) value.donate(this.name);
    return out;
  }

  private async build(signature: string, fed: readonly Leaf[], shape: TreeShape): Promise<Entry> {
    const params = fed.map((l, i) => param(l.shape, l.dtype, shape.paths[i] as string));
    const args = shape.build(params) as unknown[];
    const { leaves: results, shape: result } = flatten(this.f(...args));
    const captured = topo(results).filter((t) => t.op.kind === 'host' || t.op.kind === 'value');
    for (const t of captured)
      if (t.op.kind === 'value') ownedOf(t, this.backend, `${this.name}: captured`);
    const stands = new Map(captured.map((t) => [t, param(t.shape, t.dtype, t.label)]));
    const closed = rewrite(results, (t, a) => stands.get(t) ?? withArgs(t, a));
    const inputs = [...params, ...stands.values()];
    const program = lower(inputs, closed, {
      donations: this.donations(fed, shape, results, result),
      limits: this.backend.limits,
    });
    const executable = await this.backend.compile(program);
    const staging = new Map<number, unknown>();
    try {
      this.assertUsable();
      captured.forEach((t, i) => {
        if (t.op.kind === 'host') this.upload(staging, params.length + i, t.op.data);
      });
    } catch (e) {
      for (const buffer of staging.values()) this.backend.free(buffer);
      executable.dispose();
      throw e;
    }
    const entry: Entry = {
      program,
      executable,
      result,
      outputs: results.map((r, i) => ({
        shape: r.shape,
        dtype: r.dtype,
        label: result.paths[i] || r.label,
      })),
      captured,
      bounds: indexBounds(closed, params),
      staging,
    };
    this.ready.set(signature, entry);
    return entry;
  }

  /** Pairs donated arguments with results of the same shape and type, by path where paths agree. */
  private donations(
    fed: readonly Leaf[],
    shape: TreeShape,
    results: readonly Tensor[],
    result: TreeShape,
  ): (readonly [number, number])[] {
    const donating = this.options.donate ?? [];
    const free = new Set(results.map((_, i) => i));
    const pairs: (readonly [number, number])[] = [];
    const pending = fed.flatMap((leaf, i) => {
      const path = (shape.paths[i] as string).split('.');
      return donating.includes(Number(path[0])) ? [{ i, leaf, path }] : [];
    });
    const fits = (leaf: Leaf, o: number): boolean => {
      const r = results[o] as Tensor;
      return r.dtype === leaf.dtype && `${r.shape}` === `${leaf.shape}`;
    };
    for (const exact of [true, false])
      for (const { i, leaf, path } of pending) {
        if (pairs.some(([k]) => k === i)) continue;
        const tail = path.slice(1).join('.');
        const found = [...free].find(
          (o) => fits(leaf, o) && (!exact || `.${result.paths[o]}`.endsWith(`.${tail}`)),
        );
        if (found === undefined) continue;
        free.delete(found);
        pairs.push([i, found]);
      }
    return pairs;
  }

  private checkBounds(entry: Entry, fed: readonly Leaf[], shape: TreeShape): void {
    for (const [i, rows] of entry.bounds) {
      const { host } = fed[i] as Leaf;
      if (host) checkIds(host, rows, `${this.name}: "${shape.paths[i]}"`);
    }
  }

  private launch(
    entry: Entry,
    fed: readonly Leaf[],
    donated: ReadonlyMap<number, Owned>,
    { shape, place }: { shape: TreeShape; place: string },
  ): unknown {
    this.checkBounds(entry, fed, shape);
    for (const t of entry.captured)
      if (t.op.kind === 'value') ownedOf(t, this.backend, `${this.name}: captured`);
    const { program } = entry;
    const ref = (buffer: unknown): Ref<unknown> => ({ buffer, offset: 0 });
    const taken: { buffer: unknown; bytes: number }[] = [];
    const take = (bytes: number, label: string): unknown => {
      const buffer = this.take(bytes, label);
      taken.push({ buffer, bytes });
      return buffer;
    };
    const inPlace = (i: number): boolean => program.outputs.includes(program.inputs[i] as number);
    let outputs: Ref<unknown>[];
    try {
      const inputs = [
        ...fed.map((leaf, i) => {
          if (!leaf.host) return ref((leaf.value as Owned).buffer);
          if (!inPlace(i)) return ref(this.upload(entry.staging, i, leaf.host));
          // The result will own this buffer, so it cannot be the one that the next call uploads to.
          const buffer = take(leaf.host.byteLength, `${this.name} input ${i}`);
          this.backend.write(buffer, bytesOf(leaf.host));
          return ref(buffer);
        }),
        ...entry.captured.map((t, i) =>
          ref(
            t.op.kind === 'value'
              ? (t.op.value as Owned).buffer
              : entry.staging.get(fed.length + i),
          ),
        ),
      ];
      outputs = program.outputs.map((slot, o) => {
        const input = program.inputs.indexOf(slot);
        if (input >= 0) return inputs[input] as Ref<unknown>;
        const { shape, dtype, label } = entry.outputs[o] as Entry['outputs'][number];
        return ref(take(sizeOf(shape) * bytesPerElement[dtype], label));
      });
      entry.executable.run(inputs, outputs);
    } catch (e) {
      for (const { buffer, bytes } of taken) this.giveBack(buffer, bytes);
      throw e;
    }
    for (const [i, value] of donated) if (!inPlace(i)) this.giveBack(value.buffer, value.bytes);
    const release = (buffer: unknown, bytes: number): void => this.giveBack(buffer, bytes);
    return entry.result.build(
      outputs.map(({ buffer }, o) => {
        const about = { ...(entry.outputs[o] as Entry['outputs'][number]), place };
        return ownedTensor(new Owned(this.backend, buffer, about, release));
      }),
    );
  }

  private upload(staging: Map<number, unknown>, input: number, data: ArrayBufferView): unknown {
    let buffer = staging.get(input);
    if (buffer === undefined) {
      buffer = this.backend.alloc(data.byteLength, `${this.name} input ${input}`);
      staging.set(input, buffer);
    }
    this.backend.write(buffer, bytesOf(data));
    return buffer;
  }

  private take(bytes: number, label: string): unknown {
    return this.spares.get(bytes)?.pop() ?? this.backend.alloc(bytes, label);
  }

  private giveBack(buffer: unknown, bytes: number): void {
    const list = this.spares.get(bytes) ?? [];
    // No more than one run can use: what a caller hoards and then drops at once goes back to the backend.
    const useful = [...this.ready.values()].reduce(
      (n, e) =>
        Math.max(
          n,
          e.outputs.filter((o) => sizeOf(o.shape) * bytesPerElement[o.dtype] === bytes).length,
        ),
      0,
    );
    if (this.disposed || list.length >= 2 * useful) {
      this.backend.free(buffer);
      return;
    }
    list.push(buffer);
    this.spares.set(bytes, list);
  }

  explain(): string {
    const head = `${this.name} on ${this.backend.name}: ${this.ready.size} compiled`;
    return [head, ...[...this.ready.values()].map((e) => explainProgram(e.program))].join('\n\n');
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const e of this.ready.values()) {
      e.executable.dispose();
      for (const buffer of e.staging.values()) this.backend.free(buffer);
    }
    for (const list of this.spares.values()) for (const buffer of list) this.backend.free(buffer);
    this.spares.clear();
  }
}

function checkIds(ids: TypedArray, rows: number, what: string): void {
  for (let k = 0; k < ids.length; k++) {
    const id = ids[k] as number;
    if (id < 0 || id >= rows)
      fail(
        'index-out-of-range',
        `${what} holds ${id} at ${k}, but the table it indexes has ${rows} rows. Use 0 to ${rows - 1}.`,
      );
  }
}

const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const isFeedLeaf = (x: unknown): boolean =>
  x instanceof Tensor || typeof x === 'number' || isHostInput(x);

/** Which parameters are row numbers, seen through views and scans, and of how many rows at least. */
function indexBounds(results: readonly Tensor[], params: readonly Tensor[]): Map<number, number> {
  const bounds = new Map<number, number>();
  const walk = (roots: readonly Tensor[], outer: (t: Tensor) => Tensor): void => {
    for (const t of topo(roots)) {
      if (t.op.kind === 'gather' || t.op.kind === 'scatter') {
        const rows = (t.op.kind === 'gather' ? (t.args[0] as Tensor) : t).shape[0] as number;
        const p = params.indexOf(sourceOf(t.args[1] as Tensor, outer));
        if (p >= 0) bounds.set(p, Math.min(bounds.get(p) ?? rows, rows));
      }
      if (t.op.kind === 'scan') {
        const { body } = t.op;
        walk(body.results, (q) => {
          const i = body.params.indexOf(q);
          return i >= 0 ? sourceOf(t.args[i] as Tensor, outer) : q;
        });
      }
    }
  };
  walk(results, (t) => t);
  return bounds;
}

function sourceOf(t: Tensor, outer: (t: Tensor) => Tensor): Tensor {
  let n = t;
  while (isView(n) || n.op.kind === 'identity') n = n.args[0] as Tensor;
  return n.op.kind === 'param' ? outer(n) : n;
}

/** A program with what it costs, for people. */
function explainProgram(program: Program): string {
  const bytesOf = (slots: readonly number[]): number =>
    slots.reduce((n, k) => {
      const s = program.slots[k] as Program['slots'][number];
      return n + s.size * bytesPerElement[s.dtype];
    }, 0);
  const kinds = new Map<string, number>();
  for (const i of program.code) kinds.set(i.kind, (kinds.get(i.kind) ?? 0) + 1);
  const launches = [...kinds].map(([kind, n]) => `${n} ${kind}`).join(', ');
  const scratch = (p: Program): number =>
    p.scratch.reduce((a, b) => a + b, 0) +
    p.code.reduce((n, i: Instr) => n + (i.kind === 'scan' ? scratch(i.body) : 0), 0);
  return [
    `${program.code.length} launches (${launches}); ${bytesOf(program.inputs)} bytes in, ${bytesOf(program.outputs)} out, ${scratch(program)} scratch`,
    printProgram(program),
  ].join('\n');
}
