import { apply, arg, erf, type Loop, type ScalarOp } from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import { bytesOf, onCpu } from './naive.ts';

const unary = (op: ScalarOp, n: number): Loop => ({
  kind: 'loop',
  buffers: [
    { source: 'slot', index: 0, access: 'read' },
    { source: 'slot', index: 1, access: 'write' },
  ],
  shape: [n],
  over: [],
  combine: 'sum',
  args: [{ slot: 0, buffer: 0, dtype: 'float32', offset: 0, strides: [1] }],
  body: [apply(op, arg(0))],
  outs: [{ slot: 1, buffer: 1, dtype: 'float32', offset: 0, strides: [1] }],
});

async function evaluate(op: ScalarOp, xs: Float32Array<ArrayBuffer>): Promise<Float32Array> {
  const [, y] = await onCpu(unary(op, xs.length), [bytesOf(xs), new Uint8Array(xs.length * 4)]);
  return new Float32Array((y as Uint8Array<ArrayBuffer>).buffer);
}

/** Every exponent of float32, both signs, densely where the functions bend. */
function sweep(): Float32Array<ArrayBuffer> {
  const xs: number[] = [];
  for (let e = -149; e < 128; e++)
    for (let k = 0; k < 64; k++) xs.push(2 ** e * (1 + ((k * 0.618034) % 1)));
  for (let k = 0; k < 60_000; k++) xs.push((k / 60_000) * 110);
  for (let k = 0; k < 60_000; k++) xs.push((k / 60_000) * 4);
  return Float32Array.from([...xs, ...xs.map((x) => -x)]);
}

/** The distance of neighbouring float32 at `x`. */
const unit = (x: number): number =>
  2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(x) || 2 ** -149))) - 23);

const functions: { [op in ScalarOp]?: { exact: (x: number) => number; units: number } } = {
  exp: { exact: Math.exp, units: 0.55 },
  tanh: { exact: Math.tanh, units: 0.52 },
  sigmoid: { exact: (x) => 1 / (1 + Math.exp(-x)), units: 0.55 },
  erf: { exact: erf, units: 0.62 },
};

describe('transcendental functions', () => {
  test.each(Object.entries(functions))('%s is right to its stated units', async (name, f) => {
    const xs = sweep();
    const ys = await evaluate(name as ScalarOp, xs);
    let worst = 0;
    let at = 0;
    xs.forEach((x, i) => {
      const exact = f.exact(x);
      const rounded = Math.fround(exact);
      const y = ys[i] as number;
      if (y === rounded) return;
      const error = Math.abs(y - exact) / unit(exact);
      if (!(error <= worst)) [worst, at] = [error, x];
    });
    expect(worst, `at ${at}`).toBeLessThan(f.units);
  });

  const limits: [ScalarOp, number[]][] = [
    ['exp', [Number.POSITIVE_INFINITY, 0, 1, Number.POSITIVE_INFINITY, 0]],
    ['tanh', [1, -1, 0, 1, -1]],
    ['sigmoid', [1, 0, 0.5, 1, 0]],
    ['erf', [1, -1, 0, 1, -1]],
  ];
  test.each(limits)('%s saturates and keeps NaN', async (op, expected) => {
    const infinity = Number.POSITIVE_INFINITY;
    const xs = Float32Array.of(infinity, -infinity, 0, 3e38, -3e38, Number.NaN);
    const ys = await evaluate(op, xs);
    expect([...ys]).toEqual([...expected, Number.NaN]);
  });
});
