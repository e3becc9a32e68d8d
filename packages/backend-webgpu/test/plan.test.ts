import {
  apply,
  arg,
  cast,
  constant,
  type Instr,
  type Operand,
  type Program,
  programBuilder,
  type Rows,
  verify,
  window,
} from '@ostinato/core/backend';
import { validateWgsl } from '@ostinato/software-gpu/vitest';
import { describe, expect, test } from 'vitest';
import {
  countDispatches,
  type Dispatch,
  dispatchesOf,
  type PlanOptions,
  type Step,
} from '../src/plan/plan.ts';
import { planProgram } from '../src/plan/program.ts';
import { KernelWriter } from '../src/wgsl/writer.ts';
import { type CellName, cases, smallest as machine, programOf } from './recurrent.ts';

const sizes = { batch: 5, time: 7, inputs: 3, units: 8 };
const names = Object.keys(cases) as CellName[];

test.each(names)('%s: a persistent layer takes few dispatches', async (name) => {
  const forward = planProgram(await programOf(name, 'forward', sizes), machine);
  const both = planProgram(await programOf(name, 'gradients', sizes), machine);
  expect(forward.scans.map((s) => s.schedule)).toEqual(['persistent']);
  expect(both.scans.map((s) => s.schedule)).toEqual(['persistent', 'persistent']);
  expect(countDispatches(forward.steps)).toBeLessThanOrEqual(3);
  expect(countDispatches(both.steps)).toBeLessThanOrEqual(10);
});

test('a step of LSTM has two barriers each way', async () => {
  const { steps } = planProgram(await programOf('lstm', 'gradients', sizes), machine);
  const scans = dispatchesOf(steps).filter((d) => d.label.startsWith('scan'));
  // One more before the loop, when the carries are in place.
  for (const { kernel } of scans)
    expect(kernel.code.match(/workgroupBarrier\(\);/g)?.length).toBe(3);
  expect(scans.length).toBe(2);
});

test('a stepwise layer takes two dispatches a step, and copies of its carries', async () => {
  const program = await programOf('lstm', 'forward', sizes);
  const { steps } = planProgram(program, machine, { schedule: 'stepwise' });
  const { time } = sizes;
  expect(countDispatches(steps)).toBe(2 + 2 * time + 4);
});

test('a long loop comes in pieces', async () => {
  const program = await programOf('lstm', 'forward', sizes);
  const { steps } = planProgram(program, machine, { stepsPerDispatch: 3 });
  expect(countDispatches(steps)).toBe(2 + 3);
});

test.each(names)('%s: kernels do not depend on lengths and batch sizes', async (name) => {
  const texts = async (time: number, batch: number, schedule: 'persistent' | 'stepwise') => {
    const program = await programOf(name, 'gradients', { ...sizes, time, batch });
    const { steps } = planProgram(program, machine, { schedule });
    return new Set(dispatchesOf(steps).map((d) => d.kernel.code));
  };
  // Products of some size go through workgroup memory: a kernel more, which then serves all larger ones.
  const groups = [
    [
      [6, 3],
      [9, 3],
      [10, 4],
      [11, 7],
    ],
    [
      [500, 64],
      [300, 50],
      [1000, 33],
    ],
  ] as const;
  for (const schedule of ['persistent', 'stepwise'] as const)
    for (const [[time, batch], ...others] of groups) {
      const first = await texts(time, batch, schedule);
      for (const [t, b] of others)
        expect([...(await texts(t, b, schedule))].filter((text) => !first.has(text))).toEqual([]);
    }
});

test('what a workgroup cannot hold lies in a buffer', async () => {
  const program = await programOf('lstm', 'gradients', { ...sizes, units: 512 });
  const plan = planProgram(program, machine);
  expect(plan.scans.map((s) => s.schedule)).toEqual(['persistent', 'persistent']);
  const used = workgroupBytes(plan.steps);
  expect(Math.max(...used)).toBeGreaterThan(0);
  expect(Math.max(...used)).toBeLessThanOrEqual(machine.workgroupBytes);
});

