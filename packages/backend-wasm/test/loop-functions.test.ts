import {
  apply,
  arg,
  type Expr,
  erf,
  evalScalar,
  type Loop,
  type ScalarOp,
} from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import type { Target } from '../src/target.ts';
import { bytesOf, onWasm, targets } from './harness.ts';

const mapped = (body: Expr, n: number, arity: number): Loop => {
  const all = Array.from({ length: arity + 1 }, (_, k) => k);
  const operands = all.map((k) => ({
    slot: k,
    buffer: k,
    dtype: 'float32' as const,
    offset: 0,
    strides: [1],
  }));
  return {
    kind: 'loop',
    buffers: all.map((index) => ({
      source: 'slot',
      index,
      access: index === arity ? 'write' : 'read',
    })),
    shape: [n],
    over: [],
    combine: 'sum',
    args: operands.slice(0, arity),
    body: [body],
    outs: operands.slice(arity),
  };
};

function evaluated(
  body: Expr,
  inputs: readonly Float32Array<ArrayBuffer>[],
  target: Target,
): Float32Array {
  const n = (inputs[0] as Float32Array).length;
  const data = [...inputs.map(bytesOf), new Uint8Array(4 * n)];
  const loop = mapped(body, n, inputs.length);
  return new Float32Array((onWasm(loop, data, target).at(-1) as Uint8Array<ArrayBuffer>).buffer);
}

const evaluate = (
  op: ScalarOp,
  inputs: readonly Float32Array<ArrayBuffer>[],
  target: Target,
): Float32Array => evaluated(apply(op, ...inputs.map((_, k) => arg(k))), inputs, target);

/** Every exponent of float32, both signs, densely where the functions bend. */
function sweep(largest: number): Float32Array<ArrayBuffer> {
  const xs: number[] = [];
  for (let e = -149; e < 128; e++)
    for (let k = 0; k < 64; k++) xs.push(2 ** e * (1 + ((k * 0.618034) % 1)));
  // The worst of all floats, of one function or another.
  xs.push(37.77864, 7.791, 3.7234, 2.80907, 8233.328, 4000186);
  // Around where sigmoid becomes 0.
  for (let k = 0; k < 64; k++) xs.push(87.68 + k / 2 ** 13);
  for (const top of [110, 10, 2]) for (let k = 0; k < 60_000; k++) xs.push((k / 60_000) * top);
  const kept = xs.filter((x) => x <= largest);
  return Float32Array.from([...kept, ...kept.map((x) => -x)]);
}

/** The distance of neighbouring float32 at `x`. */
const unit = (x: number): number =>
  2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(x) || 2 ** -149))) - 23);

interface Row {
  readonly exact: (x: number) => number;
  /** The largest relative error of results that are normal floats; others are right to three units. */
  readonly error: number;
  /** Beyond it no accuracy is claimed. */
  readonly largest?: number;
  /** Exact results below it may be 0. */
  readonly smallest?: number;
}

const rows: { readonly [Op in ScalarOp]?: Row } = {
  exp: { exact: Math.exp, error: 8.6e-8 },
  log: { exact: Math.log, error: 8.6e-8 },
  tanh: { exact: Math.tanh, error: 3.5e-7 },
  sigmoid: { exact: (x) => 1 / (1 + Math.exp(-x)), error: 4.8e-7, smallest: 8.312e-39 },
  erf: { exact: erf, error: 4.6e-7 },
  sin: { exact: Math.sin, error: 1.33e-7, largest: 2e8 },
  cos: { exact: Math.cos, error: 1.33e-7, largest: 2e8 },
  sqrt: { exact: Math.sqrt, error: 6e-8 },
};

const same = (y: number, exact: number): boolean => Object.is(y, Math.fround(exact));

