/**
 * Speed of backend-wasm's products alone, in GFLOP/s and as a part of what the same instructions reach on registers.
 * The smallest of many timings counts, because the machine may be shared. Run in Node 24 or later on x86-64:
 * node packages/backend-wasm/bench/products.ts [part of a name]
 */
import { setFlagsFromString } from 'node:v8';
import type { Contract, Operand } from '@ostinato/core/backend';
import { FunctionBuilder, type Local } from '../src/assembler/function.ts';
import { i32, type Value, v128 } from '../src/assembler/instructions.ts';
import { encodeModule } from '../src/assembler/module.ts';
import {
  type ContractPlan,
  emitPack,
  emitProduct,
  type PlanOptions,
  planContract,
} from '../src/contract/index.ts';
import * as extras from '../src/extras.ts';
import type { Target } from '../src/target.ts';

const targets: Record<string, Target> = {
  relaxed: { relaxed: true, paired: false },
  plain: { relaxed: false, paired: false },
  paired: { relaxed: true, paired: true },
};

const pages = 2048;
const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });

/** With the optimising compiler at once; the flag that pairs vectors is set for this one compilation. */
function compile(
  functions: readonly ReturnType<FunctionBuilder['finish']>[],
  target: Target,
): Record<string, (...args: number[]) => void> {
  const bytes = encodeModule(functions, { shared: false, minimum: pages, maximum: pages });
  const flags = ['no-liftoff', 'no-wasm-lazy-compilation'];
  if (target.paired) flags.push('experimental-wasm-revectorize');
  for (const flag of flags) setFlagsFromString(`--${flag}`);
  const module = new WebAssembly.Module(bytes);
  for (const flag of flags)
    setFlagsFromString(flag.startsWith('no-') ? `--${flag.slice(3)}` : `--no-${flag}`);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as Record<string, (...args: number[]) => void>;
}

/**
 * Seconds of one call: the best of many, or (for long ones, which others interrupt) the mean of the time that this
 * thread had a core, whose clock is too coarse for short ones.
 */
function seconds(call: () => void): number {
  call();
  const start = performance.now();
  call();
  const turns = Math.max(1, Math.ceil(0.2 / Math.max(1e-3, performance.now() - start)));
  let best = Number.POSITIVE_INFINITY;
  let calls = 0;
  const used = process.threadCpuUsage();
  const end = performance.now() + 500;
  while (calls < 20 * turns || performance.now() < end) {
    const from = performance.now();
    for (let i = 0; i < turns; i++) call();
    best = Math.min(best, (performance.now() - from) / turns);
    calls += turns;
  }
  const { user, system } = process.threadCpuUsage(used);
  return Math.min(best, (user + system) / 1000 / calls) / 1000;
}

/** Chains of sums, or of products and sums apart, that never leave the registers. */
function peak(target: Target): number {
  const chains = target.paired ? 24 : 12;
  const turns = 100_000;
  const f = new FunctionBuilder('peak');
  const at = f.param('i32', 'at');
  const x = [0, 1].map((k) => f.let('x', v128.load(f.get(at), 16 * k)));
  const sums = Array.from({ length: chains }, (_, k) =>
    f.let(`sum${k}`, v128.load(f.get(at), 16 * k)),
  );
  f.times(turns, () => {
    sums.forEach((sum, k) => {
      const [s, y] = [f.get(sum), f.get(x[target.paired ? k % 2 : 0] as (typeof x)[number])];
      if (target.relaxed) f.set(sum, v128.f32x4('relaxed_madd', y, y, s));
      else f.set(sum, v128.f32x4(k % 2 === 0 ? 'mul' : 'add', s, y));
    });
  });
  sums.forEach((sum, k) => {
    f.store('v128.store', f.get(at), f.get(sum), 16 * k);
  });
  const { peak } = compile([f.finish()], target);
  new Float32Array(memory.buffer, 1024, 4 * chains).fill(1);
  const flops = chains * turns * (target.relaxed ? 8 : 4);
  return flops / seconds(() => peak?.(1024)) / 1e9;
}

interface Shape {
  readonly name: string;
  readonly size: readonly [m: number, k: number, n: number];
  /** 'a', 'b' and 'out' where stored transposed. */
  readonly transposed?: string;
  /** The depth is this many steps of a batch, in which a comes with the batch first and b with time. */
  readonly time?: number;
  readonly options?: PlanOptions;
}

