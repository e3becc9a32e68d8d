import {
  type Access,
  apply,
  arg,
  axisIndex,
  cast,
  constant,
  type DType,
  type Expr,
  exprType,
  type Loop,
  type Operand,
  type ScalarOp,
  scalarOps,
  scalarType,
} from '@ostinato/core/backend';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Target } from '../src/target.ts';
import {
  bytesOf,
  type Data,
  onReference,
  onWasm,
  type Piece,
  targets,
  worstDifference,
} from './harness.ts';

type Stored = Exclude<DType, 'float64'>;
const stored: Stored[] = ['float32', 'int32', 'uint32', 'bool'];

/** A window in a buffer of its own: axes in a random order, gaps, an offset, sometimes backwards or broadcast. */
interface Laid {
  readonly strides: number[];
  readonly offset: number;
  readonly size: number;
}

const layOut = (shape: readonly number[], broadcast: boolean): fc.Arbitrary<Laid> =>
  fc
    .record({
      order: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
      gap: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 5, maxLength: 5 }),
      back: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      still: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 5, maxLength: 5 }),
      lead: fc.integer({ min: 0, max: 5 }),
      plain: fc.boolean(),
    })
    .map(({ order, gap, back, still, lead, plain }) => {
      const strides = shape.map(() => 0);
      let step = 1;
      let offset = lead;
      for (const axis of plain ? [...shape.keys()].reverse() : order) {
        if (broadcast && still[axis] === 0) continue;
        const reversed = !plain && back[axis] === true;
        strides[axis] = reversed ? -step : step;
        if (reversed) offset += ((shape[axis] as number) - 1) * step;
        step = step * (shape[axis] as number) + (plain ? 0 : (gap[axis] as number));
      }
      return { strides, offset, size: lead + step + 1 };
    });

const special = [0, -0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const numbers = {
  float32: fc.oneof(
    { weight: 9, arbitrary: fc.float({ min: -8, max: 8, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(...special) },
  ),
  int32: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.integer()),
  uint32: fc.oneof(fc.nat(9), fc.integer({ min: 0, max: 0xffffffff })),
  bool: fc.nat(1),
};
const arrays = {
  float32: Float32Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint32Array,
} as const;

/** Sizes that make more than one block now and then, which sampling small shapes alone would not. */
const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 2, arbitrary: fc.integer({ min: 6, max: 40 }) },
);

function expressions(types: readonly Stored[], rank: number, deepest: number): fc.Arbitrary<Expr> {
  const leaf: fc.Arbitrary<Expr> = fc.oneof(
    { weight: 6, arbitrary: fc.nat(types.length - 1).map(arg) },
    { weight: 1, arbitrary: fc.nat(rank - 1).map(axisIndex) },
    { weight: 1, arbitrary: fc.integer({ min: -3, max: 3 }).map((v) => constant(v / 2)) },
  );
  const typeOf = (x: Expr): Stored => exprType(x, types) as Stored;
  const exact: ScalarOp[] = (Object.keys(scalarOps) as ScalarOp[]).filter(
    (op) => scalarOps[op].arity < 3,
  );
  const grow = (depth: number): fc.Arbitrary<Expr> =>
    depth === 0
      ? leaf
      : fc
          .tuple(grow(depth - 1), grow(depth - 1), fc.constantFrom(...exact), fc.nat(5))
          .map(([a, b, op, choice]) => {
            if (choice === 0) return cast(stored[b.op.length % 4] as Stored, a);
            const right = typeOf(a) === typeOf(b) ? b : cast(typeOf(a), b);
            if (choice === 1) return apply('select', cast('bool', b), a, right);
            const args = scalarOps[op].arity === 1 ? [a] : [a, right];
            const fits = scalarType(op, args.map(typeOf)) !== null;
            return apply(
              fits ? op : typeOf(a) === 'bool' ? 'xor' : 'add',
              ...(fits ? args : [a, right]),
            );
          });
  return fc.nat(deepest).chain(grow);
}

interface Case {
  readonly loop: Loop;
  readonly data: Data;
}

