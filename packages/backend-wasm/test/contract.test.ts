import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FunctionBuilder } from '../src/assembler/function.ts';
import { printFunction } from '../src/assembler/print.ts';
import { type ContractPlan, type PlanOptions, planContract } from '../src/contract/index.ts';
import { chooseTile, fits, splitRows } from '../src/contract/tile.ts';
import * as extras from '../src/extras.ts';
import type { Target } from '../src/target.ts';
import {
  type AxisOf,
  type Case,
  compileCase,
  expected,
  type Layout,
  makeCase,
  productFunctions,
  random,
} from './contract-cases.ts';

const targets: Record<string, Target> = {
  relaxed: { relaxed: true, paired: false },
  plain: { relaxed: false, paired: false },
  paired: { relaxed: true, paired: true },
  'paired, plain': { relaxed: false, paired: true },
  'no unrolling': { relaxed: false, paired: false, unroll: 1 },
};

/**
 * Of the sum of |a| |b|. Each step of a partial sum rounds by up to 2^-24 of it; errors cancel but where all terms are
 * alike (strides 0), which these cases have too.
 */
function toleranceOf({ depth, depthStep }: ContractPlan): number {
  const steps = depth.slice(0, -1).reduce((n, d) => n * d.size, depthStep);
  return 2 ** -24 * (32 + steps / 4);
}

function agrees(
  c: Case,
  target: Target,
  options: PlanOptions = {},
  cuts?: readonly number[],
): void {
  const [a, b] = [random(c.sizes[0], 1), random(c.sizes[1], 2)];
  const compiled = compileCase(c, target, options);
  const got = compiled.run(a, b);
  const { value, bound } = expected(c, a, b);
  const tolerance = toleranceOf(compiled.plan);
  got.forEach((x, i) => {
    const difference = Math.abs(x - (value[i] as number));
    if (!(difference <= tolerance * Math.abs(bound[i] as number)))
      expect.fail(`element ${i}: ${x} instead of ${value[i]}; ${JSON.stringify(compiled.plan)}`);
  });
  if (!cuts) return;
  const { size } = compiled.plan.range;
  const parts = [...new Set(cuts.map((n) => n % (size + 1)))].sort((x, y) => x - y);
  expect(compiled.run(a, b, parts)).toEqual(got);
}

const straight: Layout = { order: [0, 1, 2], gap: 0, backwards: [] };
const matrix = (m: number, n: number, k: number): AxisOf[] => [
  { size: m, where: 'a', over: false },
  { size: n, where: 'b', over: false },
  { size: k, where: 'both', over: true },
];
const layout = (order: number[]): Layout => ({ ...straight, order });
const layouts: Record<string, [Layout, Layout, Layout]> = {
  straight: [layout([2, 0, 1]), layout([1, 2, 0]), layout([1, 0, 2])],
  'a transposed': [layout([0, 2, 1]), layout([1, 2, 0]), layout([1, 0, 2])],
  'b transposed': [layout([2, 0, 1]), layout([2, 1, 0]), layout([1, 0, 2])],
  'out transposed': [layout([2, 0, 1]), layout([1, 2, 0]), layout([0, 1, 2])],
};

