/** Time loops in turn with the sums of what they wrote: where that is so, and that results are the same. */
import {
  add,
  compile,
  leavesOf,
  matmul,
  mean,
  mul,
  scan,
  type Tensor,
  tanh,
  valueAndGrad,
  zeros,
} from '@ostinato/core';
import {
  apply,
  arg,
  argsOfInstr,
  type Backend,
  type Contract,
  type Instr,
  outsOfInstr,
  type Program,
  programBuilder,
  reference,
  type Scan,
  window,
} from '@ostinato/core/backend';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openWasm } from '../src/backend.ts';
import { ModuleBuilder } from '../src/module-builder.ts';
import { tighten } from '../src/passes/tighten.ts';
import { buildProgram } from '../src/program.ts';
import { findJoints } from '../src/together/joint.ts';
import { findStrips } from '../src/together/strips.ts';
import { expectNear, machine, onVariants, programOf, stripsOf } from './forced.ts';
import { host, runProgram } from './harness.ts';

interface Layers {
  readonly time: number;
  readonly batch: number;
  readonly units: number;
  /** One more layer, against the time. */
  readonly two: boolean;
  /** Whether the loss wants the gradient of what comes in, too. */
  readonly ofInput: boolean;
  /** Of what comes in; as many as units unless stated. */
  readonly inputs?: number;
  /** What comes in is added as it is, and b is a gain: a product and a sum read stacks that nobody else reads. */
  readonly sole?: boolean;
}

function layer(xs: Tensor, weights: readonly Tensor[], reverse: boolean, sole = false): Tensor {
  const [w, u, b] = weights as readonly [Tensor, Tensor, Tensor];
  const [, batch] = xs.shape as [number, number];
  const [units] = u.shape as [number];
  const step = (h: Tensor, xt: Tensor): readonly [Tensor, Tensor] => {
    const uh = matmul(h, u);
    const next = tanh(sole ? add(xt, mul(uh, b)) : add(add(matmul(xt, w), uh), b));
    return [next, next];
  };
  return scan(step, zeros([batch, units]), xs, { reverse })[1];
}

/** The loss and all gradients, twice: the second run has what the first one packed. */
async function train(backend: Backend, layers: Layers) {
  const { time, batch, units, inputs = units, two, ofInput, sole } = layers;
  const weights = [1, 2].map((k) => [
    host(k, [k === 1 ? inputs : units, units]),
    host(k + 2, [units, units]),
    host(k + 4, [units]),
  ]);
  const x = host(9, [time, batch, inputs]);
  const loss = ([first, second]: readonly (readonly Tensor[])[], xs: Tensor): Tensor => {
    const below = layer(xs, first as readonly Tensor[], false, sole);
    const y = two ? layer(below, second as readonly Tensor[], true, sole) : below;
    return mean(mul(y, y));
  };
  const step = compile(backend, (w: readonly (readonly Tensor[])[], xs: Tensor) =>
    ofInput
      ? valueAndGrad(([v, input]: readonly [typeof w, Tensor]) => loss(v, input))([w, xs])
      : valueAndGrad((v: typeof w) => loss(v, xs))(w),
  );
  const args = [two ? weights : weights.slice(0, 1), x] as never as Parameters<typeof step>;
  await step(...args);
  const out = leavesOf(await step(...args));
  return Promise.all(out.map(async (t) => (await t.read()).data as Float32Array));
}

const trained = (layers: Layers): Promise<Program> =>
  programOf((backend) => train(backend, layers));

const always = stripsOf(20);
const usual: Layers = { time: 12, batch: 5, units: 64, two: false, ofInput: false };

const found = (program: Program, limits = always) =>
  findStrips(program, findJoints(program), limits);

