/**
 * Speed of backend-wasm's loops alone, in ns per element. The smallest of many timings counts, because the machine may
 * be shared. Run in Node 24 or later on x86-64: node packages/backend-wasm/bench/loops.ts [part of a name]
 */
import { setFlagsFromString } from 'node:v8';
import { apply, arg, constant, type Expr, type Loop, type Operand } from '@ostinato/core/backend';
import { FunctionBuilder } from '../src/assembler/function.ts';
import { encodeModule } from '../src/assembler/module.ts';
import * as extras from '../src/extras.ts';
import { emitLoop, leavesRest, planAxes } from '../src/loop/index.ts';
import { pairs } from '../src/pairing.ts';
import type { Target } from '../src/target.ts';

const targets: Record<string, Target> = {
  plain: { relaxed: false, paired: false },
  relaxed: { relaxed: true, paired: false },
  paired: { relaxed: true, paired: true },
};

const pages = 2048;
const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });

/** With the optimising compiler at once; the flag that pairs vectors is set for this one compilation. */
function compile(loop: Loop, target: Target): (...addresses: number[]) => void {
  const f = new FunctionBuilder('run');
  const buffers = loop.buffers.map((_, k) => f.param('i32', `b${k}`));
  // As programs do; every size here is whole pairs, or all of it is single vectors.
  const paired = target.paired && pairs(loop) && !leavesRest(planAxes(loop));
  emitLoop(f, loop, buffers, target, { part: paired ? 'pairs' : 'whole', extras });
  const bytes = encodeModule([f.finish()], { shared: false, minimum: pages, maximum: pages });
  const flags = ['no-liftoff', 'no-wasm-lazy-compilation'];
  if (paired) flags.push('experimental-wasm-revectorize');
  for (const flag of flags) setFlagsFromString(`--${flag}`);
  const module = new WebAssembly.Module(bytes);
  for (const flag of flags)
    setFlagsFromString(flag.startsWith('no-') ? `--${flag.slice(3)}` : `--no-${flag}`);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return (exports as { run: (...addresses: number[]) => void }).run;
}

/** Nanoseconds of one call, the best of many. */
function nanoseconds(call: () => void): number {
  call();
  const start = performance.now();
  call();
  const turns = Math.max(1, Math.ceil(0.5 / Math.max(1e-4, performance.now() - start)));
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + 300;
  for (let k = 0; k < 20 || performance.now() < end; k++) {
    const from = performance.now();
    for (let i = 0; i < turns; i++) call();
    best = Math.min(best, (performance.now() - from) / turns);
  }
  return best * 1e6;
}

/** A loop whose operands have a buffer each, but for those given one. */
function loopOf(
  shape: readonly number[],
  over: readonly number[],
  args: readonly Partial<Operand>[],
  outs: readonly Partial<Operand>[],
  body: readonly Expr[],
): Loop {
  const operand = (o: Partial<Operand>, k: number): Operand => ({
    slot: k,
    buffer: k,
    dtype: 'float32',
    offset: 0,
    strides: [],
    ...o,
  });
  const all = [...args, ...outs].map(operand);
  return {
    kind: 'loop',
    buffers: all.map((_, index) => ({
      source: 'slot',
      index,
      access: index < args.length ? 'read' : 'write',
    })),
    shape,
    over,
    combine: 'sum',
    args: all.slice(0, args.length),
    outs: all.slice(args.length),
    body,
  };
}

/** Two inputs and an output stay in the first cache. */
const n = 2048;
const mapped = (arity: number, body: Expr): Loop =>
  loopOf([n], [], Array(arity).fill({ strides: [1] }), [{ strides: [1] }], [body]);

