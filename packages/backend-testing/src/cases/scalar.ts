/** Every op of the scalar table on every type that it takes, and casts between all types. */
import {
  apply,
  arg,
  axisIndex,
  cast,
  constant,
  type DType,
  type Expr,
  isFloat,
  type Program,
  programBuilder,
  type ScalarOp,
  scalarOps,
  scalarType,
  window,
} from '@ostinato/core/backend';
import { type CaseOptions, type ConformanceCase, withBackend } from '../case.ts';
import { elements, type Random, random } from '../random.ts';
import { check } from '../run.ts';
import { types } from '../windows.ts';

/** Columns of values, one per argument. */
type Columns = readonly (readonly number[])[];

const ops = Object.keys(scalarOps) as ScalarOp[];

const argTypes = (op: ScalarOp, dtype: DType): DType[] =>
  Array.from({ length: scalarOps[op].arity }, (_, k) =>
    op === 'select' && k === 0 ? 'bool' : dtype,
  );

/** One loop per type that the op takes, all on the same kind of values. */
async function checkOp(
  backend: Parameters<typeof check>[0],
  op: ScalarOp,
  dtypes: readonly DType[],
  columnsOf: (dtype: DType) => Columns,
): Promise<void> {
  const b = programBuilder();
  const given = new Map<number, readonly number[]>();
  for (const dtype of dtypes) {
    const columns = columnsOf(dtype);
    const n = columns[0]?.length ?? 0;
    if (n === 0) continue;
    const args = argTypes(op, dtype).map((d, k) => {
      const slot = b.input(`${d}${k}`, d, n);
      given.set(slot, columns[k] as readonly number[]);
      return window(slot, [1]);
    });
    const result = scalarType(op, argTypes(op, dtype)) as DType;
    const out = window(b.output(`${op} of ${dtype}`, result, n), [1]);
    b.loop({ shape: [n], args, body: [apply(op, ...args.map((_, k) => arg(k)))], outs: [out] });
  }
  if (given.size > 0) await check(backend, b.program(), random(op), given);
}

// ---- plain values ----

const divides: readonly ScalarOp[] = ['div', 'rem'];

/** Where an op is defined and well conditioned. */
function plain(op: ScalarOp, dtype: DType, r: Random): Columns {
  const n = 48;
  const columns = argTypes(op, dtype).map((d) => elements(r, d, n));
  const replace = (k: number, value: () => number): Columns =>
    columns.map((c, i) => (i === k ? c.map(() => Math.fround(value())) : c));
  if (op === 'log' || op === 'sqrt') return replace(0, () => r.float(0.01, 50));
  if (op === 'pow')
    return [...replace(0, () => r.float(0.1, 3)).slice(0, 1), columns[1] as number[]];
  if (op === 'exp' || op === 'tanh' || op === 'sigmoid' || op === 'sin' || op === 'cos')
    return replace(0, () => r.float(-9, 9));
  if (divides.includes(op)) {
    const whole = (): number => r.pick(dtype === 'int32' ? [-7, -3, 2, 5] : [1, 3, 7, 4000000000]);
    // Not where the quotient is nearly whole: there the last bit decides a remainder.
    if (!isFloat(dtype)) return replace(1, whole).map((c, k) => (k ? c.map(Math.round) : c));
    const divisor = replace(1, () => r.pick([-1, 1]) * r.float(0.5, 3))[1] as number[];
    const dividend = divisor.map((d) => Math.fround(d * (r.whole(-6, 6) + r.float(0.1, 0.9))));
    return [dividend, divisor];
  }
  // Amounts count modulo 32.
  if (op === 'shl' || op === 'shr') return replace(1, () => r.whole(0, 40));
  return columns;
}