const constant = { constant: { b: true } };
const shapes: readonly Shape[] = [
  { name: 'step, H 64', size: [64, 64, 256], options: constant },
  { name: 'step of 32 rows, H 64', size: [32, 64, 256], options: constant },
  { name: 'step of 32 rows, H 256', size: [32, 256, 1024], options: constant },
  {
    name: 'step back of 32 rows, H 256',
    size: [32, 1024, 256],
    transposed: 'b',
    options: constant,
  },
  { name: 'step, H 512', size: [64, 512, 2048], options: constant },
  { name: 'step back, H 512', size: [64, 2048, 512], transposed: 'b', options: constant },
  { name: 'step of a GRU, H 512', size: [64, 512, 1536], options: constant },
  { name: 'step, H 1024', size: [32, 1024, 4096], options: constant },
  { name: 'step, H 100', size: [50, 100, 400], options: constant },
  { name: 'step back, H 64', size: [64, 256, 64], transposed: 'b', options: constant },
  { name: 'inputs, packed', size: [6400, 64, 256], options: constant },
  { name: 'inputs', size: [6400, 64, 256] },
  { name: 'inputs, H 512', size: [3200, 512, 2048], options: constant },
  { name: 'inputs of a step, H 256', size: [32, 128, 1024], options: constant },
  { name: 'gradient of inputs', size: [6400, 256, 64], transposed: 'b' },
  { name: 'gradient of weights, H 64', size: [64, 6400, 256], transposed: 'a' },
  { name: 'gradient of weights, short', size: [64, 512, 256], transposed: 'a' },
  { name: 'gradient of weights, short', size: [256, 512, 1024], transposed: 'a' },
  { name: 'gradient of weights, strip', size: [64, 256, 256], transposed: 'a' },
  { name: 'gradient of weights, strip', size: [64, 256, 192], transposed: 'a' },
  { name: 'gradient of weights, H 256', size: [256, 3200, 1024], transposed: 'a' },
  { name: 'gradient of weights, H 512', size: [512, 3200, 2048], transposed: 'a' },
  { name: 'gradient of weights, long', size: [64, 32000, 256], transposed: 'a' },
  { name: '  batch first', size: [64, 32000, 256], time: 500 },
  { name: '  batch first', size: [64, 3200, 256], time: 100 },
  { name: '  batch first', size: [128, 3200, 1024], time: 100 },
  { name: 'row, H 128', size: [1, 128, 512], options: constant },
  { name: 'row, H 128, in place', size: [1, 128, 512] },
  { name: 'row, H 64', size: [1, 64, 256], options: constant },
  { name: 'two rows, H 128', size: [2, 128, 512], options: constant },
  { name: 'three rows, H 128', size: [3, 128, 512], options: constant },
  { name: 'once', size: [64, 64, 256] },
  { name: 'once, square', size: [512, 512, 512] },
  { name: 'once, b transposed', size: [512, 512, 512], transposed: 'b' },
  { name: 'once, out transposed', size: [512, 512, 512], transposed: 'out' },
  { name: 'once, 1024', size: [1024, 1024, 1024] },
  { name: 'classes', size: [64, 64, 10] },
  { name: 'one value', size: [64, 64, 1] },
];

function contractOf({ size: [m, k, n], transposed = '', time }: Shape): Contract {
  const operand = (buffer: number, strides: readonly number[]): Operand => ({
    slot: buffer,
    buffer,
    dtype: 'float32',
    offset: 0,
    strides,
  });
  if (time !== undefined) {
    const batch = k / time;
    return {
      kind: 'contract',
      buffers: [0, 1, 2].map((index) => ({ source: 'slot', index, access: 'readwrite' })),
      shape: [m, n],
      over: [time, batch],
      args: [operand(0, [1, 0, m, m * time]), operand(1, [0, 1, n * batch, n])],
      outs: [operand(2, [n, 1])],
    };
  }
  const is = (what: string): boolean => transposed.split(' ').includes(what);
  return {
    kind: 'contract',
    buffers: [0, 1, 2].map((index) => ({ source: 'slot', index, access: 'readwrite' })),
    shape: [m, n],
    over: [k],
    args: [
      operand(0, is('a') ? [1, 0, m] : [k, 0, 1]),
      operand(1, is('b') ? [0, k, 1] : [0, 1, n]),
    ],
    outs: [operand(2, is('out') ? [1, m] : [n, 1])],
  };
}

function speed(shape: Shape, target: Target): { plan: ContractPlan; flops: number } {
  const plan = planContract(contractOf(shape), target, { ...shape.options, extras });
  const [m, k, n] = shape.size;
  let end = 1 << 16;
  const area = (bytes: number): Value<'i32'> => {
    const place = end;
    // One line of the cache between, so that operands do not begin in the same sets.
    end += Math.ceil(bytes / 64) * 64 + 64;
    return i32.const(place);
  };
  const operands = [area(4 * m * k), area(4 * k * n), area(4 * m * n)];
  const [a, b, scratch] = [area(plan.packA), area(plan.packB), area(plan.scratch)];
  const define = (
    name: string,
    body: (f: FunctionBuilder, buffers: readonly Local<'i32'>[]) => void,
  ) => {
    const f = new FunctionBuilder(name);
    body(
      f,
      operands.map((place) => f.let('operand', place)),
    );
    return f.finish();
  };
  const functions = [
    define('pack', (f, buffers) => {
      const from = f.get(buffers[plan.b.buffer] as Local<'i32'>);
      if (plan.packA > 0) emitPack(f, plan, from, { to: a, extras });
      if (plan.packB > 0) emitPack(f, plan, from, { to: b, extras });
    }),
    define('product', (f, buffers) => emitProduct(f, plan, buffers, { a, b, scratch, extras })),
  ];
  const { pack, product } = compile(functions, target);
  new Float32Array(memory.buffer, 1 << 16, m * k + k * n).fill(0.01);
  pack?.();
  return { plan, flops: (2 * m * k * n) / seconds(() => product?.()) };
}

const part = process.argv[2] ?? '';
for (const [name, target] of Object.entries(targets)) {
  const top = peak(target);
  console.log(`${name}: ${top.toFixed(1)} GFLOP/s on registers`);
  for (const shape of shapes.filter((s) => `${name} ${s.name}`.includes(part))) {
    const { plan, flops } = speed(shape, target);
    const size = `(${shape.size[0]}, ${shape.size[1]}) x (${shape.size[1]}, ${shape.size[2]})`;
    console.log(
      [
        shape.name.padEnd(28),
        size.padEnd(28),
        `${(flops / 1e9).toFixed(1)}`.padStart(7),
        `${((100 * flops) / 1e9 / top).toFixed(0)} %`.padStart(6),
        `  ${plan.tile.rows}x${plan.tile.columns} ${plan.source}${plan.swapped ? ', swapped' : ''}`,
      ].join(''),
    );
  }
}