/** Gates from projections, recurrent products and a bias, with all that the way back needs. */
function lstm(batch: number, units: number): Loop {
  const [x, u, b, c] = [0, 1, 2, 3];
  const gates = [0, 1, 2, 3];
  const wide = [4 * units, 1];
  const args = [
    ...gates.map((g) => ({ buffer: x, offset: g * units, strides: wide })),
    ...gates.map((g) => ({ buffer: u, offset: g * units, strides: wide })),
    ...gates.map((g) => ({ buffer: b, offset: g * units, strides: [0, 1] })),
    { buffer: c, strides: [units, 1] },
  ];
  const z = (g: number): Expr => apply('add', apply('add', arg(g), arg(g + 4)), arg(g + 8));
  const [i, f, o] = [z(0), z(1), z(3)].map((e) => apply('sigmoid', e)) as [Expr, Expr, Expr];
  const g = apply('tanh', z(2));
  const cell = apply('add', apply('mul', f, arg(12)), apply('mul', i, g));
  const t = apply('tanh', cell);
  const h = apply('mul', o, t);
  const dense = { strides: [units, 1] };
  return loopOf([batch, units], [], args, Array(9).fill(dense), [i, f, g, o, cell, t, h, cell, h]);
}

const bias = (rows: number, columns: number, terms: Expr, arity: number): Loop =>
  loopOf(
    [columns],
    [rows],
    Array(arity).fill({ strides: [1, columns] }),
    [{ strides: [1] }],
    [terms],
  );

const loops: Record<string, { loop: Loop; elements: number }> = {
  add: { loop: mapped(2, apply('add', arg(0), arg(1))), elements: n },
  'add, scaled': {
    loop: mapped(2, apply('add', arg(0), apply('mul', constant(0.1), arg(1)))),
    elements: n,
  },
  ...Object.fromEntries(
    (['tanh', 'sigmoid', 'exp', 'log', 'erf', 'sin'] as const).map((op) => [
      op,
      { loop: mapped(1, apply(op, arg(0))), elements: n },
    ]),
  ),
  pow: { loop: mapped(2, apply('pow', arg(0), arg(1))), elements: n },
  rem: { loop: mapped(2, apply('rem', arg(0), arg(1))), elements: n },
  'lstm gates [64,64]': { loop: lstm(64, 64), elements: 64 * 64 },
  'lstm gates [1,64]': { loop: lstm(1, 64), elements: 64 },
  'bias gradient [6400,256]': { loop: bias(6400, 256, arg(0), 1), elements: 6400 * 256 },
  'bias gradient [64,256]': { loop: bias(64, 256, arg(0), 1), elements: 64 * 256 },
  'sum of rows [1000,100]': {
    loop: loopOf([1000], [100], [{ strides: [100, 1] }], [{ strides: [1] }], [arg(0)]),
    elements: 1000 * 100,
  },
  'sum of all [65536]': {
    loop: loopOf([], [65536], [{ strides: [1] }], [{ strides: [] }], [arg(0)]),
    elements: 65536,
  },
  'transpose [256,256]': {
    loop: loopOf([256, 256], [], [{ strides: [1, 256] }], [{ strides: [256, 1] }], [arg(0)]),
    elements: 65536,
  },
  'bias added [2000,3]': {
    loop: loopOf(
      [2000, 3],
      [],
      [{ strides: [3, 1] }, { strides: [0, 1] }],
      [{ strides: [3, 1] }],
      [apply('add', arg(0), arg(1))],
    ),
    elements: 6000,
  },
};

const wanted = process.argv[2] ?? '';
const floats = new Float32Array(memory.buffer);
floats.forEach((_, k) => {
  floats[k] = ((k * 0.618034) % 1) * 6 - 3;
});
console.log(`ns per element${' '.repeat(16)}${Object.keys(targets).join('    ')}`);
for (const [name, { loop, elements }] of Object.entries(loops)) {
  if (!name.includes(wanted)) continue;
  const times = Object.values(targets).map((target) => {
    const run = compile(loop, target);
    // Buffers some way apart, and not at the same place of a page.
    const apart = Math.min(8e6, (pages * 65536) / (loop.buffers.length + 1));
    const addresses = loop.buffers.map((_, k) => Math.floor((k * apart) / 4096) * 4096 + k * 192);
    return nanoseconds(() => run(...addresses)) / elements;
  });
  console.log(name.padEnd(30), times.map((t) => t.toFixed(3).padStart(8)).join('   '));
}