describe.each(targets)('functions, relaxed $relaxed, paired $paired', (target) => {
  test.each(Object.entries(rows))('%s is right to its stated error', (name, row) => {
    const xs = sweep(row.largest ?? 3.5e38);
    const ys = evaluate(name as ScalarOp, [xs], target);
    let worst = 0;
    let at = 0;
    xs.forEach((x, i) => {
      const exact = row.exact(x);
      const y = ys[i] as number;
      if (same(y, exact) || (Number.isNaN(y) && Number.isNaN(exact))) return;
      if (Math.abs(exact) < (row.smallest ?? 0) && y === 0) return;
      const difference = Math.abs(y - exact);
      const error =
        Math.abs(exact) < 2 ** -126
          ? (row.error / 3) * (difference / unit(exact))
          : difference / Math.abs(exact);
      if (!(error <= worst)) [worst, at] = [error, x];
    });
    expect(worst, `at ${at}`).toBeLessThanOrEqual(row.error);
  });

  const infinity = Number.POSITIVE_INFINITY;
  const xs = Float32Array.of(
    ...[infinity, -infinity, Number.NaN, 0, -0, 3e38, -3e38, 1e-45, -1e-45, 1, -1],
    ...[88.7228, 88.7229, -103.9, -104, 2 ** -126, 2 ** -130, 9, 20, -20, 4],
  );
  test.each(['exp', 'log', 'tanh', 'sigmoid', 'erf', 'sin', 'cos', 'sqrt'] as const)(
    '%s at the edges',
    (op) => {
      const ys = evaluate(op, [xs], target);
      xs.forEach((x, i) => {
        // Only the range is promised there.
        if ((op === 'sin' || op === 'cos') && Math.abs(x) > 2e8 && Math.abs(x) < infinity) {
          expect(Math.abs(ys[i] as number)).toBeLessThanOrEqual(1);
          return;
        }
        const exact = evalScalar(op, 'float32', [x]);
        const y = ys[i] as number;
        if (Number.isFinite(exact) && exact !== 0)
          expect(Math.abs(y - exact) / unit(exact), `${op}(${x}) = ${y}`).toBeLessThanOrEqual(6);
        else expect(y, `${op}(${x})`).toBe(exact);
      });
    },
  );

  // One division for both: their errors add up, and two roundings replace one.
  test.each([
    ['sigmoid', 'tanh'],
    ['tanh', 'sigmoid'],
    ['sigmoid', 'sigmoid'],
    ['tanh', 'tanh'],
  ] as const)('%s times %s is right to the errors of both', (p, q) => {
    const all = [...sweep(3.5e38), infinity, -infinity, Number.NaN];
    const [a, b] = [
      Float32Array.from(all),
      Float32Array.from(all, (_, k) => all[(k * 7919) % all.length] as number),
    ];
    const ys = evaluated(apply('mul', apply(p, arg(0)), apply(q, arg(1))), [a, b], target);
    const [f, g] = [rows[p] as Row, rows[q] as Row];
    let worst = 0;
    ys.forEach((y, i) => {
      const exact = f.exact(a[i] as number) * g.exact(b[i] as number);
      if (Number.isNaN(exact)) expect(y).toBeNaN();
      else if (Math.abs(exact) < 8.312e-39) expect(Math.abs(y)).toBeLessThan(8.4e-39);
      else worst = Math.max(worst, Math.abs(y - exact) / Math.max(Math.abs(exact), 2 ** -126));
    });
    expect(worst).toBeLessThanOrEqual(f.error + g.error + 6e-8);
    expect(ys.every((y) => !(Math.abs(y) > 1))).toBe(true);
  });

  test('no result leaves the range of its function', () => {
    const all = sweep(3.5e38);
    for (const op of ['tanh', 'erf', 'sin', 'cos'] as const)
      expect(Math.max(...evaluate(op, [all], target).map(Math.abs).toSorted().slice(-1)), op).toBe(
        1,
      );
    expect(evaluate('sigmoid', [all], target).some((y) => !(y >= 0 && y <= 1))).toBe(false);
  });

  const bases = [
    ...[0, -0, 1, -1, infinity, -infinity, Number.NaN, 0.5, -0.5, 2, -2, 10, 1e-40, -1e-40],
    ...[3e38, 1 + 2 ** -23, 1 - 2 ** -24, 0.1, -3, 7.3, 1e10, 1e-10],
  ];
  const powers = [
    ...[0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, infinity, -infinity, Number.NaN, 1e10, -1e10],
    ...[16777217, 7, 1e-3, 0.1, 33.3, -33.3, 4.25, 127, 128, -149],
  ];

  test('pow is right to one unit and at the edges as in JavaScript', () => {
    const pairs: [number, number][] = bases.flatMap((a) =>
      powers.map((b): [number, number] => [a, b]),
    );
    for (let k = 0; k < 40_000; k++)
      pairs.push([2 ** (((k * 0.618034) % 1) * 60 - 30), ((k * 0.7548777) % 1) * 40 - 20]);
    const [a, b] = [0, 1].map((side) => Float32Array.from(pairs, (p) => p[side] as number)) as [
      Float32Array<ArrayBuffer>,
      Float32Array<ArrayBuffer>,
    ];
    const ys = evaluate('pow', [a, b], target);
    let worst = 0;
    ys.forEach((y, i) => {
      const exact = (a[i] as number) ** (b[i] as number);
      const rounded = Math.fround(exact);
      if (!Number.isFinite(rounded) || rounded === 0) expect(y, `${a[i]} ** ${b[i]}`).toBe(rounded);
      else worst = Math.max(worst, Math.abs(y - exact) / unit(exact));
    });
    expect(worst).toBeLessThan(0.6);
  });

  test('rem is exact over the whole range', () => {
    const some = [...bases, 1e38, -1e38, 5.5, -5.5, 1e-45, 1e-38, 123456.7];
    const pairs: [number, number][] = some.flatMap((a) =>
      some.map((b): [number, number] => [a, b]),
    );
    for (let k = 0; k < 40_000; k++)
      pairs.push([
        2 ** (((k * 0.618034) % 1) * 270 - 145),
        2 ** (((k * 0.7548777) % 1) * 270 - 145) * (k % 2 ? 1 : -1),
      ]);
    const [a, b] = [0, 1].map((side) => Float32Array.from(pairs, (p) => p[side] as number)) as [
      Float32Array<ArrayBuffer>,
      Float32Array<ArrayBuffer>,
    ];
    const ys = evaluate('rem', [a, b], target);
    ys.forEach((y, i) => {
      const exact = (a[i] as number) % (b[i] as number);
      if (!Object.is(y, exact)) expect(y, `${a[i]} % ${b[i]}`).toBe(exact);
    });
  });
});
