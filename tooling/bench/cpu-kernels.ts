/**
 * Speed of backend-cpu's kernels alone: products in GFLOP/s, elementwise loops in ns per element. The smallest of
 * several timings counts, because the machine may be shared. Run: node tooling/bench/cpu-kernels.ts [part of a name]
 */
import { cpu } from '@ostinato/backend-cpu';
import {
  apply,
  arg,
  type Expr,
  type Instr,
  type Operand,
  type Program,
} from '@ostinato/core/backend';

type Kernel = Exclude<Instr, { kind: 'scan' }>;
type Size = readonly number[];

const operand = (buffer: number, strides: Size, offset = 0): Operand => ({
  slot: buffer,
  buffer,
  dtype: 'float32',
  offset,
  strides,
});

const use = (index: number, access: 'read' | 'write'): Kernel['buffers'][number] => ({
  source: 'slot',
  index,
  access,
});

/** a[m, k] times b[k, n], each stored as it is or transposed. */
function product(m: number, n: number, k: number, transposed = ''): Kernel {
  const a = transposed.includes('a') ? [1, 0, m] : [k, 0, 1];
  const b = transposed.includes('b') ? [0, k, 1] : [0, 1, n];
  return {
    kind: 'contract',
    buffers: [use(0, 'read'), use(1, 'read'), use(2, 'write')],
    shape: [m, n],
    over: [k],
    args: [operand(0, a), operand(1, b)],
    outs: [operand(2, [n, 1])],
  };
}

function map(shape: Size, strides: readonly Size[], body: Expr[], outs: readonly Size[]): Kernel {
  const count = strides.length;
  return {
    kind: 'loop',
    buffers: [
      ...strides.map((_, i) => use(i, 'read')),
      ...outs.map((_, i) => use(count + i, 'write')),
    ],
    shape,
    over: [],
    combine: 'sum',
    args: strides.map((s, i) => operand(i, s)),
    body,
    outs: outs.map((s, i) => operand(count + i, s)),
  };
}

/** One LSTM step on z [64, 256] and c [64, 64]: gates, next carry, output. */
function lstmStep(): Kernel {
  const gate = (k: number): Operand => operand(0, [256, 1], 64 * k);
  const [i, f, g, o] = ['sigmoid', 'sigmoid', 'tanh', 'sigmoid'].map((op, k) =>
    apply(op as 'tanh', arg(k)),
  ) as [Expr, Expr, Expr, Expr];
  const c = apply('add', apply('mul', f, arg(4)), apply('mul', i, g));
  return {
    kind: 'loop',
    buffers: [use(0, 'read'), use(1, 'read'), use(2, 'write'), use(3, 'write')],
    shape: [64, 64],
    over: [],
    combine: 'sum',
    args: [gate(0), gate(1), gate(2), gate(3), operand(1, [64, 1])],
    body: [c, apply('mul', o, apply('tanh', c))],
    outs: [operand(2, [64, 1]), operand(3, [64, 1])],
  };
}

/** Values to be summed over axes: of [rows, columns] over the rows or over the columns. */
function sum(rows: number, columns: number, over: 'rows' | 'columns'): Kernel {
  const kept = over === 'rows' ? columns : rows;
  return {
    kind: 'loop',
    buffers: [use(0, 'read'), use(1, 'write')],
    shape: [kept],
    over: [over === 'rows' ? rows : columns],
    combine: 'sum',
    args: [operand(0, over === 'rows' ? [1, columns] : [columns, 1])],
    body: [arg(0)],
    outs: [operand(1, [1])],
  };
}

const chain = (n: number): Expr => {
  let x: Expr = arg(0);
  for (let i = 0; i < n; i++) x = apply('add', x, arg(1 + (i % 2)));
  return x;
};

const flops = (m: number, n: number, k: number): number => 2 * m * n * k;
const line = [1];

interface Row {
  readonly name: string;
  readonly kernel: Kernel;
  readonly work: number;
  readonly unit: 'GFLOP/s' | 'ns/element' | 'us';
}

const shapes: [m: number, n: number, k: number, transposed: string][] = [
  [64, 256, 64, ''],
  [64, 64, 256, 'b'],
  [64, 256, 6400, 'a'],
  [6400, 256, 64, ''],
  [1, 512, 128, ''],
  [1, 512, 128, 'b'],
  [64, 2048, 512, ''],
  [6400, 10, 64, ''],
];