/** Of each kernel, in all its arrays: each ends at a multiple of 16 bytes. */
const workgroupBytes = (steps: readonly Step[]): number[] =>
  dispatchesOf(steps).map(({ kernel }) =>
    [...kernel.code.matchAll(/var<workgroup> \w+: array<(f32|i32|u32|vec4<f32>), (\d+)>/g)]
      .map(([, type, n]) => Math.ceil((Number(n) * (type === 'vec4<f32>' ? 16 : 4)) / 16) * 16)
      .reduce((a, b) => a + b, 0),
  );

test('reductions of several types leave each other room in workgroup memory', async () => {
  // The copies of three matrices leave room for 6 values of 64 threads, but not for 9.
  const [rows, units, types] = [4, 304, ['float32', 'int32', 'uint32'] as const];
  const body = programBuilder();
  const x = types.map((dtype) => body.input(`x ${dtype}`, dtype, rows * units));
  const wide = types.map((dtype) => body.scratch(`wide ${dtype}`, dtype, rows * units));
  const y = types.map((dtype) => [0, 1, 2].map((k) => body.output(`y${k} ${dtype}`, dtype, rows)));
  const matrix = (slot: number) => window(slot, [units, 1]);
  const copy = { shape: [rows, units], args: x.map(matrix), outs: wide.map(matrix) };
  body.loop({ ...copy, body: types.map((_, k) => arg(k)) });
  types.forEach((_, k) => {
    body.loop({
      shape: [rows],
      over: [units],
      combine: 'max',
      args: [matrix(wide[k] as number)],
      body: [arg(0), apply('neg', arg(0)), apply('abs', arg(0))],
      outs: (y[k] as number[]).map((slot) => window(slot, [1])),
    });
  });
  const outs = y.flat();
  const b = programBuilder();
  const hint = {
    count: rows,
    inputs: x.map(() => true),
    outputs: outs.map(() => true),
    axis: [0, 0, 0, 0],
    stride: [...x, ...wide].map(() => units as number | null).concat(outs.map(() => 1)),
  };
  b.scan({
    length: 2,
    body: body.program(),
    xs: types.map((t) => window(b.input(t, t, 2 * rows * units), [rows * units])),
    ys: types.flatMap((t) => [0, 1, 2].map(() => window(b.output(t, t, 2 * rows), [rows]))),
    rows: hint,
  });
  const program = b.program();
  verify(program);
  const plan = planProgram(program, { ...machine, storageBuffers: 16 });
  expect(plan.scans).toMatchObject([{ schedule: 'persistent' }]);
  expect(Math.max(...workgroupBytes(plan.steps))).toBeLessThanOrEqual(machine.workgroupBytes);
});

test('a reduction of more values than workgroup memory takes comes in parts', () => {
  const [many, size] = [100, 8];
  const b = programBuilder();
  const x = b.input('x', 'float32', many * size);
  const sums = b.output('sums', 'float32', many);
  const each = Array.from({ length: many }, (_, k) => k);
  b.loop({
    shape: [],
    over: [size],
    args: each.map((k) => window(x, [1], k * size)),
    body: each.map((k) => arg(k)),
    outs: each.map((k) => window(sums, [], k)),
  });
  const { steps } = planProgram(b.program(), machine);
  expect(steps.length).toBe(2);
  expect(Math.max(...workgroupBytes(steps))).toBeLessThanOrEqual(machine.workgroupBytes);
});

test('a long chain of operations nests no deeper than compilers take', async () => {
  const b = programBuilder();
  const [x, y] = [b.input('x', 'float32', 8), b.output('y', 'float32', 8)];
  let value = arg(0);
  for (let k = 0; k < 500; k++)
    value = apply(
      'add',
      constant(k),
      apply('mul', value, value === arg(0) ? value : constant(0.5)),
    );
  b.loop({ shape: [8], args: [window(x, [1])], body: [value], outs: [window(y, [1])] });
  const [{ kernel } = {} as Dispatch] = dispatchesOf(planProgram(b.program(), machine).steps);
  await validateWgsl(kernel.code);
});

