/** Loops without `over`: windows of every kind, several outs, in place, axis indices. */
import {
  apply,
  arg,
  axisIndex,
  type Backend,
  cast,
  constant,
  type DType,
  type Expr,
  programBuilder,
  type SlotWindow,
} from '@ostinato/core/backend';
import { type CaseOptions, type ConformanceCase, withBackend } from '../case.ts';
import { type Random, random } from '../random.ts';
import { check } from '../run.ts';
import {
  everyFreedom,
  type Freedom,
  layout,
  place,
  randomExpr,
  randomShape,
  types,
} from '../windows.ts';

interface Kind {
  readonly freedom?: Freedom;
  readonly args?: number;
  readonly outs?: number;
  readonly types?: readonly DType[];
  readonly rank?: readonly number[];
  /** Instead of a random shape. */
  readonly shapes?: readonly (readonly number[])[];
}

/** Adds a random loop with slots of its own. */
function addLoop(b: ReturnType<typeof programBuilder>, r: Random, kind: Kind): void {
  const { freedom = {}, types: dtypes = ['float32'] } = kind;
  const shape = kind.shapes
    ? r.pick(kind.shapes)
    : randomShape(r, r.pick(kind.rank ?? [1, 2, 3, 4]));
  const of = Array.from({ length: kind.args ?? r.whole(1, 3) }, () => r.pick(dtypes));
  const args = of.map((dtype, k) =>
    place((size) => b.input(`x${k}`, dtype, size), layout(r, shape, freedom)),
  );
  const results = Array.from({ length: kind.outs ?? 1 }, () => r.pick(dtypes));
  const outs = results.map((dtype, k) =>
    place(
      (size) => b.output(`y${k}`, dtype, size),
      layout(r, shape, { ...freedom, repeated: false, gaps: false, offset: false }),
    ),
  );
  b.loop({ shape, args, body: results.map((dtype) => randomExpr(r, of, dtype, 2)), outs });
}

const repeat = (name: string, times: number, kind: Kind): ConformanceCase =>
  withBackend(`loops: ${name}`, async (backend) => {
    for (let k = 0; k < times; k++) {
      const r = random(`loops ${name} ${k}`);
      const b = programBuilder();
      addLoop(b, r, kind);
      await check(backend, b.program(), r);
    }
  });

/** Outs with gaps and offsets in one slot, so that what lies between must stay as it was. */
async function windowedOuts(backend: Backend, times: number): Promise<void> {
  for (let k = 0; k < times; k++) {
    const r = random(`windowed outs ${k}`);
    const b = programBuilder();
    const shape = randomShape(r, r.whole(1, 3), 60);
    const free = { permuted: true, negative: true, gaps: true, offset: true };
    const x = place((size) => b.input('x', 'float32', size), layout(r, shape, free));
    const y = place((size) => b.donated('y', 'float32', size), layout(r, shape, free));
    b.loop({ shape, args: [x], body: [apply('neg', arg(0))], outs: [y] });
    await check(backend, b.program(), r);
  }
}

/** Columns of one slot written by several outs of one loop, as gates are. */
async function interleaved(backend: Backend): Promise<void> {
  const b = programBuilder();
  const [x, y] = [b.input('x', 'float32', 15), b.output('y', 'float32', 30)];
  const column = (slot: number, width: number, at: number): SlotWindow => ({
    slot,
    offset: at,
    strides: [width],
  });
  const args = [0, 1, 2].map((k) => column(x, 3, k));
  const body = [0, 1, 2, 0, 1, 2].map((k, n) => apply('mul', arg(k), constant(n + 1)));
  b.loop({ shape: [5], args, body, outs: body.map((_, n) => column(y, 6, n)) });
  await check(backend, b.program(), random('interleaved'));
}

/** Each out is the very window of an argument that the other outs read too. */
async function inPlace(backend: Backend, times: number): Promise<void> {
  for (let k = 0; k < times; k++) {
    const r = random(`in place ${k}`);
    const b = programBuilder();
    const shape = randomShape(r, r.whole(1, 3));
    const free = { permuted: true, negative: true, gaps: true, offset: true };
    const mine = ['x', 'y'].map((label) =>
      place((size) => b.donated(label, 'float32', size), layout(r, shape, free)),
    );
    const other = place((size) => b.input('z', 'float32', size), layout(r, shape, everyFreedom));
    const body = [apply('add', arg(0), apply('mul', arg(1), arg(2))), apply('sub', arg(0), arg(1))];
    b.loop({ shape, args: [...mine, other], body, outs: mine });
    await check(backend, b.program(), r);
  }
}

