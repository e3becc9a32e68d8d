import type { Contract, Operand } from '@ostinato/core/backend';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, type Data, naive, onCpu, worstDifference } from './naive.ts';

const random = (n: number, seed: number): Float32Array<ArrayBuffer> => {
  let s = seed >>> 0;
  return Float32Array.from({ length: n }, () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 31 - 1;
  });
};

/** Which operands have an axis, and whether it is summed. */
interface AxisOf {
  readonly size: number;
  readonly inA: boolean;
  readonly inB: boolean;
  readonly over: boolean;
}

/** Axes in the given order of nesting, innermost first, with a gap after some. */
function layOut(
  axes: readonly AxisOf[],
  order: readonly number[],
  has: (a: AxisOf) => boolean,
  gap: number,
): { strides: number[]; size: number } {
  const strides = axes.map(() => 0);
  let step = 1;
  for (const k of order) {
    const axis = axes[k] as AxisOf;
    if (!has(axis)) continue;
    strides[k] = step;
    step = step * axis.size + (k === 1 ? gap : 0);
  }
  return { strides, size: step };
}

interface Case {
  readonly contract: Contract;
  readonly data: Data;
}

function makeCase(
  axes: readonly AxisOf[],
  orders: readonly (readonly number[])[],
  gap: number,
  seed: number,
): Case {
  const sorted = [...axes.filter((a) => !a.over), ...axes.filter((a) => a.over)];
  const shape = sorted.filter((a) => !a.over).map((a) => a.size);
  const over = sorted.filter((a) => a.over).map((a) => a.size);
  const laid = [
    layOut(sorted, orders[0] as number[], (a) => a.inA, gap),
    layOut(sorted, orders[1] as number[], (a) => a.inB, gap),
    layOut(sorted, orders[2] as number[], (a) => !a.over, gap),
  ];
  const [a, b, out] = laid.map(
    ({ strides }, buffer): Operand => ({
      slot: buffer,
      buffer,
      dtype: 'float32',
      offset: 3,
      strides: buffer === 2 ? strides.slice(0, shape.length) : strides,
    }),
  ) as [Operand, Operand, Operand];
  const buffers = [0, 1, 2].map((index) => ({
    source: 'slot' as const,
    index,
    access: index === 2 ? ('write' as const) : ('read' as const),
  }));
  const data = laid.map(({ size }, k) => bytesOf(random(size + 4, seed + k)));
  return {
    contract: { kind: 'contract', buffers, shape, over, args: [a, b], outs: [out] },
    data,
  };
}

async function agrees({ contract, data }: Case): Promise<void> {
  const expected = naive(contract, data);
  const got = await onCpu(contract, data);
  const worst = worstDifference(got[2] as Data[number], expected[2] as Data[number]);
  expect(worst).toBeLessThan(1e-5);
}

const axis = (size: number, where: 'a' | 'b' | 'both' | 'neither', over: boolean): AxisOf => ({
  size,
  inA: where === 'a' || where === 'both',
  inB: where === 'b' || where === 'both',
  over,
});

describe('contract', () => {
  test('agrees with the definition for random einsums', async () => {
    const anyAxis = fc
      .record({
        size: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 7, max: 11 })),
        where: fc.constantFrom('a' as const, 'b' as const, 'both' as const, 'neither' as const),
        over: fc.boolean(),
      })
      .map(({ size, where, over }) => axis(size, where, over));
    const order = (n: number): fc.Arbitrary<number[]> =>
      fc.shuffledSubarray([...Array(n).keys()], { minLength: n });
    const cases = fc
      .array(anyAxis, { minLength: 1, maxLength: 5 })
      .chain((axes) =>
        fc
          .tuple(order(axes.length), order(axes.length), order(axes.length), fc.nat(2), fc.nat(1e6))
          .map(([a, b, c, gap, seed]) => makeCase(axes, [a, b, c], gap, seed)),
      );
    await fc.assert(fc.asyncProperty(cases, agrees), { numRuns: 300 });
  });

  // Rows, columns, depth: several blocks in each direction, odd sizes, few rows, few columns, no depth.
  const shapes: [number, number, number][] = [
    [64, 256, 64],
    [5, 7, 400],
    [270, 9, 11],
    [9, 270, 11],
    [261, 300, 3],
    [6, 6, 1000],
    [1, 130, 70],
    [130, 1, 70],
    [1, 1100, 6],
    [3, 17, 33],
    [17, 3, 33],
    [4, 4, 1],
    [1, 1, 500],
    [1, 5, 1],
  ];
  const layouts: [string, number[], number[], number[]][] = [
    ['rows by columns', [2, 0, 1], [1, 2, 0], [1, 0, 2]],
    ['a transposed', [0, 2, 1], [1, 2, 0], [1, 0, 2]],
    ['b transposed', [2, 0, 1], [2, 1, 0], [1, 0, 2]],
    ['out transposed', [2, 0, 1], [1, 2, 0], [0, 1, 2]],
  ];
  test.each(shapes)('%d by %d by %d in every layout', async (m, n, k) => {
    const axes = [axis(m, 'a', false), axis(n, 'b', false), axis(k, 'both', true)];
    for (const [, a, b, c] of layouts) await agrees(makeCase(axes, [a, b, c], 0, 1));
  });

  test('gives the same bits each time, and NaN only where NaN enters', async () => {
    const axes = [axis(9, 'a', false), axis(10, 'b', false), axis(12, 'both', true)];
    const { contract, data } = makeCase(
      axes,
      [
        [2, 0, 1],
        [1, 2, 0],
        [1, 0, 2],
      ],
      0,
      5,
    );
    new Float32Array((data[0] as Data[number]).buffer)[3 + 12 * 2 + 4] = Number.NaN;
    const [first, second] = [await onCpu(contract, data), await onCpu(contract, data)];
    expect(first).toEqual(second);
    const out = new Float32Array((first[2] as Data[number]).buffer).subarray(3, 93);
    expect([...out.keys()].filter((i) => Number.isNaN(out[i]))).toEqual(
      Array.from({ length: 10 }, (_, i) => 20 + i),
    );
  });
});