test('a shared carry whose last value takes the place of its first is stepped through', () => {
  const body = programBuilder();
  const carries = ['float32', 'float32'] as const;
  const [n, h] = [body.input('n', 'float32', 1), body.input('h', 'float32', 4)];
  const [more, next] = [body.output('n', 'float32', 1), body.output('h', 'float32', 4)];
  body.loop({ shape: [1], args: [window(n, [1])], body: [arg(0)], outs: [window(more, [1])] });
  body.loop({ shape: [4], args: [window(h, [1])], body: [arg(0)], outs: [window(next, [1])] });
  const program = (finals: 'same slot' | 'same place' | 'apart'): Program => {
    const b = programBuilder();
    const init = carries.map((t, k) => b.scratch(`init${k}`, t, k === 0 ? 1 : 4));
    init.forEach((slot, k) => {
      b.loop({ shape: [k === 0 ? 1 : 4], body: [constant(1)], outs: [window(slot, [1])] });
    });
    const last =
      finals === 'same slot'
        ? init
        : carries.map((t, k) => b.scratch(`last${k}`, t, k === 0 ? 1 : 4));
    const rows: Rows = {
      count: 4,
      inputs: [false, true],
      outputs: [false, true],
      axis: [null, 0],
      stride: [null, 1, null, 1],
    };
    b.scan({
      length: 3,
      body: body.program(),
      init: init.map((slot) => window(slot)),
      finals: last.map((slot) => window(slot)),
      rows,
    });
    const made = b.program({ arenas: finals === 'same place' ? 0 : 1 });
    if (finals !== 'same place') return made;
    // What comes in is dead when what goes out is written.
    const slots = made.slots.map((s, k) => ({ ...s, arena: 0, offset: k % 2 === 0 ? 0 : 16 }));
    const move = (o: Operand): Operand => ({ ...o, buffer: 0, offset: o.slot % 2 === 0 ? 0 : 4 });
    const code = made.code.map(
      (i): Instr =>
        i.kind === 'scan'
          ? { ...i, init: i.init.map(move), finals: i.finals.map(move) }
          : ({ ...i, outs: i.outs.map(move) } as Instr),
    );
    return { ...made, slots, code, scratch: [32] };
  };
  const schedule = (p: Program): unknown => planProgram(p, machine).scans[0]?.schedule;
  expect(schedule(program('apart'))).toBe('persistent');
  expect(schedule(program('same slot'))).toBe('stepwise');
  expect(schedule(program('same place'))).toBe('stepwise');
});

test('a y that rows share and that a step updates in place, or writes twice, is stepped through', () => {
  const schedule = (how: 'once' | 'in place' | 'twice'): unknown => {
    const inPlace = how !== 'once';
    const body = programBuilder();
    const [h, next] = [body.input('h', 'float32', 4), body.output('h', 'float32', 4)];
    const y = body.output('y', 'float32', 1);
    const half = inPlace ? y : body.scratch('half', 'float32', 1);
    body.loop({ shape: [4], args: [window(h, [1])], body: [arg(0)], outs: [window(next, [1])] });
    body.loop({ shape: [1], body: [constant(1)], outs: [window(half, [1])] });
    const double = [apply('add', arg(0), arg(0))];
    const last =
      how === 'twice' ? { body: [constant(2)] } : { args: [window(half, [1])], body: double };
    body.loop({ shape: [1], ...last, outs: [window(y, [1])] });
    const b = programBuilder();
    b.scan({
      length: 3,
      body: body.program(),
      init: [window(b.input('h', 'float32', 4))],
      finals: [window(b.output('h', 'float32', 4))],
      ys: [window(b.output('y', 'float32', 3), [1])],
      rows: {
        count: 4,
        inputs: [true],
        outputs: [true, false],
        axis: [0, null, null],
        stride: [1, 1, null, ...(inPlace ? [] : [null])],
      },
    });
    const program = b.program();
    verify(program);
    return planProgram(program, machine).scans[0]?.schedule;
  };
  expect(schedule('once')).toBe('persistent');
  expect(schedule('in place')).toBe('stepwise');
  expect(schedule('twice')).toBe('stepwise');
});

test('no value of a kernel has the name of a type', () => {
  // What the index of an axis is called depends on how many names came before.
  for (let before = 0; before < 100; before++) {
    const w = new KernelWriter({ threads: 64, subgroups: false }, []);
    const names = Array.from({ length: before }, () => w.name('v'));
    names.push(w.name('i'), w.name('v'));
    expect(new Set(names).size).toBe(before + 2);
    expect(names).not.toContain('i32');
  }
});