const cases = (reduced: boolean, deepest = 3): fc.Arbitrary<Case> =>
  fc
    .record({
      shape: fc.array(sizes, { minLength: 1, maxLength: 3 }),
      over: reduced ? fc.array(sizes, { minLength: 1, maxLength: 2 }) : fc.constant([]),
      types: fc.array(fc.constantFrom(...stored), { minLength: 1, maxLength: 3 }),
      bodies: fc.integer({ min: 1, max: 3 }),
      combine: fc.constantFrom('sum' as const, 'max' as const, 'min' as const),
    })
    .chain(({ shape, over, types, bodies, combine }) => {
      const all = [...shape, ...over];
      const body = fc.array(
        reduced
          ? fc.oneof(fc.nat(types.length - 1).map(arg), expressions(types, all.length, deepest))
          : expressions(types, all.length, deepest),
        { minLength: bodies, maxLength: bodies },
      );
      return fc
        .record({
          body,
          inputs: fc.tuple(...types.map(() => layOut(all, true))),
          outputs: fc.array(layOut(shape, false), { minLength: bodies, maxLength: bodies }),
        })
        .chain(({ body, inputs, outputs }) =>
          fc
            .tuple(
              ...types.map((t, k) => {
                const { size } = inputs[k] as Laid;
                // What cancels in one order and not in another has no place in a sum.
                const large = !reduced && t === 'float32' ? [fc.constant(1e38)] : [];
                const number = fc.oneof({ weight: 20, arbitrary: numbers[t] }, ...large);
                return fc.array(number, { minLength: size, maxLength: size });
              }),
            )
            .map((values): Case => {
              const operand = (laid: Laid, dtype: DType, buffer: number): Operand => ({
                slot: buffer,
                buffer,
                dtype,
                offset: laid.offset,
                strides: laid.strides,
              });
              const args = types.map((t, k) => operand(inputs[k] as Laid, t, k));
              const outs = body.map((x, k) => {
                const dtype = exprType(x, types) as DType;
                return operand(outputs[k] as Laid, dtype, types.length + k);
              });
              const use = (access: Access) => (o: Operand) => ({
                source: 'slot' as const,
                index: o.buffer,
                access,
              });
              const buffers = [...args.map(use('read')), ...outs.map(use('write'))];
              const data = [
                ...types.map((t, k) => bytesOf(new arrays[t](values[k] as number[]))),
                ...outputs.map((o) => new Uint8Array(o.size * 4)),
              ];
              return {
                loop: { kind: 'loop', buffers, shape, over, combine, args, body, outs },
                data,
              };
            }),
        );
    });

/** Ends of an axis that cut it in up to three pieces, some of them empty. */
const cuts = fc.tuple(
  fc.nat(4),
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.double({ min: 0, max: 1, noNaN: true }),
);

function piecesOf(
  loop: Loop,
  [axis, a, b]: readonly [number, number, number],
): Piece[] | undefined {
  const n = loop.shape[axis];
  if (n === undefined) return undefined;
  const ends = [0, ...[a, b].map((x) => Math.round(x * n)).sort((p, q) => p - q), n];
  return [0, 1, 2].map((k) => ({
    axis,
    first: ends[k] as number,
    count: (ends[k + 1] as number) - (ends[k] as number),
  }));
}

function agrees({ loop, data }: Case, tolerance: number, target: Target, pieces?: Piece[]): void {
  const expected = onReference(loop, data);
  const got = onWasm(loop, data, target, pieces);
  for (const out of loop.outs) {
    const [a, b] = [got[out.buffer] as Data[number], expected[out.buffer] as Data[number]];
    if (out.dtype === 'float32') expect(worstDifference(a, b)).toBeLessThanOrEqual(tolerance);
    else expect(a).toEqual(b);
  }
}

/** These are approximated; all other ops give the reference's bits. */
const approximated = ['exp', 'log', 'sin', 'cos', 'pow', 'tanh', 'sigmoid', 'erf'];
const approximates = (x: Expr): boolean =>
  'args' in x && (approximated.includes(x.op) || x.args.some(approximates));