describe.each(Object.entries(targets))('contract, %s', (_, target) => {
  test('agrees with the reference for random einsums, in parts too', () => {
    const anyAxis: fc.Arbitrary<AxisOf> = fc.record({
      size: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 6, max: 19 })),
      where: fc.constantFrom('a', 'b', 'both', 'neither'),
      over: fc.boolean(),
    });
    const anyLayout = (n: number): fc.Arbitrary<Layout> =>
      fc.record({
        order: fc.shuffledSubarray([...Array(n).keys()], { minLength: n }),
        gap: fc.nat(2),
        backwards: fc.array(fc.boolean(), { minLength: n, maxLength: n }),
      });
    const cases = fc.array(anyAxis, { minLength: 1, maxLength: 5 }).chain((axes) => {
      const one = anyLayout(axes.length);
      return fc.tuple(fc.constant(axes), fc.tuple(one, one, one));
    });
    const options = fc.record({ a: fc.boolean(), b: fc.boolean() });
    fc.assert(
      fc.property(
        cases,
        options,
        fc.nat(),
        fc.array(fc.nat(19), { maxLength: 3 }),
        (c, constant, axis, cuts) => {
          const made = makeCase(...c);
          const rank = made.contract.shape.length;
          const rangeAxis = axis % (rank + 1);
          agrees(made, target, { constant, ...(rangeAxis < rank ? { rangeAxis } : {}) }, cuts);
        },
      ),
      { numRuns: 150 },
    );
  });

  // Tiles of every height, wide ones, tails of columns, no depth to speak of, several blocks of depth and of rows.
  const shapes: [number, number, number][] = [
    [64, 256, 64],
    [32, 256, 64],
    [8, 48, 33],
    [14, 80, 1030],
    [5, 7, 400],
    [270, 9, 11],
    [1, 130, 70],
    [130, 1, 70],
    [1, 96, 2101],
    [2, 48, 33],
    [3, 17, 33],
    [17, 3, 33],
    [4, 4, 1],
    [7, 31, 1027],
    [13, 40, 1030],
    [700, 20, 65],
    [261, 130, 131],
    [9, 130, 1024],
    [1, 5, 2],
  ];
  test.each(shapes)('%d by %d by %d in every layout', (m, n, k) => {
    for (const constant of [{}, { b: true }])
      for (const where of Object.values(layouts))
        agrees(makeCase(matrix(m, n, k), where), target, { constant }, [1, m >> 1]);
  });

  test('copies rows of a batch in which each row has its steps side by side', () => {
    const axes: AxisOf[] = [
      { size: 131, where: 'a', over: false },
      { size: 150, where: 'b', over: false },
      { size: 100, where: 'both', over: true },
      { size: 16, where: 'both', over: true },
    ];
    const order = (...o: number[]): Layout => ({ ...straight, order: o });
    const c = makeCase(axes, [order(0, 2, 3, 1), order(1, 3, 2, 0), order(1, 0, 2, 3)]);
    const { rowSource, depth } = planContract(c.contract, target, { extras });
    expect([rowSource, depth.length]).toEqual(['tiles', 2]);
    agrees(c, target, {}, [70]);
  });

  test('sums a long depth in blocks of several axes', () => {
    const axes: AxisOf[] = [
      { size: 9, where: 'a', over: false },
      { size: 20, where: 'b', over: false },
      { size: 65, where: 'both', over: true },
      { size: 70, where: 'both', over: true },
    ];
    const order = (...o: number[]): Layout => ({ ...straight, order: o });
    agrees(
      makeCase(axes, [order(0, 3, 2, 1), order(1, 2, 3, 0), order(1, 0, 2, 3)]),
      target,
      {},
      [4],
    );
    agrees(makeCase(axes, [order(2, 3, 0, 1), order(3, 1, 2, 0), order(0, 1, 2, 3)]), target, {
      constant: { b: true },
    });
  });
});

test('an operand that stays is no reason to copy the rows of a larger one', () => {
  const axes: AxisOf[] = [
    { size: 64, where: 'a', over: false },
    { size: 256, where: 'b', over: false },
    { size: 100, where: 'both', over: true },
    { size: 32, where: 'both', over: true },
  ];
  const order = (...o: number[]): Layout => ({ ...straight, order: o });
  const { contract } = makeCase(axes, [order(0, 2, 3, 1), order(1, 3, 2, 0), order(1, 0, 2, 3)]);
  const { swapped, rowSource } = planContract(
    contract,
    { relaxed: true, paired: true },
    { constant: { a: true }, extras },
  );
  expect({ swapped, rowSource }).toEqual({ swapped: false, rowSource: 'place' });
});

