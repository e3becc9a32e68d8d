import type { Gather, Operand, Scatter } from '@ostinato/core/backend';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scatterParts } from '../src/table.ts';
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

interface Setting {
  readonly rows: number;
  readonly index: readonly number[];
  readonly d: number;
  readonly transposed: boolean;
  readonly gap: number;
  readonly unsigned: boolean;
  readonly integers: boolean;
  /** Where threads part the work, in hundredths; one thread without. */
  readonly cuts: readonly number[];
}

const settings: fc.Arbitrary<Setting> = fc.record({
  rows: fc.integer({ min: 1, max: 7 }),
  index: fc.array(fc.oneof(fc.integer({ min: -2, max: 9 }), fc.integer()), {
    minLength: 1,
    maxLength: 20,
  }),
  d: fc.integer({ min: 1, max: 70 }),
  transposed: fc.boolean(),
  gap: fc.nat(2),
  unsigned: fc.boolean(),
  integers: fc.boolean(),
  cuts: fc.array(fc.nat(100), { maxLength: 3 }),
});

/** Some of them empty; the last ones first, for threads come in any order. */
function piecesOf(total: number, { cuts }: Setting): readonly Piece[] | undefined {
  if (cuts.length === 0) return undefined;
  const ends = [...cuts.map((c) => Math.floor((c * total) / 100)), total].sort((p, q) => p - q);
  return ends
    .map((end, k): Piece => {
      const first = ends[k - 1] ?? 0;
      return { axis: 0, first, count: end - first };
    })
    .reverse();
}

/** A matrix, an index and a matrix, each at offset 2 of a buffer of its own. */
function operands(s: Setting, first: number, last: number): { all: Operand[]; data: Data } {
  const dtype = s.integers ? 'int32' : 'float32';
  const matrix = (rows: number): number[] => (s.transposed ? [1, rows + s.gap] : [s.d + s.gap, 1]);
  const strides = [matrix(first), [s.gap + 1], matrix(last)];
  const all = strides.map(
    (own, buffer): Operand => ({
      slot: buffer,
      buffer,
      dtype: buffer === 1 ? (s.unsigned ? 'uint32' : 'int32') : dtype,
      offset: 2,
      strides: own,
    }),
  );
  const room = (rows: number): number => 2 + (rows + s.gap) * (s.d + s.gap);
  const values = (n: number): Uint8Array<ArrayBuffer> => {
    const x = Array.from({ length: n }, (_, i) => ((i * 7919) % 101) - 50);
    return bytesOf(s.integers ? Int32Array.from(x) : Float32Array.from(x, (v) => v / 8));
  };
  const index = new Int32Array(2 + s.index.length * (s.gap + 1));
  s.index.forEach((v, i) => {
    index[2 + i * (s.gap + 1)] = v;
  });
  return { all, data: [values(room(first)), bytesOf(index), values(room(last))] };
}

const buffers = [0, 1, 2].map((index) => ({
  source: 'slot' as const,
  index,
  access: index === 2 ? ('write' as const) : ('read' as const),
}));

interface Case {
  readonly data: Data;
  readonly target: Target;
  readonly pieces: readonly Piece[] | undefined;
}

function agrees(instr: Gather | Scatter, { data, target, pieces }: Case): void {
  const [got, expected] = [onWasm(instr, data, target, pieces), onReference(instr, data)].map(
    (d) => d[2] as Data[number],
  ) as [Data[number], Data[number]];
  if (instr.outs[0].dtype === 'float32') expect(worstDifference(got, expected)).toBe(0);
  else expect(got).toEqual(expected);
}

describe.each(targets)('relaxed $relaxed, paired $paired', (target) => {
  test('gather picks rows, and zeros outside the table', () => {
    fc.assert(
      fc.property(settings, (s) => {
        const { all, data } = operands(s, s.rows, s.index.length);
        const [table, index, out] = all as [Operand, Operand, Operand];
        const shape = [s.index.length, s.d] as const;
        agrees(
          { kind: 'gather', buffers, rows: s.rows, shape, args: [table, index], outs: [out] },
          { data, target, pieces: piecesOf(s.index.length, s) },
        );
      }),
      { numRuns: 200 },
    );
  });

  test('scatter adds repeated rows in order and drops those outside', () => {
    fc.assert(
      fc.property(settings, (s) => {
        const { all, data } = operands(s, s.index.length, s.rows);
        const [x, index, out] = all as [Operand, Operand, Operand];
        const shape = [s.index.length, s.d] as const;
        const args = [x, index] as const;
        const scatter: Scatter = {
          kind: 'scatter',
          buffers,
          rows: s.rows,
          shape,
          args,
          outs: [out],
        };
        const parts = scatterParts(scatter);
        const pieces = parts > 1 ? piecesOf(parts, s) : undefined;
        agrees(scatter, { data, target, pieces });
      }),
      { numRuns: 200 },
    );
  });
});
