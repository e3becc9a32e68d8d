/** Products: random einsum structures, odd sizes, NaN. */
import { type Backend, programBuilder, window } from '@ostinato/core/backend';
import { type CaseOptions, type ConformanceCase, withBackend } from '../case.ts';
import { elements, type Random, random } from '../random.ts';
import { check } from '../run.ts';
import { everyFreedom, type Freedom, layout, place } from '../windows.ts';

/** Who has an axis: it is summed where the result lacks it. */
interface Axis {
  readonly n: number;
  readonly a: boolean;
  readonly b: boolean;
  readonly out: boolean;
}

const batch = (n: number): Axis => ({ n, a: true, b: true, out: true });
const left = (n: number): Axis => ({ n, a: true, b: false, out: true });
const right = (n: number): Axis => ({ n, a: false, b: true, out: true });
const summed = (n: number): Axis => ({ n, a: true, b: true, out: false });

async function checkEinsum(
  backend: Backend,
  r: Random,
  axes: readonly Axis[],
  freedom: Freedom = {},
): Promise<void> {
  const free = r.shuffle(axes.filter((x) => x.out));
  const over = r.shuffle(axes.filter((x) => !x.out));
  const b = programBuilder();
  // An operand is laid out over its own axes; those that it lacks get stride 0.
  const operand = (label: 'a' | 'b'): ReturnType<typeof window> => {
    const own = [...free, ...over].filter((x) => x[label]);
    const w = place(
      (size) => b.input(label, 'float32', size),
      layout(
        r,
        own.map((x) => x.n),
        { ...freedom, permuted: true },
      ),
    );
    const strides = [...free, ...over].map((x) =>
      x[label] ? (w.strides[own.indexOf(x)] as number) : 0,
    );
    return { ...w, strides };
  };
  const shape = free.map((x) => x.n);
  const out = place(
    (size) => b.output('out', 'float32', size),
    layout(r, shape, { permuted: true, negative: freedom.negative === true }),
  );
  b.contract({ shape, over: over.map((x) => x.n), args: [operand('a'), operand('b')], out });
  await check(backend, b.program(), r);
}

type Structure = (r: Random) => Axis[];
const size = (r: Random): number => r.pick([1, 2, 3, 4, 5, 7, 8, 9, 13]);
const several = (r: Random, most: number, make: (n: number) => Axis): Axis[] =>
  Array.from({ length: r.whole(0, most) }, () => make(size(r)));

const structures: { readonly [name: string]: Structure } = {
  'matrix by matrix': (r) => [left(size(r)), right(size(r)), summed(size(r))],
  'matrix by vector': (r) => [left(size(r)), summed(size(r))],
  'vector by matrix': (r) => [right(size(r)), summed(size(r))],
  'inner products': (r) => [summed(size(r) * 5)],
  'outer products': (r) => [left(size(r)), right(size(r)), summed(1)],
  batched: (r) => [batch(size(r)), left(size(r)), right(size(r)), summed(size(r))],
  'elementwise, summed': (r) => [batch(size(r)), batch(size(r)), summed(size(r))],
  'several summed axes': (r) => [left(size(r)), right(size(r)), summed(3), summed(size(r))],
  'axes of size 1': (r) =>
    r.shuffle([left(1), right(size(r)), summed(size(r)), batch(1), left(size(r))]),
};

/** Any structure, also axes that only one operand sums. */
const anything: Structure = (r) => [
  ...several(r, 2, batch),
  ...several(r, 1, left),
  ...several(r, 1, right),
  ...(r.chance(0.2) ? [{ n: 3, a: r.chance(0.5), b: false, out: false }] : []),
  summed(size(r)),
  ...several(r, 1, summed),
];

const repeat = (
  name: string,
  times: number,
  structure: Structure,
  freedom: Freedom = {},
): ConformanceCase =>
  withBackend(`contracts: ${name}`, async (backend) => {
    for (let k = 0; k < times; k++) {
      const r = random(`contracts ${name} ${k}`);
      await checkEinsum(backend, r, structure(r), freedom);
    }
  });

/** All four ways that a matrix may lie, on sizes around the edges of tiles. */
async function layouts(backend: Backend, sizes: readonly (readonly number[])[]): Promise<void> {
  for (const [m, n, k] of sizes as readonly (readonly [number, number, number])[])
    for (const a of [
      [k, 0, 1],
      [1, 0, m],
    ])
      for (const c of [
        [0, 1, n],
        [0, k, 1],
      ]) {
        const b = programBuilder();
        const [x, w] = [b.input('x', 'float32', m * k), b.input('w', 'float32', k * n)];
        const out = window(b.output('out', 'float32', m * n), [n, 1]);
        b.contract({ shape: [m, n], over: [k], args: [window(x, a), window(w, c)], out });
        await check(backend, b.program(), random(`layouts ${m} ${n} ${k}`));
      }
}

/** 0 * NaN and 0 * Infinity are NaN: a kernel may not skip zeros, nor let a NaN leave its row. */
async function special(backend: Backend): Promise<void> {
  const [m, n, k] = [5, 6, 7];
  const b = programBuilder();
  const [x, w] = [b.input('x', 'float32', m * k), b.input('w', 'float32', k * n)];
  const out = window(b.output('out', 'float32', m * n), [n, 1]);
  b.contract({ shape: [m, n], over: [k], args: [window(x, [k, 0, 1]), window(w, [0, 1, n])], out });
  const r = random('special');
  const values = elements(r, 'float32', m * k).map((v, i) => (i < k ? 0 : v));
  values[2 * k + 3] = Number.NaN;
  const weights = elements(r, 'float32', k * n);
  weights[0] = Number.POSITIVE_INFINITY;
  const given = new Map([
    [x, values],
    [w, weights],
  ]);
  await check(backend, b.program(), r, given);
}

export function contractCases({ size: suite }: CaseOptions): ConformanceCase[] {
  const full = suite === 'full';
  const n = full ? 16 : 4;
  const small = [
    [1, 1, 1],
    [3, 5, 7],
    [8, 8, 8],
    [17, 9, 33],
  ];
  const tiles = [
    [64, 64, 64],
    [65, 63, 31],
    [1, 130, 70],
    [130, 1, 70],
    [33, 100, 1],
  ];
  return [
    ...Object.entries(structures).map(([name, structure]) => repeat(name, n, structure)),
    repeat('any structure, windows of every kind', 3 * n, anything, everyFreedom),
    withBackend('contracts: all layouts', (backend) =>
      layouts(backend, full ? [...small, ...tiles] : small),
    ),
    withBackend('contracts: NaN, infinities and zeros', special),
  ];
}