onVariants({ strips: always }, (agrees) => {
  test('they give what the reference gives, and two threads the same bits', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          time: fc.constantFrom(6, 8, 9, 11, 13, 15),
          batch: fc.integer({ min: 1, max: 6 }),
          units: fc.constantFrom(64, 80),
          two: fc.boolean(),
          ofInput: fc.boolean(),
          sole: fc.boolean(),
        }),
        // Gradients of a mean are below 1, sums of at most 90 products in float32.
        (layers) => agrees((backend) => train(backend, layers), 2e-6),
      ),
      { numRuns: 8 },
    ));
});

// Products over more than 256 steps of the depth have narrower panels, by themselves: here the longer strip's are.
onVariants({ strips: stripsOf(264) }, (agrees) => {
  test('strips of two lengths add to the same panels', async () => {
    const layers = { ...usual, time: 65, batch: 8, inputs: 64, units: 72 };
    // Gradients of a mean are below 1, sums of 520 products in float32.
    await agrees((backend) => train(backend, layers), 2e-6);
  });
});

test.each([true, false])(
  'what makes its inputs, the loop and the sums take turns (in pairs: %s)',
  async (paired) => {
    const program = await trained(usual);
    const { calls } = buildProgram(
      new ModuleBuilder(machine({ pairs: () => paired, strips: always }), []),
      program,
    );
    const [pack, ...turns] = calls.filter((c) => c.function.name.startsWith('strips_0'));
    expect(pack?.function.name).toMatch(/^strips_0_scan_.*_pack_b$/);
    const turn = ['strips_0_made_0', 'strips_0_scan', 'strips_0_joint_0'];
    // 20 / 5 rows are 4 steps a turn.
    const results = [0, 1, 2].map((k) => `strips_0_joint_0_${k}_bring`);
    const names = turns.map((c) => c.function.name);
    expect(names.slice(0, 9)).toEqual([...turn, ...turn, ...turn]);
    // Each in its own place, whichever comes first.
    expect(names.slice(9).sort()).toEqual(results);
  },
);

test.each([false, true])(
  'strips of two lengths share what no number divides (sole: %s)',
  async (sole) => {
    const program = await trained({ ...usual, time: 13, sole });
    expect(found(program, { ...always, depth: 25 })[0]?.steps).toBe(5);
    const strips = { ...always, depth: 25 };
    const { calls } = buildProgram(new ModuleBuilder(machine({ strips }), []), program);
    const named = (pattern: RegExp) => calls.filter((c) => pattern.test(c.function.name));
    // After the buffers comes how many steps run.
    const loops = named(/^strips_0_scan$/);
    expect(loops.map((c) => c.args.at(-1))).toEqual(
      [5, 4, 4].map((value) => ({ kind: 'address', value })),
    );
    const sums = sole ? ['joint_0', 'joint_1'] : ['joint_0'];
    for (const sum of sums) {
      expect(named(new RegExp(`^strips_0_${sum}$`))).toHaveLength(1);
      expect(named(new RegExp(`^strips_0_${sum}_4$`))).toHaveLength(2);
    }
  },
);

test('a product or a sum that shares with nobody takes turns, too', async () => {
  const [strips, ...others] = found(await trained({ ...usual, sole: true }));
  expect(others).toEqual([]);
  expect(
    strips?.readers.map(({ joint, alone }) => [joint.companions.length, !!joint.sum, alone]),
  ).toEqual([
    [1, false, true],
    [0, true, true],
  ]);
});

test('strips are shorter where there are more stacks', async () => {
  const program = await trained({ ...usual, sole: true });
  const [strips] = found(program);
  expect(strips?.steps).toBe(4);
  // Two stacks of 5 rows of 64 units.
  const room = (steps: number) => 4 * steps * 2 * 5 * 64;
  for (const steps of [2, 3])
    expect(found(program, { ...always, strip: room(steps) })[0]?.steps).toBe(steps);
  // Never longer than fits: 5 does not divide 12.
  expect(found(program, { ...always, strip: room(5), depth: 25 })[0]?.steps).toBe(4);
});

