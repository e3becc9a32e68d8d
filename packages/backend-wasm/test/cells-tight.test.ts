/** Random gated cells and their gradients, with loops made tight: products added in some columns, tied biases, strips. */
import {
  add,
  compile,
  flip,
  leavesOf,
  matmul,
  mul,
  scan,
  sigmoid,
  slice,
  sub,
  sum,
  type Tensor,
  tanh,
  transpose,
  valueAndGrad,
  zeros,
} from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import fc from 'fast-check';
import { test } from 'vitest';
import { onVariants, tight } from './forced.ts';

interface Params {
  readonly w: Tensor;
  readonly u: Tensor;
  readonly b: Tensor;
  readonly d: Tensor;
}

/** W and U have four blocks of columns, b and d as many; numbers choose. */
interface Case {
  readonly units: number;
  readonly inputs: number;
  readonly batch: number;
  readonly time: number;
  readonly gates: readonly (readonly [form: number, x: number, h: number])[];
  /** Which bias the state's product gets: none, its own, or the input's. */
  readonly bias: number;
  readonly state: number;
  readonly readout: number;
  readonly reverse: boolean;
  readonly batchFirst: boolean;
  readonly ofInput: boolean;
}

const choices = fc.record<Case>({
  units: fc.constantFrom(16, 32, 48),
  inputs: fc.constantFrom(8, 16, 24),
  batch: fc.integer({ min: 1, max: 12 }),
  time: fc.constantFrom(4, 6, 8),
  gates: fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)), { minLength: 3, maxLength: 3 }),
  bias: fc.nat(2),
  state: fc.nat(2),
  readout: fc.nat(2),
  reverse: fc.boolean(),
  batchFirst: fc.boolean(),
  ofInput: fc.boolean(),
});

function step(c: Case, { w, u, b, d }: Params, h: Tensor, x: Tensor): Tensor {
  const part = (z: Tensor, k: number): Tensor => slice(z, -1, k * c.units, c.units);
  const [zx, uh] = [add(matmul(x, w), b), matmul(h, u)];
  const zh = [uh, add(uh, d), add(uh, b)][c.bias] as Tensor;
  const [f, g, o] = c.gates.map(([form, i, j]) => {
    const [p, q] = [part(zx, i), part(zh, j)];
    return [
      sigmoid(add(p, part(zh, i))),
      tanh(add(p, q)),
      sigmoid(mul(p, q)),
      tanh(add(p, tanh(q))),
    ][form] as Tensor;
  }) as [Tensor, Tensor, Tensor];
  const state = [
    add(mul(f, h), mul(sub(1, f), g)),
    mul(o, tanh(add(mul(f, h), g))),
    mul(o, tanh(mul(g, f))),
  ];
  return state[c.state] as Tensor;
}

function loss(c: Case, params: Params, xs: Tensor): Tensor {
  const inTime = c.batchFirst ? transpose(xs, [1, 0, 2]) : xs;
  const [, y] = scan(
    (h: Tensor, x: Tensor) => {
      const next = step(c, params, h, x);
      return [next, next] as const;
    },
    zeros([c.batch, c.units]),
    inTime,
    { reverse: c.reverse },
  );
  const shown = [y, flip(y, 0), slice(y, 0, 1, c.time - 1)][c.readout] as Tensor;
  return sum(mul(shown, add(shown, 0.3)));
}

async function run(backend: Backend, c: Case): Promise<Float32Array[]> {
  const host = (shape: readonly number[], seed: number) => {
    const size = shape.reduce((n, axis) => n * axis, 1);
    return {
      data: Float32Array.from({ length: size }, (_, i) => 0.3 * Math.sin(0.7 * i + seed)),
      shape,
    };
  };
  const wide = 4 * c.units;
  const given = {
    w: host([c.inputs, wide], 1),
    u: host([c.units, wide], 2),
    b: host([wide], 3),
    d: host([wide], 4),
  };
  const gradients = compile(backend, (params: Params, xs: Tensor) =>
    c.ofInput
      ? valueAndGrad((all: { params: Params; xs: Tensor }) => loss(c, all.params, all.xs))({
          params,
          xs,
        })
      : valueAndGrad((p: Params) => loss(c, p, xs))(params),
  );
  const xs = host(c.batchFirst ? [c.batch, c.time, c.inputs] : [c.time, c.batch, c.inputs], 5);
  const out = leavesOf(await gradients(...([given, xs] as never as Parameters<typeof gradients>)));
  const values = await Promise.all(out.map(async (t) => (await t.read()).data as Float32Array));
  // Relative to the largest: gradients through time may be of any size.
  return values.map((v) => {
    const most = v.reduce((m, x) => Math.max(m, Math.abs(x)), 1);
    return v.map((x) => x / most);
  });
}

onVariants(tight, (agrees) => {
  test('give what the reference gives, and two threads the same bits', () =>
    // float32 through up to eight steps, next to the largest.
    fc.assert(
      fc.asyncProperty(choices, (c) => agrees((backend) => run(backend, c), 1e-4)),
      { numRuns: 40 },
    ));
});
