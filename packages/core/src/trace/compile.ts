/**
 * Functions on trees of tensors, made to run on a backend: traced once per shape of their arguments, planned, compiled,
 * and called with buffers. Knows the passes by name and the backend by its interface.
 */
import type { Backend, Executable, Ref } from '../backend/interface.ts';
import { checkOptions, fail, shown } from '../errors.ts';
import { rewrite, topo, withArgs } from '../graph/rewrite.ts';
import { param, Tensor } from '../graph/tensor.ts';
import { flatten, type TreeShape } from '../graph/tree.ts';
import { bytesOfView, type DType, type TypedArray } from '../ir/dtype.ts';
import type { Program } from '../ir/program.ts';
import type { Shape } from '../ir/view.ts';
import { breather } from './event-loop.ts';
import { denseHost, type HostInput, isHostInput } from './host.ts';
import { lower, needsExtras } from './lower.ts';
import { type About, bytesOf, Owned, ownedOf, ownedTensor } from './value.ts';

/**
 * What a caller may give where the function sees a tensor. A number is a float32 scalar. Nothing, where the function says
 * number, string or boolean: it would see a tensor in place of a number, which `n > 1` cannot ask, and the others are no
 * leaves. A host array's own numbers are not meant.
 */
export type Feed<T> = T extends Tensor
  ? Tensor | HostInput | number
  : T extends HostInput
    ? T
    : T extends object
      ? { readonly [K in keyof T]: Feed<T[K]> }
      : T extends number | string | boolean
        ? never
        : T;

export interface CompileOptions {
  /** Numbers of arguments whose buffers the call may reuse for its results. They cannot be used afterwards. */
  readonly donate?: readonly number[] | undefined;
  /** A name for messages and `explain`. */
  readonly label?: string | undefined;
}

/**
 * A function on a backend, of host values or tensors in the place of tensors. It resolves when its program is ready and its
 * work is queued; what it gives belongs to the caller, to be read and disposed.
 */
export interface Compiled<A extends readonly unknown[], R> {
  (...args: { readonly [K in keyof A]: Feed<A[K]> }): Promise<R>;
  /** What was built so far, which `explain` tells. */
  readonly built: Built;
  /** How many programs were built: one per distinct structure, shape and type of the arguments. */
  readonly compilations: number;
  /** Frees programs and spare buffers. Results live on. */
  dispose(): void;
}

/** A program per distinct structure, shape and type of the arguments. */
export interface Built {
  readonly label: string;
  readonly backend: string;
  readonly programs: readonly Pick<Entry, 'program' | 'executable'>[];
}

interface Leaf {
  readonly shape: Shape;
  readonly dtype: DType;
  /** One of the two: a tensor's buffer, or host values to upload. */
  readonly value?: Owned;
  readonly host?: TypedArray;
}

/** What calls of one program have in common: structure, shapes and types of the arguments. */
interface Form {
  readonly shape: TreeShape;
  readonly params: readonly Tensor[];
  /** The params as a tree. */
  readonly args: readonly unknown[];
  /** Of each param, whether it is part of a donated argument. */
  readonly donated: readonly boolean[];
  readonly signature: string;
}

type Result = Omit<About, 'made'>;