// ---- edges ----

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const huge = Math.fround(3e38);
const floatEdges = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  nan,
  inf,
  -inf,
  100,
  -100,
  200,
  -200,
  1e30,
  -1e30,
  huge,
];
const intEdges: { readonly [D in DType]?: readonly number[] } = {
  int32: [0, 1, -1, 2, 31, 46341, -46341, 65536, 0x7fffffff, -0x80000000],
  uint32: [0, 1, 2, 31, 65536, 65537, 0x7fffffff, 0x80000000, 0xffffffff],
  bool: [0, 1],
};

/** Pairs on which hosts agree: JavaScript alone says that 1 to the power of NaN or Infinity is NaN. */
const powers = [
  [0, 1],
  [0, 0.5],
  [0, 0],
  [2, 0],
  [-2, 0],
  [2, -1],
  [1e30, 2],
  [1e-30, 2],
  [-2, 2],
  [-2, 3],
  [-2, 0.5],
  [nan, 1],
  [2, nan],
  [inf, 2],
  [inf, -1],
  [2, inf],
  [0.5, inf],
  [2, -inf],
];

function edges(op: ScalarOp, dtype: DType): Columns {
  const all: readonly number[] = isFloat(dtype) ? floatEdges : (intEdges[dtype] ?? []);
  const rows = (list: readonly (readonly number[])[]): Columns =>
    argTypes(op, dtype).map((_, k) => list.map((row) => row[k] as number));
  if (op === 'pow') return rows(powers.map((p) => p.map(Math.fround)));
  if (op === 'sin' || op === 'cos') return [all.filter((x) => !(Math.abs(x) > 200) || x === inf)];
  if (scalarOps[op].arity === 1) return [all.map((x) => (isFloat(dtype) ? Math.fround(x) : x))];
  const pairs = all.flatMap((a) => all.map((b) => [a, b]));
  if (op === 'select')
    return rows(pairs.flatMap(([a, b]) => [0, 1].map((c) => [c, a, b] as number[])));
  // Left open: whole numbers divided by 0, and the smallest one by -1. Floats: remainders of huge quotients.
  if (divides.includes(op) && !isFloat(dtype))
    return rows(pairs.filter(([a, b]) => b !== 0 && !(a === -0x80000000 && b === -1)));
  if (op === 'rem')
    return rows(
      pairs.filter(([a, b]) => !(Math.abs((a as number) / (b as number)) > 1e4) || b === 0),
    );
  return rows(pairs);
}

// ---- casts ----

const castEdges = [
  ...[0, -0, 0.4, 0.5, 0.9, -0.4, -0.9, 1.5, -1.5, 2.5, 16777217, -16777217, 1e9, 2147483520],
  ...[2147483648, -2147483648, -2147483904, 3e9, 4294967040, 4294967296, 1e20, -1e20, 1e-20],
  ...[nan, inf, -inf],
].map(Math.fround);

function castCase(from: DType, dtypes: readonly DType[]): ConformanceCase {
  return withBackend(`casts: from ${from}`, async (backend) => {
    const values = isFloat(from) ? castEdges : (intEdges[from] ?? []);
    const b = programBuilder();
    const x = b.input('x', from, values.length);
    for (const to of dtypes) {
      const out = window(b.output(to, to, values.length), [1]);
      const args = [window(x, [1])];
      b.loop({ shape: [values.length], args, body: [cast(to, arg(0))], outs: [out] });
    }
    const program: Program = b.program();
    await check(backend, program, random('cast'), new Map([[x, values]]));
  });
}

// ---- constants ----

