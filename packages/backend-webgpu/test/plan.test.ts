import { expect, test } from 'vitest';
import { countDispatches, dispatchesOf } from '../src/plan/plan.ts';
import { planProgram } from '../src/plan/program.ts';
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
  const arrays = dispatchesOf(plan.steps).flatMap(({ kernel }) =>
    [...kernel.code.matchAll(/var<workgroup> \w+: array<(f32|u32|vec4<f32>), (\d+)>/g)].map(
      ([, type, n]) => Number(n) * (type === 'vec4<f32>' ? 16 : 4),
    ),
  );
  expect(arrays.length).toBeGreaterThan(0);
  expect(Math.max(...arrays)).toBeLessThanOrEqual(machine.workgroupBytes);
});

test('no kernel binds more buffers than the device', async () => {
  for (const name of names) {
    const program = await programOf(name, 'gradients', sizes);
    for (const schedule of ['persistent', 'stepwise'] as const)
      for (const { kernel } of dispatchesOf(planProgram(program, machine, { schedule }).steps))
        expect(kernel.bindings.length).toBeLessThanOrEqual(machine.storageBuffers);
  }
});