test('ranges are of panels where each call would pack all of them', () => {
  const order = (...o: number[]): Layout => ({ ...straight, order: o });
  const rangeOf = (m: number, n: number, constant = false): unknown => {
    const { contract } = makeCase(matrix(m, n, 300), [order(0, 2), order(1, 2), order(1, 0)]);
    const target = { relaxed: true, paired: true };
    return planContract(contract, target, { constant: { b: constant }, extras }).range;
  };
  expect(rangeOf(64, 256)).toEqual({ at: 'panels', size: 16 });
  expect(rangeOf(640, 256)).toEqual({ at: 'rows', size: 640 });
  expect(rangeOf(64, 250)).toEqual({ at: 'rows', size: 64 });
  expect(rangeOf(64, 256, true)).toEqual({ at: 'rows', size: 64 });
});

test('NaN stays where it enters', () => {
  const c = makeCase(matrix(9, 10, 12), layouts.straight as [Layout, Layout, Layout]);
  const a = random(c.sizes[0], 1);
  a[3 + 12 * 2 + 4] = Number.NaN;
  const out = compileCase(c, targets.relaxed as Target).run(a, random(c.sizes[1], 2));
  expect([...out.subarray(3, 93).keys()].filter((i) => Number.isNaN(out[3 + i]))).toEqual(
    Array.from({ length: 10 }, (_, i) => 20 + i),
  );
});

test('tiles fill the registers', () => {
  const tile = (rows: number, columns: number, name: string, depth = 64) => {
    const { tile } = chooseTile({ rows, columns, depth }, targets[name] as Target, false);
    return `${tile.rows}x${tile.columns}`;
  };
  // Panels of 48 columns are as good until they leave the first cache.
  expect([64, 256].map((depth) => tile(64, 192, 'paired', depth))).toEqual(['2x48', '6x16']);
  const name = (rows: number, columns: number) =>
    Object.keys(targets)
      .slice(0, 3)
      .map((t) => tile(rows, columns, t))
      .join(' ');
  expect({
    'matrix 64x256': name(64, 256),
    'matrix 32x768': name(32, 768),
    'two rows': name(2, 768),
    'a row': name(1, 512),
    'ten columns': name(64, 10),
    'one column': name(64, 1),
  }).toMatchInlineSnapshot(`
    {
      "a row": "1x52 1x32 1x64",
      "matrix 32x768": "2x24 4x8 2x48",
      "matrix 64x256": "6x8 4x8 6x16",
      "one column": "8x4 8x4 8x8",
      "ten columns": "3x12 2x12 6x16",
      "two rows": "2x24 2x16 2x48",
    }
  `);
  expect(fits(6, 2, targets.relaxed as Target)).toBe(true);
  expect(fits(6, 2, targets.plain as Target)).toBe(false);
  expect(splitRows(32, 6)).toEqual([
    { rows: 6, tiles: 2 },
    { rows: 5, tiles: 4 },
  ]);
});

test('rows that tiles of six leave: two get a wide one, four one of their own, others are shared out', () => {
  const heights = (rows: number, columns: number, target: Target) => {
    const { contract } = makeCase(
      matrix(rows, columns, 64),
      layouts.straight as [Layout, Layout, Layout],
    );
    const plan = planContract(contract, target, { constant: { b: true }, extras });
    return extras
      .heightsOf(new FunctionBuilder('f'), plan, undefined)
      .map(({ rows, tiles, wide }) => `${tiles} of ${rows}${wide ? ', wide' : ''}`)
      .join(' + ');
  };
  const paired = targets.paired as Target;
  expect(heights(32, 256, paired)).toBe('5 of 6 + 1 of 2, wide');
  expect(heights(16, 256, paired)).toBe('2 of 6 + 1 of 4');
  expect(heights(33, 256, paired)).toBe('3 of 6 + 3 of 5');
  expect(heights(32, 256, targets.relaxed as Target)).toBe('5 of 6 + 1 of 2, wide');
  // Columns that end within a panel, more rows than stay near, and tiles of another shape.
  expect(heights(32, 252, paired)).toBe('2 of 6 + 4 of 5');
  expect(heights(602, 256, paired)).toBe('97 of 6 + 4 of 5');
  expect(heights(32, 256, targets.plain as Target)).toBe('8 of 4');
});