const rows: Row[] = [
  ...shapes.map(
    ([m, n, k, transposed]): Row => ({
      name: `product ${m}x${k} by ${k}x${n}${transposed ? `, ${transposed} transposed` : ''}`,
      kernel: product(m, n, k, transposed),
      work: flops(m, n, k),
      unit: 'GFLOP/s',
    }),
  ),
  ...(['exp', 'tanh', 'sigmoid', 'erf', 'log', 'sin', 'sqrt', 'neg'] as const).map(
    (op): Row => ({
      name: op,
      kernel: map([4096], [line], [apply(op, arg(0))], [line]),
      work: 4096,
      unit: 'ns/element',
    }),
  ),
  ...[1, 8, 32].map(
    (n): Row => ({
      name: `${n} additions, each`,
      kernel: map([4096], [line, line, line], [chain(n)], [line]),
      work: 4096 * n,
      unit: 'ns/element',
    }),
  ),
  {
    name: 'bias added to rows of 64',
    kernel: map(
      [64, 64],
      [
        [64, 1],
        [0, 1],
      ],
      [apply('add', arg(0), arg(1))],
      [[64, 1]],
    ),
    work: 4096,
    unit: 'ns/element',
  },
  { name: 'LSTM step 64x64', kernel: lstmStep(), work: 4096, unit: 'ns/element' },
  {
    name: 'sum 6400x256 over rows',
    kernel: sum(6400, 256, 'rows'),
    work: 1638400,
    unit: 'ns/element',
  },
  {
    name: 'sum 6400x256 over columns',
    kernel: sum(6400, 256, 'columns'),
    work: 1638400,
    unit: 'ns/element',
  },
  {
    name: 'sum 6400x10 over columns',
    kernel: sum(6400, 10, 'columns'),
    work: 64000,
    unit: 'ns/element',
  },
  {
    name: 'launch of one addition',
    kernel: map([1], [line, line], [chain(1)], [line]),
    work: 1,
    unit: 'us',
  },
  {
    name: 'launch of 32 additions',
    kernel: map([1], [line, line, line], [chain(32)], [line]),
    work: 1,
    unit: 'us',
  },
  { name: 'launch of a product 4x5 by 5x4', kernel: product(4, 4, 5), work: 1, unit: 'us' },
];

const reach = (i: Kernel, o: Operand): number =>
  o.offset +
  1 +
  o.strides.reduce(
    (n, stride, k) =>
      n + stride * (([...i.shape, ...('over' in i ? i.over : [])][k] as number) - 1),
    0,
  );

async function nanoseconds(kernel: Kernel): Promise<number> {
  const backend = cpu();
  const operands = [...kernel.args, ...kernel.outs];
  const slots = kernel.buffers.map((_, b): Program['slots'][number] => ({
    dtype: 'float32',
    size: Math.max(...operands.filter((o) => o.buffer === b).map((o) => reach(kernel, o))),
    label: `b${b}`,
  }));
  const written = kernel.buffers.flatMap((b, k) => (b.access === 'write' ? [k] : []));
  const read = kernel.buffers.flatMap((b, k) => (b.access === 'read' ? [k] : []));
  const executable = await backend.compile({
    slots,
    inputs: read,
    outputs: written,
    scratch: [],
    code: [kernel],
  });
  const refs = slots.map(({ size }, k) => {
    const buffer = backend.alloc(size * 4);
    backend.write(
      buffer,
      new Uint8Array(
        Float32Array.from({ length: size }, (_, i) => (((i + k) * 37) % 101) / 25 - 2).buffer,
      ),
    );
    return { buffer, offset: 0 };
  });
  const inputs = read.map((k) => refs[k] as (typeof refs)[number]);
  const outputs = written.map((k) => refs[k] as (typeof refs)[number]);
  const time = (runs: number): number => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < runs; i++) executable.run(inputs, outputs);
    return Number(process.hrtime.bigint() - start) / runs;
  };
  let runs = 1;
  while (time(runs) * runs < 5e6) runs *= 2;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 40; i++) best = Math.min(best, time(runs));
  return best;
}

const wanted = process.argv[2] ?? '';
// Twice: what all kernels share is only then as general as in a real program.
for (const { kernel } of rows) await nanoseconds(kernel);
for (const { name, kernel, work, unit } of rows) {
  if (!name.includes(wanted)) continue;
  const ns = await nanoseconds(kernel);
  const value = unit === 'GFLOP/s' ? work / ns : unit === 'us' ? ns / 1000 : ns / work;
  console.log(`${name.padEnd(44)} ${value.toFixed(2).padStart(8)} ${unit}`);
}