test('element types that no GPU has are refused inside expressions, too', () => {
  const b = programBuilder();
  const [x, y] = [b.input('x', 'float32', 8), b.output('y', 'float32', 8)];
  const body = [cast('float32', cast('float64', arg(0)))];
  b.loop({ shape: [8], args: [window(x, [1])], body, outs: [window(y, [1])] });
  expect(() => planProgram(b.program(), machine)).toThrow(/float64.+unsupported-dtype/);
});

test('a kernel that cannot bind its buffers is refused before the device does', () => {
  const b = programBuilder();
  const inputs = Array.from({ length: 8 }, (_, k) => b.input(`x${k}`, 'float32', 4));
  const out = b.output('y', 'float32', 4);
  const total = inputs.map((_, k) => arg(k)).reduce((p, q) => apply('add', p, q));
  const args = inputs.map((slot) => window(slot, [1]));
  b.loop({ shape: [4], args, body: [total], outs: [window(out, [1])] });
  expect(() => planProgram(b.program(), machine)).toThrow(/touches 9 buffers.+binds 8/);
});

describe('weights in workgroup memory', () => {
  const planned = async (name: CellName, units: number, options: PlanOptions = {}) => {
    const program = await programOf(name, 'gradients', { ...sizes, units });
    return planProgram(program, machine, { schedule: 'persistent', ...options });
  };
  const said = async (...given: Parameters<typeof planned>) =>
    (await planned(...given)).scans.map((s) => s.weights);

  test('all that fit, of products forward and backward', async () => {
    const all = '1024 of 1024 bytes of weights in workgroup memory';
    expect(await said('lstm', 8)).toEqual([all, all]);
    expect(await said('lstm', 8, { residentWeights: false })).toEqual([undefined, undefined]);
  });

  test('a part of the depth, where that is at least a quarter', async () => {
    // Carries and, forward, the product of 4 rows take the rest.
    expect(await said('lstm', 32)).toEqual([
      '10240 of 16384 bytes of weights in workgroup memory',
      '13824 of 16384 bytes of weights in workgroup memory',
    ]);
    expect(await said('lstm', 256)).toEqual([
      '0 of 1048576 bytes of weights in workgroup memory',
      '0 of 1048576 bytes of weights in workgroup memory',
    ]);
  });

  test('a part, on the device that the test of scans makes small', async () => {
    const small = { ...machine, tileThreads: 64, software: true, workgroupBytes: 1824 };
    const ways = { schedule: 'persistent', tileRows: 1, residentWeights: true } as const;
    const parts = await Promise.all(
      names.map(async (name) => {
        const program = await programOf(name, 'gradients', { ...sizes, inputs: 4, units: 12 });
        return planProgram(program, small, ways).scans.map((s) => s.weights);
      }),
    );
    const said = (of: number, ...resident: number[]): string[] =>
      resident.map((n) => `${n} of ${of} bytes of weights in workgroup memory`);
    expect(parts).toEqual([said(2304, 768, 1536), said(1728, 1152, 1536), said(576, 576, 576)]);
  });

  test('no step reads from the device what is resident', async () => {
    const loopOf = async (units: number): Promise<string> => {
      const [scan] = dispatchesOf((await planned('lstm', units)).steps).filter((d) =>
        d.label.startsWith('scan'),
      );
      return (scan as Dispatch).kernel.code.split('for (var s =')[1] as string;
    };
    // Weights are the only buffer that is read four elements at a time.
    const fours = /= b\d\[\(.+>> 2u\]/;
    expect(await loopOf(8)).not.toMatch(fours);
    expect(await loopOf(32)).toMatch(fours);
  });

  test.each(names)('%s: never more than the device has', async (name) => {
    for (const units of [1, 7, 8, 20, 32, 33, 60, 64])
      for (const tileRows of [1, 3, undefined]) {
        const plan = await planned(name, units, tileRows ? { tileRows } : {});
        expect(Math.max(...workgroupBytes(plan.steps))).toBeLessThanOrEqual(machine.workgroupBytes);
      }
  });
});

test('no kernel binds more buffers than the device', async () => {
  for (const name of names) {
    const program = await programOf(name, 'gradients', sizes);
    for (const schedule of ['persistent', 'stepwise'] as const)
      for (const { kernel } of dispatchesOf(planProgram(program, machine, { schedule }).steps))
        expect(kernel.bindings.length).toBeLessThanOrEqual(machine.storageBuffers);
  }
});