test('strips are shorter where a product reads much beside the stack', async () => {
  const program = await trained(usual);
  const stepsWith = (rows: number): number | undefined =>
    found(program, { ...always, rows })[0]?.steps;
  // Each weight's gradient reads 5 rows of 64 units in a step.
  const step = 4 * 5 * 64;
  for (const steps of [1, 2, 3]) expect(stepsWith(steps * step)).toBe(steps);
  // Not shorter than a step.
  expect(stepsWith(step / 2)).toBe(1);
  expect(stepsWith(4 * step)).toBe(4);
});

test('a sum alone has strips of any length', async () => {
  const program = await trained({ ...usual, sole: true });
  const [product] = found(program)[0]?.readers.flatMap((r) => r.joint.companions) ?? [];
  const code = program.code.filter((i) => i !== product?.contract);
  const [strips] = found({ ...program, code }, { ...always, rows: 1 });
  expect(strips?.readers.map((r) => r.joint.companions)).toEqual([[]]);
  expect(strips?.steps).toBe(4);
});

test('no strips where adding to large sums costs more than stacks that stay near', async () => {
  const program = await trained({ ...usual, sole: true });
  // Two steps instead of four: three more strips, each reads and writes sums of 64 and 64 x 64 floats.
  const short = { ...always, strip: 4 * 2 * 2 * 5 * 64 };
  const ratio = (2 * 3 * (64 + 64 * 64)) / (12 * 2 * 5 * 64);
  expect(found(program, { ...short, sums: ratio * 1.01 })).toHaveLength(1);
  expect(found(program, { ...short, sums: ratio * 0.99 })).toEqual([]);
  // As deep as products are anyway: no more than these.
  expect(found(program, { ...always, sums: 0 })).toHaveLength(1);
});

test('a stack that nobody else reads is short', async () => {
  const short = async (layers: Layers) =>
    found(await trained(layers)).flatMap((s) => s.readers.map((r) => r.alone));
  expect(await short(usual)).toEqual([true]);
  // The gradient of the input is a product of the same stack.
  expect(await short({ ...usual, ofInput: true })).toEqual([false]);
});

test('only long stacks and short strips', async () => {
  const program = await trained(usual);
  expect(found(program)).toHaveLength(1);
  expect(found(program, { ...always, stacks: 1 << 20 })).toEqual([]);
  expect(found(program, { ...always, strip: 1 << 10 })).toEqual([]);
});

test('sums side by side are sums by themselves', async () => {
  const p = programBuilder();
  const outs = [p.output('a', 'float32', 4), p.output('b', 'float32', 4)];
  p.loop({
    shape: [4],
    over: [6],
    args: [p.input('x', 'float32', 24), p.input('y', 'float32', 24)].map((s) => window(s, [1, 4])),
    body: [arg(0), arg(1)],
    outs: outs.map((s) => window(s, [1])),
  });
  const tight = tighten(p.program(), machine());
  expect(tight.code.map((i) => [i.kind, argsOfInstr(i)[0]?.slot, outsOfInstr(i)[0]?.slot])).toEqual(
    [
      ['loop', 2, outs[0]],
      ['loop', 3, outs[1]],
    ],
  );
});

