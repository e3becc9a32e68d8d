/** Whether pairs of vectors give the bits of single ones, on a probe with a product, costly maths, a reduction and a time loop. */
import {
  apply,
  arg,
  type Backend,
  type Program,
  programBuilder,
  type Ref,
  type ScalarOp,
  window,
} from '@ostinato/core/backend';
import type { WasmBuffer } from '../memory.ts';

// Odd sizes: tails of every width run too.
const [STEPS, BATCH, UNITS] = [3, 5, 19];

export async function agreesWithPlain(
  open: (paired: boolean) => Backend<WasmBuffer>,
): Promise<boolean> {
  const [a, b] = await Promise.all([true, false].map((paired) => runProbe(open(paired))));
  return a !== undefined && b !== undefined && a.every((x, i) => x === b[i]);
}

/** h = f(h u + x) for several f side by side, and each row's sum of it. */
function probe(): Program {
  const size = BATCH * UNITS;
  const inner = programBuilder();
  const u = inner.input('u', 'float32', UNITS * UNITS);
  const h = inner.input('h', 'float32', size);
  const x = inner.input('x', 'float32', size);
  const next = inner.output('next', 'float32', size);
  const total = inner.output('total', 'float32', BATCH);
  const z = inner.scratch('z', 'float32', size);
  inner.contract({
    shape: [BATCH, UNITS],
    over: [UNITS],
    args: [window(h, [UNITS, 0, 1]), window(u, [0, 1, UNITS])],
    out: window(z, [UNITS, 1]),
  });
  const sum = apply('add', arg(0), arg(1));
  const ops: ScalarOp[] = ['tanh', 'sigmoid', 'exp', 'sin', 'erf', 'log'];
  const body = ops.map((op) => apply(op, op === 'log' ? apply('exp', sum) : sum));
  inner.loop({
    shape: [BATCH, UNITS],
    args: [window(z, [UNITS, 1]), window(x, [UNITS, 1])],
    body: [body.reduce((a, b) => apply('add', apply('mul', a, b), b))],
    outs: [window(next, [UNITS, 1])],
  });
  inner.loop({
    shape: [BATCH],
    over: [UNITS],
    args: [window(next, [UNITS, 1])],
    body: [arg(0)],
    outs: [window(total, [1])],
  });
  const outer = programBuilder();
  const weights = outer.input('u', 'float32', UNITS * UNITS);
  const h0 = outer.input('h0', 'float32', size);
  const xs = outer.input('xs', 'float32', STEPS * size);
  const last = outer.output('last', 'float32', size);
  const totals = outer.output('totals', 'float32', STEPS * BATCH);
  outer.scan({
    length: STEPS,
    body: inner.program(),
    consts: [window(weights)],
    init: [window(h0)],
    xs: [window(xs, [size])],
    finals: [window(last)],
    ys: [window(totals, [BATCH])],
  });
  return outer.program();
}

async function runProbe(backend: Backend<WasmBuffer>): Promise<Uint8Array> {
  const program = probe();
  const executable = await backend.compile(program);
  const refs = (slots: readonly number[]): Ref<WasmBuffer>[] =>
    slots.map((k) => ({ buffer: backend.alloc((program.slots[k]?.size ?? 0) * 4), offset: 0 }));
  const inputs = refs(program.inputs);
  const outputs = refs(program.outputs);
  inputs.forEach(({ buffer }, k) => {
    const values = Float32Array.from(
      { length: buffer.bytes / 4 },
      (_, i) => Math.sin(7 * i + k) * 0.4,
    );
    backend.write(buffer, new Uint8Array(values.buffer));
  });
  executable.run(inputs, outputs);
  const all = await Promise.all(outputs.map(({ buffer }) => backend.read(buffer)));
  backend.dispose();
  return Uint8Array.from(all.flatMap((bytes) => [...bytes]));
}