async function axes(backend: Backend): Promise<void> {
  for (const shape of [[7], [3, 5], [2, 1, 4, 3], [300]]) {
    const r = random(`axes ${shape}`);
    const b = programBuilder();
    const indices = shape.map((_, axis) => axisIndex(axis));
    const flat = indices.reduce<Expr>(
      (sum, i, axis) =>
        apply('add', apply('mul', sum, constant(shape[axis] as number, 'int32')), i),
      constant(0, 'int32'),
    );
    const x = place((size) => b.input('x', 'float32', size), layout(r, shape, everyFreedom));
    const free = { permuted: true, negative: true };
    const outs = (['int32', 'float32'] as const).map((dtype) =>
      place((size) => b.output(dtype, dtype, size), layout(r, shape, free)),
    );
    b.loop({ shape, args: [x], body: [flat, apply('add', arg(0), cast('float32', flat))], outs });
    await check(backend, b.program(), r);
  }
}

/** Infinity and NaN among the constants. */
async function constants(backend: Backend): Promise<void> {
  const b = programBuilder();
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38, 1e-30, -0];
  const body: Expr[] = [
    ...values.map((v) => constant(v)),
    constant(-0x80000000, 'int32'),
    constant(0xffffffff, 'uint32'),
    constant(1, 'bool'),
    { op: 'const', dtype: 'float32', value: 7, fromSize: true },
  ];
  for (const [k, x] of body.entries()) {
    const dtype = 'dtype' in x ? x.dtype : 'float32';
    const out = { slot: b.output(`c${k}`, dtype, 3), offset: 0, strides: [1] };
    b.loop({ shape: [3], body: [x], outs: [out] });
  }
  await check(backend, b.program(), random('constants'));
}

/** A loop may touch as many buffers as the backend says. */
async function manyBuffers(backend: Backend): Promise<void> {
  const n = Math.min(backend.limits.buffers, 16) - 1;
  const b = programBuilder();
  const args = Array.from({ length: n }, (_, k) => ({
    slot: b.input(`x${k}`, 'float32', 5),
    offset: 0,
    strides: [1],
  }));
  const body = [args.map((_, k) => arg(k) as Expr).reduce((sum, x) => apply('add', sum, x))];
  const outs = [{ slot: b.output('y', 'float32', 5), offset: 0, strides: [1] }];
  b.loop({ shape: [5], args, body, outs });
  await check(backend, b.program(), random('buffers'));
}

export function loopCases({ size }: CaseOptions): ConformanceCase[] {
  const n = size === 'full' ? 24 : 6;
  const sizes = [1, 2, 31, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1000];
  const large = [
    [1000, 7],
    [3, 1025],
    [64, 64, 3],
    [1, 5000],
    [5000, 1],
  ];
  return [
    repeat('dense', n, {}),
    repeat('rank 0', 3, { rank: [0], freedom: { offset: true } }),
    repeat('rank 5 and 6', n, { rank: [5, 6], freedom: everyFreedom }),
    repeat('offsets', n, { freedom: { offset: true } }),
    repeat('stride 0', n, { freedom: { repeated: true } }),
    repeat('permuted axes', n, { freedom: { permuted: true } }),
    repeat('negative strides', n, { freedom: { negative: true } }),
    repeat('gaps', n, { freedom: { gaps: true } }),
    repeat('windows of every kind', 2 * n, { freedom: everyFreedom }),
    repeat('all types', 2 * n, { freedom: everyFreedom, types }),
    repeat('several outs', n, { freedom: everyFreedom, types, outs: 3 }),
    repeat('sizes around powers of two', sizes.length, { shapes: sizes.map((s) => [s]), types }),
    repeat('larger shapes', size === 'full' ? 5 : 1, { shapes: large, freedom: everyFreedom }),
    withBackend('loops: outs leave gaps alone', (backend) => windowedOuts(backend, n)),
    withBackend('loops: outs interleave in one slot', interleaved),
    withBackend('loops: in place', (backend) => inPlace(backend, n)),
    withBackend('loops: axis indices', axes),
    withBackend('loops: constants', constants),
    withBackend('loops: as many buffers as the limit', manyBuffers),
  ];
}
