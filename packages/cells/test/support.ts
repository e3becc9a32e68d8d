/** What the tests share: backends to run on, host arrays with known numbers, the program behind a function. */
import { cpu } from '@ostinato/backend-cpu';
import { wasm } from '@ostinato/backend-wasm';
import { webgpu } from '@ostinato/backend-webgpu';
import {
  compile,
  type Feed,
  type HostArray,
  type Key,
  key,
  leavesOf,
  mapTree,
  run,
} from '@ostinato/core';
import { type Backend, type Program, reference } from '@ostinato/core/backend';
import { gpuComputes } from '@ostinato/software-gpu/vitest';

/** How webgpu runs loops over time: none where there is no GPU. */
const schedules = (await gpuComputes()) ? (['stepwise', 'persistent'] as const) : [];
const gpus = schedules.map(async (schedule) => {
  const gpu = await webgpu({ allowSoftware: true, schedule });
  return [`webgpu ${schedule}`, gpu as unknown as Backend<never>] as const;
});

/** Every test of numbers runs on each of these. A file shares them: the kernels of a GPU take long to compile. */
export const backends: readonly (readonly [name: string, backend: Backend<never>])[] = [
  ['reference', reference() as Backend<never>],
  ['cpu', cpu() as unknown as Backend<never>],
  ['wasm', (await wasm({ threads: 1 })) as unknown as Backend<never>],
  ...(await Promise.all(gpus)),
];

export interface Host<D extends Float32Array | Float64Array | Int32Array = Float32Array> {
  readonly data: D;
  readonly shape: readonly number[];
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, m) => n * m, 1);

/** Numbers in about +-1 that are the same in every run. */
export function numbers(seed: number, shape: readonly number[]): Host {
  let state = seed * 2654435761 + 12345;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 2;
  };
  return { data: Float32Array.from({ length: sizeOf(shape) }, next), shape };
}

export const int32 = (values: readonly number[], shape: readonly number[]): Host<Int32Array> => ({
  data: Int32Array.from(values),
  shape,
});

/** Fresh parameters of a layer or cell as host arrays, for any backend. */
export async function parameters<P>(layer: { init(k: Key): P }, seed = 1): Promise<Feed<P>> {
  const tensors = await run(reference() as Backend<never>, layer.init(key(seed)));
  const read = await Promise.all(leavesOf(tensors).map((t) => t.read()));
  return mapTree(() => read.shift() as HostArray, tensors) as unknown as Feed<P>;
}

/** Runs a function once and reads what it gives, by path. */
export async function evaluate<A extends readonly unknown[]>(
  backend: Backend<never>,
  f: (...args: A) => unknown,
  ...args: { readonly [K in keyof A]: Feed<A[K]> }
): Promise<HostArray[]> {
  const compiled = compile(backend, f);
  const out = leavesOf(await compiled(...args));
  const read = await Promise.all(out.map((t) => t.read()));
  for (const t of out) t.dispose();
  compiled.dispose();
  return read;
}

/** The program that a function of tensors becomes. */
export async function programOf<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  ...args: { readonly [K in keyof A]: Feed<A[K]> }
): Promise<Program> {
  const base = reference();
  let seen: Program | undefined;
  const backend = {
    ...base,
    compile: (program: Program) => {
      seen = program;
      return base.compile(program);
    },
  };
  await compile(backend as unknown as Backend<never>, f)(...args);
  return seen as Program;
}

/** Kernels by kind, such as `1 contract, 1 loop`. */
export function launches(program: Program): string {
  const kinds = new Map<string, number>();
  for (const { kind } of program.code) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return [...kinds]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([kind, n]) => `${n} ${kind}`)
    .join(', ');
}

/** What each scan launches per step, in order: forward, then backward. */
export const perStep = (program: Program): string[] =>
  program.code.flatMap((i) => (i.kind === 'scan' ? [launches(i.body)] : []));