/** What a compiler may not fold, though it knows one side: NaN, infinities and what rounds on the way. */
const constants: ConformanceCase = withBackend('scalar: beside constants', async (backend) => {
  const x = arg(0);
  const k = (value: number): Expr => constant(Math.fround(value));
  const bodies: Expr[] = [
    apply('mul', x, k(0)),
    apply('mul', k(0), x),
    apply('div', k(0), x),
    apply('sub', apply('add', x, k(2 ** 23)), k(2 ** 23)),
    apply('add', k(-(2 ** 23)), apply('add', k(2 ** 23), x)),
    apply('mul', apply('mul', x, k(1e30)), k(1e-30)),
    apply('mul', k(1e30), apply('mul', k(1e-30), x)),
    apply('mul', apply('div', x, k(1e30)), k(1e30)),
    apply('select', apply('equal', apply('mul', x, k(0)), k(0)), k(1), k(2)),
    apply('floor', apply('tanh', x)),
    apply('select', apply('equal', apply('sigmoid', x), k(0)), k(1), k(2)),
  ];
  const values = [nan, inf, -inf, 1.7, -1.7, 1e30, 1e-20, 1, 200, -200].map(Math.fround);
  const b = programBuilder();
  const input = b.input('x', 'float32', values.length);
  bodies.forEach((body, i) => {
    const out = window(b.output(`${i}`, 'float32', values.length), [1]);
    b.loop({ shape: [values.length], args: [window(input, [1])], body: [body], outs: [out] });
  });
  await check(backend, b.program(), random('constants'), new Map([[input, values]]));
});

/** The index of an axis of size 1 is 0, which compilers know: nothing becomes an error for it. */
const single: ConformanceCase = withBackend(
  'scalar: the index of a single element',
  async (backend) => {
    const i = axisIndex(0);
    const float = cast('float32', i);
    const bodies: [DType, Expr][] = [
      ['float32', apply('sqrt', apply('sub', float, constant(1)))],
      [
        'float32',
        apply(
          'mul',
          apply('mul', apply('sub', float, constant(1)), constant(Math.fround(3e38))),
          constant(10),
        ),
      ],
      ['int32', apply('shl', apply('add', i, constant(1, 'int32')), constant(31, 'int32'))],
      ['int32', apply('mul', apply('sub', i, constant(65536, 'int32')), constant(65536, 'int32'))],
    ];
    const b = programBuilder();
    bodies.forEach(([dtype, body], k) => {
      b.loop({
        shape: [1],
        args: [],
        body: [body],
        outs: [window(b.output(`${k}`, dtype, 1), [1])],
      });
    });
    await check(backend, b.program(), random('single'));
  },
);

/** Each divisor in the next one's: text that says one twice doubles with each. */
const divisors: ConformanceCase = withBackend('scalar: divisors in divisors', async (backend) => {
  const depth = 24;
  const b = programBuilder();
  for (const dtype of ['int32', 'uint32'] as const) {
    const input = b.input(`${dtype}s`, dtype, 3 * depth);
    const args = Array.from({ length: depth }, (_, k) => window(input, [1], 3 * k));
    const chain = args.reduceRight<Expr>(
      (inner, _window, k) => apply(k % 2 ? 'div' : 'rem', arg(k), inner),
      constant(3, dtype),
    );
    const out = window(b.output(dtype, dtype, 3), [1]);
    b.loop({ shape: [3], args, body: [chain], outs: [out] });
  }
  await check(backend, b.program(), random('divisors'));
});

export function scalarCases({ float64 = false }: CaseOptions): ConformanceCase[] {
  const dtypes: readonly DType[] = float64 ? [...types, 'float64'] : types;
  const taken = (op: ScalarOp): DType[] =>
    dtypes.filter((dtype) => scalarType(op, argTypes(op, dtype)) !== null);
  return [
    ...ops.map((op) =>
      withBackend(`scalar: ${op}`, (backend) =>
        checkOp(backend, op, taken(op), (dtype) => plain(op, dtype, random(`${op} ${dtype}`))),
      ),
    ),
    ...ops.map((op) =>
      withBackend(`scalar edges: ${op}`, (backend) =>
        checkOp(backend, op, taken(op), (dtype) => edges(op, dtype)),
      ),
    ),
    ...dtypes.map((from) => castCase(from, dtypes)),
    constants,
    single,
    divisors,
  ];
}
