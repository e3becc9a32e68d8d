/** Recurrent layers as programs and as training steps: what the tests of plans, kernels and pipelines look at. */
import { type Cell, gru, lstm, recurrent } from '@ostinato/cells';
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
  sqrt,
  sub,
  sum,
  type Tensor,
  tanh,
  zeros,
} from '@ostinato/core';
import { type Backend, type Program, reference } from '@ostinato/core/backend';

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

/** h = tanh(norm(x W + h U)): a cell of a user's own, with reductions in its step. */
const normed: Cell<Readonly<Record<string, Tensor>>, Tensor> = {
  label: 'normed',
  init() {
    throw new Error('the tests give all parameters');
  },
  start: ({ U }, batch) => zeros([batch, (U as Tensor).shape[0] as number]),
  step({ W, U }, h, x) {
    const wide = (t: Tensor): Tensor => broadcastTo(t, h.shape);
    const z = add(matmul(x, W as Tensor), matmul(h, U as Tensor));
    const centred = sub(z, wide(mean(z, { axes: 1, keepDims: true })));
    const variance = mean(mul(centred, centred), { axes: 1, keepDims: true });
    const next = tanh(div(centred, wide(sqrt(add(variance, 1e-3)))));
    return [next, next];
  },
};

type Params = Readonly<Record<string, Host | null>>;

interface Case {
  readonly cell: (sizes: Sizes) => Cell<never, never>;
  readonly params: (sizes: Sizes) => Params;
}

const gated =
  (gates: number): Case['params'] =>
  ({ inputs, units }) => ({
    kernel: numbers(1, [inputs, gates * units], 0.5),
    recurrent: numbers(2, [units, gates * units], 0.3),
    bias: numbers(3, [gates * units]),
    recurrentBias: gates === 3 ? numbers(4, [gates * units]) : null,
  });

export const cases = {
  lstm: { cell: (s) => lstm(s) as never, params: gated(4) },
  gru: { cell: (s) => gru({ ...s, reset: 'after', bias: 'two' }) as never, params: gated(3) },
  normed: {
    cell: () => normed as never,
    params: ({ inputs, units }) => ({
      W: numbers(1, [inputs, units]),
      U: numbers(2, [units, units]),
    }),
  },
} satisfies Readonly<Record<string, Case>>;

export type CellName = keyof typeof cases;

/** The layer, or the gradients of all its parameters and its input beside a given cotangent, as a function of tensors. */
export function work(
  name: CellName,
  mode: 'forward' | 'gradients',
  sizes: Sizes,
): { f: (...args: never[]) => unknown; args: unknown[] } {
  const { batch, time, inputs, units } = sizes;
  const layer = recurrent(cases[name].cell(sizes), { returns: 'sequence' });
  const args: unknown[] = [cases[name].params(sizes), numbers(5, [batch, time, inputs])];
  const forward = (p: never, x: Tensor): unknown => layer.apply(p, x);
  if (mode === 'forward') return { f: forward as never, args };
  const gradients = (p: never, x: Tensor, cotangent: Tensor): unknown =>
    grad((q: { p: never; x: Tensor }) => sum(mul(layer.apply(q.p, q.x) as Tensor, cotangent)))({
      p,
      x,
    } as never);
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