describe.each(targets)('loops, relaxed $relaxed, paired $paired', (target) => {
  test('map random expressions over random windows to the same bits', () => {
    const exactly = cases(false).filter(({ loop }) => !loop.body.some(approximates));
    fc.assert(
      fc.property(exactly, cuts, (c, cut) => {
        agrees(c, 0, target);
        agrees(c, 0, target, piecesOf(c.loop, cut));
      }),
      { numRuns: 300 },
    );
  });

  test('reduce random expressions over random windows', () => {
    // A sum of wild expressions may cancel or overflow in one order and not in another: only args are summed.
    const sums = ({ loop: { combine, outs, body } }: Case): boolean =>
      combine !== 'sum' ||
      body.every(
        (x, k) => outs[k]?.dtype !== 'bool' && (x.op === 'arg' || outs[k]?.dtype !== 'float32'),
      );
    const exactly = cases(true).filter((c) => !c.loop.body.some(approximates) && sums(c));
    fc.assert(
      fc.property(exactly, cuts, (c, cut) => {
        agrees(c, 1e-5, target);
        agrees(c, 1e-5, target, piecesOf(c.loop, cut));
      }),
      { numRuns: 200 },
    );
  });

  test('write outs over the windows that they read', () => {
    const n = 301;
    const at = (offset: number): Operand => ({
      slot: 0,
      buffer: 0,
      dtype: 'float32',
      offset,
      strides: [1],
    });
    const sum = apply('add', arg(0), arg(1));
    const bodies: Expr[][] = [
      // Each is read after the other's place is written, were it not held back.
      [arg(1), arg(0)],
      [sum, apply('sub', arg(0), arg(1))],
      [apply('mul', sum, sum), sum],
      [constant(2), apply('mul', sum, arg(0))],
    ];
    for (const body of bodies) {
      const places = [at(0), at(n)];
      const loop: Loop = {
        kind: 'loop',
        buffers: [{ source: 'slot', index: 0, access: 'readwrite' }],
        shape: [n],
        over: [],
        combine: 'sum',
        args: places,
        body,
        outs: places,
      };
      agrees(
        { loop, data: [bytesOf(Float32Array.from({ length: 2 * n }, (_, i) => (i % 97) / 8))] },
        0,
        target,
      );
    }
  });

  const million = 1_000_003;
  type Axes = readonly number[];
  test.each<readonly [name: string, shape: Axes, over: Axes, windows: readonly Axes[]]>([
    ['one result of a million', [], [million], [[1]]],
    ['results side by side', [5], [million], [[1, 5]]],
    ['two reduced axes', [3], [1009, 997], [[1, 3 * 997, 3]]],
    [
      'rows of three in two windows',
      [],
      [333_337, 3],
      [
        [5, 1],
        [3, 1],
      ],
    ],
  ])('sum long axes right: %s', (_, shape, over, windows) => {
    const axes = [...shape, ...over];
    const results = shape.reduce((a: number, b) => a * b, 1);
    const reach = (strides: readonly number[]): number =>
      1 + axes.reduce((at, n, k) => at + (n - 1) * (strides[k] as number), 0);
    const many = windows.length;
    for (const term of [() => 0.1, (k: number) => ((k * 7919) % 10007) / 10007]) {
      const loop: Loop = {
        kind: 'loop',
        buffers: [...windows, []].map((_w, k) => ({
          source: 'slot',
          index: k,
          access: k < many ? 'read' : 'write',
        })),
        shape,
        over,
        combine: 'sum',
        args: windows.map((strides, k) => ({
          slot: k,
          buffer: k,
          dtype: 'float32',
          offset: 0,
          strides,
        })),
        body: [windows.map((_w, k) => arg(k)).reduce((a: Expr, b) => apply('mul', a, b))],
        outs: [
          {
            slot: many,
            buffer: many,
            dtype: 'float32',
            offset: 0,
            strides: shape.map(() => 1),
          },
        ],
      };
      const data = [
        ...windows.map((w) => bytesOf(Float32Array.from({ length: reach(w) }, (_x, k) => term(k)))),
        new Uint8Array(4 * results),
      ];
      expect(
        worstDifference(
          onWasm(loop, data, target)[many] as Data[number],
          onReference(loop, data)[many] as Data[number],
        ),
      ).toBeLessThan(1e-6);
    }
  });
});

describe('pairs of vectors', () => {
  const valid = ({ loop: { over, combine, outs } }: Case): boolean =>
    over.length === 0 || combine !== 'sum' || outs.every((o) => o.dtype !== 'bool');
  const bits = (c: Case, relaxed: boolean, paired: boolean): Data =>
    onWasm(c.loop, c.data, { relaxed, paired });

  test.each([false, true])('give the bits of single ones, reduced %s', (reduced) => {
    fc.assert(
      fc.property(cases(reduced, 4).filter(valid), fc.boolean(), (c, relaxed) => {
        expect(bits(c, relaxed, true)).toEqual(bits(c, relaxed, false));
      }),
      { numRuns: 400 },
    );
  });

  // Three vectors: two with one another, one alone.
  test('share a long computation with a vector that has no partner', () => {
    for (const combine of ['sum', 'min', 'max'] as const)
      for (const over of [[], [3]]) {
        const strides = [0, ...over.map(() => 0)];
        const loop: Loop = {
          kind: 'loop',
          buffers: [
            { source: 'slot', index: 0, access: 'read' },
            { source: 'slot', index: 1, access: 'write' },
          ],
          shape: [12],
          over,
          combine,
          args: [{ slot: 0, buffer: 0, dtype: 'float32', offset: 0, strides }],
          body: [apply('erf', arg(0))],
          outs: [{ slot: 1, buffer: 1, dtype: 'float32', offset: 0, strides: [1] }],
        };
        const data = [bytesOf(Float32Array.of(0.3)), new Uint8Array(48)];
        agrees({ loop, data }, 1e-6, { relaxed: true, paired: true });
      }
  });
});
