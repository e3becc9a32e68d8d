/** Recurrent layers as programs and as training steps: what the tests of plans, kernels and pipelines look at. */
import {
  add,
  broadcastTo,
  compile,
  div,
  grad,
  leavesOf,
  matmul,
  mean,
  mul,
  scan,
  sigmoid,
  split,
  sqrt,
  sub,
  sum,
  type Tensor,
  tanh,
  transpose,
  zeros,
} from '@ostinato/core';
import { type Backend, type Program, reference } from '@ostinato/core/backend';
import type { Machine } from '../src/plan/plan.ts';

/** WebGPU's default limits. */
export const smallest: Machine = {
  threads: 64,
  tileThreads: 256,
  workgroupBytes: 16384,
  bindingBytes: 128 * 2 ** 20,
  storageBuffers: 8,
  subgroups: false,
  software: false,
};

export interface Sizes {
  readonly batch: number;
  readonly time: number;
  readonly inputs: number;
  readonly units: number;
}

export interface Host {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Numbers in about +-1 that are the same in every run. */
export function numbers(seed: number, shape: readonly number[], most = 1): Host {
  let state = seed * 2654435761 + 12345;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 2 * most;
  };
  const size = shape.reduce((n, m) => n * m, 1);
  return { data: Float32Array.from({ length: size }, next), shape };
}

/** A cell as the cells of `@ostinato/cells` are, whose own tests run on this backend. */
interface Cell {
  start(batch: number, units: number): Tree;
  step(params: Params, state: never, x: Tensor): readonly [state: Tree, y: Tensor];
  readonly params: (sizes: Sizes) => Readonly<Record<string, Host>>;
}

type Tree = Tensor | { readonly h: Tensor; readonly c: Tensor };
type Params = Readonly<Record<'W' | 'U' | 'b' | 'd', Tensor>>;

const gated =
  (gates: number): Cell['params'] =>
  ({ inputs, units }) => ({
    W: numbers(1, [inputs, gates * units], 0.5),
    U: numbers(2, [units, gates * units], 0.3),
    b: numbers(3, [1, gates * units]),
    ...(gates === 3 && { d: numbers(4, [1, gates * units]) }),
  });

/** x m + bias, the bias [1, n] for all rows. */
function affine(x: Tensor, m: Tensor, bias: Tensor): Tensor {
  const product = matmul(x, m);
  return add(product, broadcastTo(bias, product.shape));
}

export const cases = {
  lstm: {
    start: (batch, units) => ({ h: zeros([batch, units]), c: zeros([batch, units]) }),
    step({ W, U, b }, state: { h: Tensor; c: Tensor }, x) {
      const [i, f, g, o] = split(add(affine(x, W, b), matmul(state.h, U)), 4) as Four;
      const c = add(mul(sigmoid(f), state.c), mul(sigmoid(i), tanh(g)));
      const h = mul(sigmoid(o), tanh(c));
      return [{ h, c }, h];
    },
    params: gated(4),
  },
  gru: {
    start: (batch, units) => zeros([batch, units]),
    step({ W, U, b, d }, h: Tensor, x) {
      const [xr, xz, xn] = split(affine(x, W, b), 3) as Four;
      const [hr, hz, hn] = split(affine(h, U, d), 3) as Four;
      const z = sigmoid(add(xz, hz));
      const n = tanh(add(xn, mul(sigmoid(add(xr, hr)), hn)));
      const next = add(mul(z, h), mul(sub(1, z), n));
      return [next, next];
    },
    params: gated(3),
  },
  /** tanh(norm(x W + h U)): reductions in the step. */
  normed: {
    start: (batch, units) => zeros([batch, units]),
    step({ W, U }, h: Tensor, x) {
      const wide = (t: Tensor): Tensor => broadcastTo(t, h.shape);
      const z = add(matmul(x, W), matmul(h, U));
      const centred = sub(z, wide(mean(z, { axes: 1, keepDims: true })));
      const variance = mean(mul(centred, centred), { axes: 1, keepDims: true });
      const next = tanh(div(centred, wide(sqrt(add(variance, 1e-3)))));
      return [next, next];
    },
    params: ({ inputs, units }) => ({
      W: numbers(1, [inputs, units]),
      U: numbers(2, [units, units]),
    }),
  },
} satisfies Readonly<Record<string, Cell>>;

type Four = [Tensor, Tensor, Tensor, Tensor];

export type CellName = keyof typeof cases;

/** All outputs [batch, time, units] for x [batch, time, inputs]. */
function unroll(name: CellName, { batch, units }: Sizes, params: Params, x: Tensor): Tensor {
  const { start, step } = cases[name] as Cell;
  const swapped = (t: Tensor): Tensor => transpose(t, [1, 0, 2]);
  const cell = (state: Tree, xt: Tensor) => step(params, state as never, xt);
  return swapped(scan(cell, start(batch, units), swapped(x), { label: name })[1]);
}

/** The layer, or the gradients of all its parameters and its input beside a given cotangent, as a function of tensors. */
export function work(
  name: CellName,
  mode: 'forward' | 'gradients',
  sizes: Sizes,
): { f: (...args: never[]) => unknown; args: unknown[] } {
  const { batch, time, inputs, units } = sizes;
  const args: unknown[] = [cases[name].params(sizes), numbers(5, [batch, time, inputs])];
  const forward = (p: Params, x: Tensor): Tensor => unroll(name, sizes, p, x);
  if (mode === 'forward') return { f: forward as never, args };
  const gradients = (p: Params, x: Tensor, cotangent: Tensor): unknown =>
    grad((q: { p: Params; x: Tensor }) => sum(mul(forward(q.p, q.x), cotangent)))({ p, x });
  return { f: gradients as never, args: [...args, numbers(6, [batch, time, units])] };
}

/** Runs it once, and gives all numbers that come out. */
export async function evaluate(
  backend: Backend<never>,
  ...[name, mode, sizes]: Parameters<typeof work>
): Promise<number[]> {
  const { f, args } = work(name, mode, sizes);
  const compiled = compile(backend, f as (...args: unknown[]) => unknown);
  const out = leavesOf((await compiled(...args)) as never) as Tensor[];
  const read = await Promise.all(out.map((t) => t.read()));
  for (const t of out) t.dispose();
  compiled.dispose();
  return read.flatMap(({ data }) => [...(data as Float32Array)]);
}

/** The program that it becomes for a device that binds 8 buffers. */
export async function programOf(...given: Parameters<typeof work>): Promise<Program> {
  const base = reference({ limits: { buffers: 8 } });
  const { f, args } = work(...given);
  let seen: Program | undefined;
  const backend = {
    ...base,
    compile: async (program: Program) => {
      seen = program;
      return { run: () => undefined, dispose: () => undefined };
    },
  };
  const compiled = compile(
    backend as unknown as Backend<never>,
    f as (...args: unknown[]) => unknown,
  );
  await compiled(...args);
  return seen as Program;
}