test('a range of rows has tiles for as many as it may have, and for no others', () => {
  const { contract } = makeCase(matrix(64, 256, 64), layouts.straight as [Layout, Layout, Layout]);
  const options = { constant: { b: true }, extras, rangeAxis: 0 };
  const plan = planContract(contract, targets.paired as Target, options);
  const heights = (...shares: readonly number[]): string => {
    const f = new FunctionBuilder('f');
    const [first, count] = [f.param('i32', 'first'), f.param('i32', 'count')];
    const all = extras.heightsOf(f, plan, { first, count, ...(shares.length > 0 && { shares }) });
    return all.map(({ rows, wide }) => `${rows}${wide ? ' wide' : ''}`).join(' ');
  };
  expect(heights(64, 32)).toBe('6 4 2 wide');
  expect(heights(64, 22, 21)).toBe('6 5 4');
  expect(heights(3, 2, 1, 0)).toBe('3 2 1');
  expect(heights()).toBe('6 5 4 3 2 1 2 wide');
});

test('the code of a small product', () => {
  const { contract } = makeCase(matrix(2, 8, 5), layouts.straight as [Layout, Layout, Layout]);
  const plan = planContract(contract, { relaxed: true, paired: false }, { constant: { b: true } });
  const [pack, whole] = productFunctions(plan);
  expect(printFunction(pack as NonNullable<typeof pack>)).toMatchInlineSnapshot(`
    "(func $pack (param $a_0 i32) (param $b_1 i32) (param $out_2 i32) (param $packed_a i32) (param $packed_b i32) (param $scratch i32)
      (local.set $from_6 (i32.add $b_1 (i32.const 12)))
      (local.set $panels $packed_b)
      (local.set $from_8 $from_6)
      (local.set $to $panels)
      (local.set $a_10 $from_8)
      (local.set $b_11 $from_6)
      (local.set $out_12 $panels)
      (local.set $left (i32.const 5))
      (loop
        (local.set $from_8 $b_11)
        (local.set $to $out_12)
        (local.set $x_14 (v128.load $from_8))
        (local.set $x_15 (v128.load offset=16 $from_8))
        (v128.store offset=16 $to $x_15)
        (v128.store $to $x_14)
        (local.set $from_8 (i32.add $from_8 (i32.const 32)))
        (local.set $to (i32.add $to (i32.const 160)))
        (local.set $b_11 (i32.add $b_11 (i32.const 32)))
        (local.set $out_12 (i32.add $out_12 (i32.const 32)))
        (local.set $left (i32.add $left (i32.const -1)))
        (br_if 0 $left)
      )
    )"
  `);
  expect(printFunction(whole as NonNullable<typeof whole>)).toMatchInlineSnapshot(`
    "(func $whole (param $a_0 i32) (param $b_1 i32) (param $out_2 i32) (param $packed_a i32) (param $packed_b i32) (param $scratch i32)
      (local.set $a_6 (i32.add $a_0 (i32.const 12)))
      (local.set $b_7 $packed_b)
      (local.set $out_8 (i32.add $out_2 (i32.const 12)))
      (local.set $a_21 $a_6)
      (local.set $b_22 $b_7)
      (local.set $out_23 $out_8)
      (local.set $a_24 $a_21)
      (local.set $b_25 $b_22)
      (local.set $out_26 $out_23)
      (local.set $sum0_0 (v128.const 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0))
      (local.set $sum0_1 (v128.const 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0))
      (local.set $sum1_0 (v128.const 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0))
      (local.set $sum1_1 (v128.const 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0))
      (local.set $at_a0 $a_24)
      (local.set $at_a1 (i32.add $a_24 (i32.const 20)))
      (local.set $at_b $b_25)
      (local.set $b0 (v128.load $at_b))
      (local.set $b1 (v128.load offset=16 $at_b))
      (local.set $a0 (v128.load32_splat $at_a0))
      (local.set $sum0_0 (f32x4.relaxed_madd $a0 $b0 $sum0_0))
      (local.set $sum0_1 (f32x4.relaxed_madd $a0 $b1 $sum0_1))
      (local.set $a0 (v128.load32_splat $at_a1))
      (local.set $sum1_0 (f32x4.relaxed_madd $a0 $b0 $sum1_0))
      (local.set $sum1_1 (f32x4.relaxed_madd $a0 $b1 $sum1_1))
      (local.set $b0 (v128.load offset=32 $at_b))
      (local.set $b1 (v128.load offset=48 $at_b))
      (local.set $a0 (v128.load32_splat offset=4 $at_a0))
      (local.set $sum0_0 (f32x4.relaxed_madd $a0 $b0 $sum0_0))
      (local.set $sum0_1 (f32x4.relaxed_madd $a0 $b1 $sum0_1))
      (local.set $a0 (v128.load32_splat offset=4 $at_a1))
      (local.set $sum1_0 (f32x4.relaxed_madd $a0 $b0 $sum1_0))
      (local.set $sum1_1 (f32x4.relaxed_madd $a0 $b1 $sum1_1))
      (local.set $b0 (v128.load offset=64 $at_b))
      (local.set $b1 (v128.load offset=80 $at_b))
      (local.set $a0 (v128.load32_splat offset=8 $at_a0))
      (local.set $sum0_0 (f32x4.relaxed_madd $a0 $b0 $sum0_0))
      (local.set $sum0_1 (f32x4.relaxed_madd $a0 $b1 $sum0_1))
      (local.set $a0 (v128.load32_splat offset=8 $at_a1))
      (local.set $sum1_0 (f32x4.relaxed_madd $a0 $b0 $sum1_0))
      (local.set $sum1_1 (f32x4.relaxed_madd $a0 $b1 $sum1_1))
      (local.set $b0 (v128.load offset=96 $at_b))
      (local.set $b1 (v128.load offset=112 $at_b))
      (local.set $a0 (v128.load32_splat offset=12 $at_a0))
      (local.set $sum0_0 (f32x4.relaxed_madd $a0 $b0 $sum0_0))
      (local.set $sum0_1 (f32x4.relaxed_madd $a0 $b1 $sum0_1))
      (local.set $a0 (v128.load32_splat offset=12 $at_a1))
      (local.set $sum1_0 (f32x4.relaxed_madd $a0 $b0 $sum1_0))
      (local.set $sum1_1 (f32x4.relaxed_madd $a0 $b1 $sum1_1))
      (local.set $at_a0 (i32.add $at_a0 (i32.const 16)))
      (local.set $at_a1 (i32.add $at_a1 (i32.const 16)))
      (local.set $at_b (i32.add $at_b (i32.const 128)))
      (local.set $b0 (v128.load $at_b))
      (local.set $b1 (v128.load offset=16 $at_b))
      (local.set $a0 (v128.load32_splat $at_a0))
      (local.set $sum0_0 (f32x4.relaxed_madd $a0 $b0 $sum0_0))
      (local.set $sum0_1 (f32x4.relaxed_madd $a0 $b1 $sum0_1))
      (local.set $a0 (v128.load32_splat $at_a1))
      (local.set $sum1_0 (f32x4.relaxed_madd $a0 $b0 $sum1_0))
      (local.set $sum1_1 (f32x4.relaxed_madd $a0 $b1 $sum1_1))
      (local.set $at_a0 (i32.add $at_a0 (i32.const 4)))
      (local.set $at_a1 (i32.add $at_a1 (i32.const 4)))
      (local.set $at_b (i32.add $at_b (i32.const 32)))
      (local.set $at_out $out_26)
      (v128.store offset=16 $at_out $sum0_1)
      (v128.store $at_out $sum0_0)
      (local.set $at_out (i32.add $at_out (i32.const 32)))
      (v128.store offset=16 $at_out $sum1_1)
      (v128.store $at_out $sum1_0)
      (local.set $a_24 (i32.add $a_24 (i32.const 40)))
      (local.set $out_26 (i32.add $out_26 (i32.const 64)))
      (local.set $b_22 (i32.add $b_22 (i32.const 160)))
      (local.set $out_23 (i32.add $out_23 (i32.const 32)))
    )"
  `);
});
