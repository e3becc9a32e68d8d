/** Gather and scatter: repeated and out-of-range indices, NaN, every window. */
import { type Backend, type DType, programBuilder } from '@ostinato/core/backend';
import { type CaseOptions, type ConformanceCase, withBackend } from '../case.ts';
import { elements, type Random, random } from '../random.ts';
import { check } from '../run.ts';
import { everyFreedom, type Freedom, layout, place } from '../windows.ts';

interface Kind {
  readonly freedom?: Freedom;
  readonly dtypes?: readonly DType[];
  readonly index?: (r: Random, rows: number) => number;
  readonly sizes?: readonly (readonly [rows: number, n: number, d: number])[];
  /** Puts NaN into some rows. */
  readonly nan?: boolean;
}

const within = (r: Random, rows: number): number => r.whole(0, rows - 1);
const anywhere = (r: Random, rows: number): number =>
  r.pick([within(r, rows), -1, rows, rows + 3, -0x80000000, 0x7fffffff, 0]);

async function checkOne(
  backend: Backend,
  what: 'gather' | 'scatter',
  r: Random,
  kind: Kind,
): Promise<void> {
  const { freedom = {}, index = within } = kind;
  const dtype = r.pick<DType>(kind.dtypes ?? ['float32']);
  const indexType = r.pick<DType>(['int32', 'uint32']);
  const [rows, n, d] = kind.sizes
    ? r.pick(kind.sizes)
    : [r.whole(1, 9), r.whole(1, 12), r.whole(1, 6)];
  const b = programBuilder();
  const many = what === 'gather' ? [rows, d] : [n, d];
  const x = place((size) => b.input('x', dtype, size), layout(r, many, freedom));
  const ids = place(
    (size) => b.input('index', indexType, size),
    // Repeating one index for all is stride 0, which is fine too.
    layout(r, [n], freedom),
  );
  const result = what === 'gather' ? [n, d] : [rows, d];
  const out = place(
    (size) => b.donated('out', dtype, size),
    layout(r, result, { ...freedom, repeated: false }),
  );
  b[what]({ rows, shape: [n, d], args: [x, ids], out });
  const program = b.program();
  const sizeOf = (slot: number): number => program.slots[slot]?.size ?? 0;
  const values = elements(r, dtype, sizeOf(x.slot));
  if (kind.nan)
    values.forEach((_, k) => {
      if (r.chance(0.3)) values[k] = r.pick([Number.NaN, Number.POSITIVE_INFINITY]);
    });
  const given = new Map([
    [ids.slot, Array.from({ length: sizeOf(ids.slot) }, () => index(r, rows))],
    [x.slot, values],
  ]);
  await check(backend, program, r, given);
}

const repeat = (
  what: 'gather' | 'scatter',
  name: string,
  times: number,
  kind: Kind,
): ConformanceCase =>
  withBackend(`${what}: ${name}`, async (backend) => {
    for (let k = 0; k < times; k++)
      await checkOne(backend, what, random(`${what} ${name} ${k}`), kind);
  });

export function gatherScatterCases({ size }: CaseOptions): ConformanceCase[] {
  const n = size === 'full' ? 16 : 5;
  const numbers: readonly DType[] = ['float32', 'int32', 'uint32'];
  const large = [
    [200, 300, 17],
    [1, 500, 3],
    [500, 1, 3],
    [50, 64, 64],
  ] as const;
  const sizes = size === 'full' ? large : large.slice(1, 3);
  return (['gather', 'scatter'] as const).flatMap((what) => [
    repeat(what, 'repeated indices', n, {}),
    repeat(what, 'indices out of range', n, { index: anywhere }),
    repeat(what, 'NaN stays in its row', n, { index: anywhere, nan: true }),
    repeat(what, 'all types', n, {
      index: anywhere,
      dtypes: what === 'gather' ? [...numbers, 'bool'] : numbers,
    }),
    repeat(what, 'windows of every kind', 2 * n, { index: anywhere, freedom: everyFreedom }),
    repeat(what, 'larger tables', size === 'full' ? 6 : 2, { sizes }),
  ]);
}
