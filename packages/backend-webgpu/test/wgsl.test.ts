/**
 * The kernels of whole time loops, as people read them: LSTM and GRU, forward and backward, and one with reductions. A change of the renderer shows
 * its difference here; `vitest run test/wgsl.test.ts -u` accepts it.
 */
import { expect, test } from 'vitest';
import { dispatchesOf } from '../src/plan/plan.ts';
import { planProgram } from '../src/plan/program.ts';
import { programOf, smallest } from './recurrent.ts';

const sizes = { batch: 5, time: 3, inputs: 2, units: 4 };

test.each(['lstm', 'gru'] as const)('%s', async (name) => {
  const program = await programOf(name, 'gradients', sizes);
  const { steps } = planProgram(program, smallest, { schedule: 'persistent' });
  const loops = dispatchesOf(steps).filter(({ label }) => label.startsWith('scan'));
  const [forward, backward, ...others] = loops.map(({ kernel }) => kernel.code);
  expect(others).toEqual([]);
  await expect(forward).toMatchFileSnapshot(`wgsl/${name}-forward.wgsl`);
  await expect(backward).toMatchFileSnapshot(`wgsl/${name}-backward.wgsl`);
});

test('reductions of a step, in subgroups', async () => {
  const program = await programOf('normed', 'forward', sizes);
  const { steps } = planProgram(program, { ...smallest, subgroups: true });
  const [loop] = dispatchesOf(steps).filter(({ label }) => label.startsWith('scan'));
  await expect(loop?.kernel.code).toMatchFileSnapshot('wgsl/normed-forward-subgroups.wgsl');
});
