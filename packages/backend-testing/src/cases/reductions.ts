/** Loops with `over`: every combine over any axes, NaN, infinities, several bodies. */
import {
  apply,
  arg,
  axisIndex,
  type Backend,
  type Combine,
  cast,
  constant,
  type DType,
  type Expr,
  programBuilder,
  window,
} from '@ostinato/core/backend';
import { type CaseOptions, type ConformanceCase, withBackend } from '../case.ts';
import { elements, random } from '../random.ts';
import { check } from '../run.ts';
import { everyFreedom, type Freedom, layout, place, randomExpr, randomShape } from '../windows.ts';

const combines: readonly Combine[] = ['sum', 'max', 'min'];

async function randomReductions(
  backend: Backend,
  combine: Combine,
  times: number,
  freedom: Freedom,
): Promise<void> {
  for (let k = 0; k < times; k++) {
    const r = random(`reductions ${combine} ${k} ${Object.keys(freedom)}`);
    const dtypes: readonly DType[] = ['float32', 'int32', 'uint32'];
    const shape = randomShape(r, r.whole(0, 3), 60);
    const over = randomShape(r, r.whole(1, 3), 40);
    const b = programBuilder();
    const of = Array.from({ length: r.whole(1, 2) }, () => r.pick(dtypes));
    const args = of.map((dtype, i) =>
      place((size) => b.input(`x${i}`, dtype, size), layout(r, [...shape, ...over], freedom)),
    );
    const results = Array.from({ length: r.whole(1, 3) }, () => r.pick(dtypes));
    const free = { permuted: true, negative: freedom.negative === true };
    const outs = results.map((dtype, i) =>
      place((size) => b.output(`y${i}`, dtype, size), layout(r, shape, free)),
    );
    b.loop({ shape, over, combine, args, body: results.map((d) => randomExpr(r, of, d, 1)), outs });
    await check(backend, b.program(), r);
  }
}

/** Rows of special values: what each reduction makes of them. */
async function specialRows(backend: Backend, rows: readonly (readonly number[])[]): Promise<void> {
  const [n, m] = [rows.length, rows[0]?.length ?? 0];
  const b = programBuilder();
  const x = b.input('x', 'float32', n * m);
  for (const combine of combines) {
    const outs = [window(b.output(combine, 'float32', n), [1])];
    b.loop({ shape: [n], over: [m], combine, args: [window(x, [m, 1])], body: [arg(0)], outs });
  }
  await check(backend, b.program(), random('special'), new Map([[x, rows.flat()]]));
}

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

/** NaN first, last, in the middle, beside infinities, and alone; long enough for a tree of partial results. */
const withNan = (length: number): number[][] => {
  const plain = elements(random('nan'), 'float32', length);
  return [0, 1, length >> 1, length - 1]
    .map((at) => plain.map((x, k) => (k === at ? nan : x)))
    .concat([plain, plain.map((_, k) => (k % 2 ? nan : inf)), plain.map(() => nan)]);
};

const infinities = [
  [-inf, -inf, -inf, -inf],
  [inf, inf, inf, inf],
  [-inf, 1, -inf, 2],
  [inf, 1, 2, 3],
  [inf, -inf, 0, 0],
  [-3e38, -2e38, -1e38, -3e37],
];

/** Where in `over` the maximum lies, as argmax is built: axis indices of both kinds of axis in one body. */
async function indices(backend: Backend): Promise<void> {
  const b = programBuilder();
  const x = b.input('x', 'int32', 3 * 4 * 5);
  const flat = apply('add', apply('mul', axisIndex(1), constant(5, 'int32')), axisIndex(2));
  const hit = apply('less', constant(0, 'int32'), arg(0));
  const body: Expr[] = [
    apply('select', hit, flat, constant(0x7fffffff, 'int32')),
    apply('add', flat, apply('mul', axisIndex(0), arg(0))),
    cast('int32', hit),
  ];
  const outs = body.map((_, k) => window(b.output(`y${k}`, 'int32', 3), [1]));
  const args = [window(x, [20, 5, 1])];
  b.loop({ shape: [3], over: [4, 5], combine: 'min', args, body, outs });
  await check(backend, b.program(), random('indices'));
}

/** Sizes at which kernels change their shape: few long rows, many short ones, columns, one number. */
async function shapes(backend: Backend, largest: number): Promise<void> {
  for (const [n, m] of [
    [1, 1],
    [1, largest],
    [largest, 1],
    [largest >> 2, 3],
    [3, largest >> 2],
    [65, 33],
  ] as const)
    for (const byColumn of [false, true]) {
      const r = random(`shapes ${n} ${m}`);
      const b = programBuilder();
      const x = b.input('x', 'float32', n * m);
      for (const combine of combines) {
        const outs = [window(b.output(combine, 'float32', n), [1])];
        const args = [window(x, byColumn ? [1, n] : [m, 1])];
        b.loop({ shape: [n], over: [m], combine, args, body: [arg(0)], outs });
      }
      // Positive: a long sum of both signs could cancel to less than its own rounding.
      const values = elements(r, 'float32', n * m).map(Math.abs);
      await check(backend, b.program(), r, new Map([[x, values]]));
    }
}

export function reductionCases({ size }: CaseOptions): ConformanceCase[] {
  const n = size === 'full' ? 30 : 8;
  return [
    ...combines.flatMap((combine) => [
      withBackend(`reductions: ${combine} over dense axes`, (backend) =>
        randomReductions(backend, combine, n, {}),
      ),
      withBackend(`reductions: ${combine} over windows of every kind`, (backend) =>
        randomReductions(backend, combine, n, everyFreedom),
      ),
    ]),
    withBackend('reductions: NaN in any place gives NaN', async (backend) => {
      for (const length of [1, 2, 4, 5, 64, 100, 513]) await specialRows(backend, withNan(length));
    }),
    withBackend('reductions: infinities', (backend) => specialRows(backend, infinities)),
    withBackend('reductions: axis indices', indices),
    withBackend('reductions: long and short rows and columns', (backend) =>
      shapes(backend, size === 'full' ? 4000 : 500),
    ),
  ];
}