test('what has to wait, or is not complete, takes no turns', async () => {
  const program = await trained(usual);
  const [strips] = found(program);
  const scanned = strips?.scan as Scan;
  const [first] = strips?.readers[0]?.joint.companions ?? [];
  const product = first?.contract as Contract;
  const other = product.args[1 - (first?.common as number)] as Contract['args'][0];
  const insert = (instr: Instr): Program => ({
    ...program,
    code: program.code.flatMap((i) => (i === scanned ? [i, instr] : [i])),
  });
  const touching = (slot: number): Instr => ({
    kind: 'loop',
    combine: 'sum',
    buffers: [],
    shape: [1],
    over: [],
    args: [],
    body: [{ op: 'const', dtype: 'float32', value: 0 }],
    outs: [{ slot, buffer: 0, dtype: 'float32', offset: 0, strides: [1] }],
  });
  // Harmless: nobody reads or writes what it writes.
  expect(found(insert(touching(scanned.init[0]?.slot as number)))).toHaveLength(1);
  expect(found(insert(touching(other.slot)))).toEqual([]);
  // A window that takes rows of one step from the next ones.
  const { slot, strides } = scanned.ys[0] as Scan['ys'][0];
  const crossing = program.code.map((i) => ({
    ...i,
    ...('args' in i && {
      args: i.args.map((o) =>
        o.slot === slot
          ? {
              ...o,
              strides: o.strides.map((s) => (s === usual.units ? (strides[0] as number) : s)),
            }
          : o,
      ),
    }),
  }));
  expect(found({ ...program, code: crossing as Instr[] })).toEqual([]);
  // Both operands from the loop: one of them could be short.
  const ys = scanned.ys.map((y) => ({ ...y, slot: other.slot }));
  const both = { ...scanned, ys: [...scanned.ys, ...ys] };
  const code = program.code.map((i) => (i === scanned ? both : i));
  expect(found({ ...program, code })).toEqual([]);
});

/** A product of what the loop writes with another window of the same slot: of a later or earlier step, or another ys. */
function meeting(other: 'next' | 'previous' | 'two', reverse: boolean, shown: boolean): Program {
  const [time, batch, columns] = [12, 4, 64];
  const size = batch * columns;
  const b = programBuilder();
  const [h, x] = [b.input('h', 'float32', size), b.input('x', 'float32', size)];
  const outs = ['h', 'y', 'z'].map((label) => window(b.output(label, 'float32', size), [1]));
  const value = apply('tanh', apply('add', arg(0), arg(1)));
  const args = [window(h, [1]), window(x, [1])];
  b.loop({ shape: [size], args, body: [value, value, apply('tanh', value)], outs });
  const body = b.program({ arenas: 1 });

  const o = programBuilder();
  const init = window(o.input('h', 'float32', size), []);
  const xs = window(o.input('xs', 'float32', time * size), [size]);
  const final = window(o.output('final', 'float32', size), []);
  const two = other === 'two';
  const all = (two ? 2 * time : time + 2) * size;
  const stack = o[shown ? 'output' : 'scratch']('stack', 'float32', all);
  const beside = two ? stack : o.scratch('beside', 'float32', time * size);
  const [at, besideAt] = two ? [0, time * size] : [size, 0];
  const constant = { op: 'const', dtype: 'float32', value: 0.25 } as const;
  o.loop({ shape: [all], args: [], body: [constant], outs: [window(stack, [1])] });
  o.scan({
    length: time,
    reverse,
    body,
    init: [init],
    xs: [xs],
    finals: [final],
    ys: [window(stack, [size], at), window(beside, [size], besideAt)],
  });
  const otherAt = two ? besideAt : other === 'next' ? 2 * size : 0;
  o.contract({
    shape: [columns, columns],
    over: [time, batch],
    args: [window(stack, [1, 0, size, columns], otherAt), window(stack, [0, 1, size, columns], at)],
    out: window(o.output('out', 'float32', columns * columns), [columns, 1]),
  });
  o.loop({
    shape: [columns],
    over: [time, batch],
    args: [window(stack, [1, size, columns], at)],
    body: [arg(0)],
    outs: [window(o.output('sum', 'float32', columns), [1])],
  });
  return o.program();
}

test.each(
  (['next', 'previous', 'two'] as const).flatMap((other) =>
    [false, true].flatMap((reverse) =>
      [false, true].map((shown) => [other, reverse, shown] as const),
    ),
  ),
)('another window of the stack is complete first: %s, reverse %s, shown %s', async (...kind) => {
  const program = meeting(...kind);
  const backend = await openWasm({ threads: 1 }, { strips: always });
  const want = await runProgram(reference(), program);
  const got = await runProgram(backend, program);
  backend.dispose();
  // Sums of 48 products below 1.
  expectNear(got, want, 1e-4);
});
