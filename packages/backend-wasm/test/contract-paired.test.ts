import { setFlagsFromString } from 'node:v8';
import { expect, test } from 'vitest';
import {
  type AxisOf,
  type Compile,
  compileCase,
  type Layout,
  makeCase,
  random,
} from './contract-cases.ts';

/** With V8's pairing of vectors, where the engine has it, for this one compilation. */
const compilePaired: Compile = (bytes) => {
  setFlagsFromString('--experimental-wasm-revectorize');
  setFlagsFromString('--no-liftoff');
  setFlagsFromString('--no-wasm-lazy-compilation');
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    setFlagsFromString('--wasm-lazy-compilation');
    setFlagsFromString('--liftoff');
    setFlagsFromString('--no-experimental-wasm-revectorize');
  }
};

const layout = (order: number[]): Layout => ({ order, gap: 0, backwards: [] });
const layouts: [Layout, Layout, Layout][] = [
  [layout([2, 0, 1]), layout([1, 2, 0]), layout([1, 0, 2])],
  [layout([0, 2, 1]), layout([2, 1, 0]), layout([1, 0, 2])],
  [layout([2, 0, 1]), layout([1, 2, 0]), layout([0, 1, 2])],
];

// Whole panels, wide tiles, tails of columns, partial sums with a tail, one row, copied rows.
const shapes: [number, number, number][] = [
  [64, 256, 64],
  [32, 112, 70],
  [38, 96, 1030],
  [31, 57, 30],
  [20, 40, 1030],
  [1, 130, 70],
  [2, 96, 33],
  [260, 70, 129],
];

test.each(shapes)('pairing changes no bit of %d by %d by %d', (m, n, k) => {
  const axes: AxisOf[] = [
    { size: m, where: 'a', over: false },
    { size: n, where: 'b', over: false },
    { size: k, where: 'both', over: true },
  ];
  for (const where of layouts)
    for (const constant of [{}, { b: true }]) {
      const c = makeCase(axes, where);
      const [a, b] = [random(c.sizes[0], 1), random(c.sizes[1], 2)];
      const target = { relaxed: true, paired: true };
      const plainly = compileCase(c, target, { constant }).run(a, b);
      const paired = compileCase(c, target, { constant }, compilePaired);
      expect(paired.run(a, b)).toEqual(plainly);
      expect(paired.run(a, b, [paired.plan.range.size >> 1])).toEqual(plainly);
    }
});