interface Entry {
  readonly program: Program;
  readonly executable: Executable<unknown>;
  readonly result: TreeShape;
  readonly outputs: readonly Result[];
  readonly captured: readonly Tensor[];
  /** Upload buffers, by input number. */
  readonly staging: Map<number, unknown>;
  /** Checks row numbers of tables that come from the host; absent where there are no tables. */
  readonly checkIds: ((fed: readonly Leaf[]) => void) | undefined;
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
  checkOptions('compile', options, 'donate, label');
  const { label, donate = [] } = options;
  const name = label ?? (f.name || 'compiled function');
  // From JavaScript a promise of one, or the function that opens one, gets here.
  if (typeof (backend as Partial<Backend> | undefined)?.alloc !== 'function')
    fail(
      'option-invalid',
      `${name}: its backend is ${shown(backend)}. Give what cpu() or await wasm() returns.`,
    );
  // A step of training, then: what it needs is on its way while others still prepare its arguments.
  if (donate.length > 0) import('./extras.ts').catch(() => {});
  const runner = runnerOf(backend as Backend, f as unknown as AnyFunction, { name, donate });
  let made: Error;
  let calls = 0;
  const call = (...args: unknown[]): Promise<unknown> => {
    // A stack takes as long as a small program runs: after many calls, one stands for those that follow.
    if (calls++ < 256 || calls % 64 === 0) made = new Error();
    return runner.call(args, made);
  };
  return Object.defineProperties(call, {
    built: { get: runner.built },
    compilations: { get: runner.compilations },
    dispose: { value: runner.dispose },
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

/** Of all calls: a loop may call several functions. */
const breath = breather();

function runnerOf(
  backend: Backend,
  f: AnyFunction,
  { name, donate }: { name: string; donate: readonly number[] },
) {
  const entries = new Map<string, Promise<Entry>>();
  const ready = new Map<string, Entry>();
  /** Buffers of donated arguments and disposed results, by size, for the next results. */
  const spares = new Map<number, unknown[]>();
  /** By size, how many results of it one run has at most. */
  const wanted = new Map<number, number>();
  /** Of the last call: the next is most often of the same form. */
  let last: Form | undefined;
  let disposed = false;

  async function call(args: readonly unknown[], made: Error): Promise<unknown> {
    assertUsable();
    const taken = last?.shape.take(args);
    const { leaves, shape } =
      last && taken ? { leaves: taken, shape: last.shape } : flatten<unknown>(args, isFeedLeaf);
    const fed = leaves.map((x, i) => leafOf(x, shape.paths[i] as string));
    const form =
      last?.shape === shape && fed.every((l, i) => sameType(l, last?.params[i] as Tensor))
        ? last
        : formOf(fed, shape, donate);
    last = form;
    const { signature } = form;
    const donated = donateLeaves(fed, form);
    try {
      // A ready program runs before this returns: what the caller then does to its arrays and tensors is too late.
      const known = ready.get(signature);
      if (known) {
        const results = launch(known, fed, donated, made);
        // A loop of such calls would keep timers, input and painting waiting until it ends.
        if (breath.due()) await breath.rest();
        return results;
      }
      const copied = fed.map((l) => (l.host ? { ...l, host: l.host.slice() } : l));
      let pending = entries.get(signature);
      if (!pending) {
        pending = build(form);
        entries.set(signature, pending);
        pending.catch(() => entries.delete(signature));
      }
      const entry = await pending;
      assertUsable();
      // Compiling took time: what was checked before may be gone since. Reading `leaves` here also keeps the tensors
      // themselves alive until now.
      leaves.forEach((x, i) => {
        if (!donated.has(i)) leafOf(x, shape.paths[i] as string);
      });
      return launch(entry, copied, donated, made);
    } catch (e) {
      for (const value of donated.values()) value.takeBack();
      throw e;
    }
  }

  function assertUsable(): void {
    if (disposed)
      fail('compiled-disposed', `${name}: was disposed. Compile it again, or dispose it later.`);
  }

  const owned = (t: Tensor, what: string): Owned => ownedOf(t, backend, `${name}: ${what}`);

  function leafOf(x: unknown, path: string): Leaf {
    if (typeof x === 'number') return { shape: [], dtype: 'float32', host: Float32Array.of(x) };
    const what = `argument "${path}"`;
    if (!(x instanceof Tensor)) {
      const { data, shape, dtype } = denseHost(x as HostInput, `${name}: ${what}`);
      return { shape, dtype, host: data };
    }
    const { op, shape, dtype } = x;
    return op.kind === 'host'
      ? { shape, dtype, host: op.data }
      : { shape, dtype, value: owned(x, what) };
  }

  /** Marks donated arguments at the call; all of them have been checked. */
  function donateLeaves(
    fed: readonly Leaf[],
    { donated, shape: { paths } }: Form,
  ): Map<number, Owned> {
    const out = new Map<number, Owned>();
    if (donate.length === 0) return out;
    const seen = new Map<Owned, number>();
    fed.forEach(({ value }, i) => {
      if (!value) return;
      const before = seen.get(value);
      if (before !== undefined && (donated[i] || donated[before]))
        fail(
          'donated',
          `${name}: "${paths[i]}" is the same tensor as "${paths[before]}", and one of the two is donated. Give each its own tensor, or do not donate.`,
        );
      seen.set(value, i);
      if (donated[i]) out.set(i, value);
    });
    for (const value of out.values()) value.donate(name);
    return out;
  }

  async function build({ signature, params, args, donated }: Form): Promise<Entry> {
    const { leaves: results, shape: result } = flatten(f(...args));
    const order = topo(results);
    const captured = order.filter((t) => t.op.kind === 'host' || t.op.kind === 'value');
    assertOwned(captured);
    const stands = new Map(captured.map((t) => [t, param(t.shape, t.dtype, t.label)]));
    const closed = rewrite(results, (t, a) => stands.get(t) ?? withArgs(t, a), order);
    const inputs = [...params, ...stands.values()];
    const { limits } = backend;
    // What an instruction may touch: some of these, and some arenas.
    const crowded = inputs.length + results.length + 8 > limits.buffers;
    const needed = donate.length > 0 || crowded || needsExtras(closed);
    const extras = needed ? await import('./extras.ts') : undefined;
    const donations = extras?.donations({ params, donated }, { results, paths: result.paths });
    const program = lower(inputs, closed, { extras, donations: donations ?? [], limits });
    const checkIds = extras?.idsChecker(closed, params, name);
    const executable = await backend.compile(program);
    const staging = new Map<number, unknown>();
    try {
      assertUsable();
      captured.forEach(({ op }, i) => {
        if (op.kind === 'host') upload(staging, params.length + i, op.data);
      });
    } catch (e) {
      freeAll(staging.values());
      executable.dispose();
      throw e;
    }
    const outputs = results.map((r, i) => ({
      shape: r.shape,
      dtype: r.dtype,
      label: result.paths[i] || r.label,
    }));
    const entry = { program, executable, result, outputs, captured, staging, checkIds };
    ready.set(signature, entry);
    const sizes = outputs.map(bytesOf);
    for (const bytes of sizes)
      wanted.set(bytes, Math.max(wanted.get(bytes) ?? 0, sizes.filter((b) => b === bytes).length));
    return entry;
  }

  function assertOwned(captured: readonly Tensor[]): void {
    for (const t of captured) if (t.op.kind === 'value') owned(t, 'captured');
  }

  function launch(
    entry: Entry,
    fed: readonly Leaf[],
    donated: ReadonlyMap<number, Owned>,
    made: Error,
  ): unknown {
    const { program, captured, staging } = entry;
    entry.checkIds?.(fed);
    assertOwned(captured);
    const taken: { buffer: unknown; bytes: number }[] = [];
    const take = (bytes: number, label: string): unknown => {
      const buffer = spares.get(bytes)?.pop() ?? backend.alloc(bytes, label);
      taken.push({ buffer, bytes });
      return buffer;
    };
    const inPlace = (i: number): boolean => program.outputs.includes(program.inputs[i] as number);
    const inputOf = ({ host, value }: Leaf, i: number): unknown => {
      if (!host) return (value as Owned).buffer;
      if (!inPlace(i)) return upload(staging, i, host);
      // The result will own this buffer, so it cannot be the one that the next call uploads to.
      const buffer = take(host.byteLength, `${name} input ${i}`);
      backend.write(buffer, bytesOfView(host));
      return buffer;
    };
    const ref = (buffer: unknown): Ref<unknown> => ({ buffer, offset: 0 });
    let outputs: Ref<unknown>[];
    try {
      const inputs = [
        ...fed.map(inputOf),
        ...captured.map(({ op }, i) =>
          op.kind === 'value' ? (op.value as Owned).buffer : staging.get(fed.length + i),
        ),
      ].map(ref);
      outputs = program.outputs.map((slot, o) => {
        const input = program.inputs.indexOf(slot);
        if (input >= 0) return inputs[input] as Ref<unknown>;
        const result = entry.outputs[o] as Result;
        return ref(take(bytesOf(result), result.label));
      });
      entry.executable.run(inputs, outputs);
    } catch (e) {
      for (const { buffer, bytes } of taken) giveBack(buffer, bytes);
      throw e;
    }
    for (const [i, value] of donated) {
      value.forget();
      if (!inPlace(i)) giveBack(value.buffer, value.bytes);
    }
    return entry.result.build(
      outputs.map(({ buffer }, o) => {
        const about = { ...(entry.outputs[o] as Result), made };
        return ownedTensor(new Owned(backend, buffer, about, giveBack));
      }),
    );
  }

  function upload(staging: Map<number, unknown>, input: number, data: ArrayBufferView): unknown {
    const buffer = staging.get(input) ?? backend.alloc(data.byteLength, `${name} input ${input}`);
    staging.set(input, buffer);
    backend.write(buffer, bytesOfView(data));
    return buffer;
  }

  function giveBack(buffer: unknown, bytes: number): void {
    const list = spares.get(bytes) ?? [];
    // No more than one run can use: what a caller hoards and then drops at once goes back to the backend.
    if (disposed || list.length >= 2 * (wanted.get(bytes) ?? 0)) {
      backend.free(buffer);
      return;
    }
    list.push(buffer);
    spares.set(bytes, list);
  }

  function freeAll(buffers: Iterable<unknown>): void {
    for (const buffer of buffers) backend.free(buffer);
  }

  return {
    call,
    compilations: () => entries.size,
    built: (): Built => ({ label: name, backend: backend.name, programs: [...ready.values()] }),
    dispose(): void {
      if (disposed) return;
      disposed = true;
      for (const e of ready.values()) {
        e.executable.dispose();
        freeAll(e.staging.values());
      }
      for (const list of spares.values()) freeAll(list);
      spares.clear();
    },
  };
}

function formOf(fed: readonly Leaf[], shape: TreeShape, donate: readonly number[]): Form {
  const params = fed.map((l, i) => param(l.shape, l.dtype, shape.paths[i] as string));
  const types = params.map((p) => `|${p.dtype}[${p.shape}]`);
  const args = shape.build(params) as unknown[];
  const donated = shape.paths.map((path) => donate.includes(Number.parseInt(path, 10)));
  return { shape, params, args, donated, signature: shape.text + types.join('') };
}

const sameType = (l: Leaf, { dtype, shape }: Tensor): boolean =>
  l.dtype === dtype && l.shape.length === shape.length && shape.every((n, k) => n === l.shape[k]);

const isFeedLeaf = (x: unknown): boolean =>
  x instanceof Tensor || typeof x === 'number' || isHostInput(x);
