/** `schedule: 'measured'`: the faster way is kept, the other one leaves nothing behind. */
import { add, compile, explain, leavesOf, scan, type Tensor } from '@ostinato/core';
import { type Backend, reference } from '@ostinato/core/backend';
import { dawnSeen, describeOnGpu } from '@ostinato/software-gpu/vitest';
import { expect, test } from 'vitest';
import { measure } from '../src/fastest.ts';
import { open } from './gpu.ts';
import { evaluate, programOf, work } from './recurrent.ts';

/** A device whose work takes as long as it is said to, and a clock that knows. */
function pretended(costs: readonly (readonly number[])[]) {
  let [now, pending] = [100, 0];
  const ran: number[] = [];
  const runs = costs.map((cost, k) => () => {
    pending += cost[ran.filter((r) => r === k).length] as number;
    ran.push(k);
  });
  const done = async (): Promise<void> => {
    now += pending;
    pending = 0;
  };
  return { runs, ran, watch: { done, now: () => now } };
}

test('the least of three runs counts, the first of all does not', async () => {
  const { runs, ran, watch } = pretended([
    [1, 9, 5, 8],
    [70, 4, 30, 30],
  ]);
  expect(await measure(runs, watch)).toEqual([5, 4]);
  expect(ran).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
});

const sizes = { batch: 3, time: 5, inputs: 2, units: 8 };

await describeOnGpu('a measured schedule', () => {
  test('gives the numbers of the reference', async () => {
    const backend = (await open({ schedule: 'measured' })) as unknown as Backend<never>;
    const got = await evaluate(backend, 'lstm', 'gradients', sizes);
    const want = await evaluate(reference() as Backend<never>, 'lstm', 'gradients', sizes);
    expect(got.length).toBe(want.length);
    const furthest = Math.max(...got.map((x, k) => Math.abs(x - (want[k] as number))));
    expect(furthest).toBeLessThan(1e-5);
    backend.dispose();
  });

  test('says what both ways took, and frees what measuring needed', async () => {
    const said: string[] = [];
    const buffers: number[] = [];
    for (const schedule of ['measured', 'stepwise', 'persistent'] as const) {
      const backend = await open({ schedule });
      const { f, args } = work('lstm', 'forward', sizes);
      const layer = compile(
        backend as unknown as Backend<never>,
        f as (...a: unknown[]) => unknown,
      );
      const out = leavesOf((await layer(...args)) as never) as Tensor[];
      said.push(explain(layer));
      buffers.push(backend.counts().buffers);
      for (const t of out) t.dispose();
      backend.dispose();
    }
    const [, kept, fused, stepped] = (said[0] as string).match(
      /scan lstm: (\w+) .+measured: persistent (\d+\.\d\d) ms, stepwise (\d+\.\d\d) ms/s,
    ) as string[];
    if (fused !== stepped)
      expect(kept).toBe(Number(fused) < Number(stepped) ? 'persistent' : 'stepwise');
    expect(said[1]).not.toContain('measured');
    // As many as whichever was kept.
    expect(buffers.slice(1)).toContain(buffers[0]);
  });

  test('measuring leaves an argument that is updated in place as it was', async () => {
    const backend = await open({ schedule: 'measured' });
    /** Adds all steps of `xs` to the state, which takes its place. */
    const run = compile(
      backend as unknown as Backend<never>,
      (state: Tensor, xs: Tensor) => {
        const step = (h: Tensor, x: Tensor) => [add(h, x), h] as const;
        return add(scan(step, state, xs)[0], state);
      },
      { donate: [0] },
    );
    const ones = { data: new Float32Array(8).fill(1), shape: [2, 4] };
    const xs = { data: new Float32Array(24).fill(1), shape: [3, 2, 4] };
    const once = (await run(ones as never, xs as never)) as Tensor;
    const twice = (await run(once, xs as never)) as Tensor;
    expect(explain(run)).toContain('measured');
    expect([...((await twice.read()).data as Float32Array)]).toEqual(new Array(8).fill(13));
    backend.dispose();
  });

  test('where one of both ways is refused, the other leaves nothing behind', async () => {
    /** Refuses what reads the number of a step from outside: the stepwise way, which comes second. */
    const gpu = dawnSeen((device) => {
      const create = device.createShaderModule.bind(device);
      device.createShaderModule = ({ code }) =>
        create({ code: code.includes('step0') ? `${code} refused` : code });
    });
    const backend = await open({ schedule: 'measured', gpu });
    const program = await programOf('lstm', 'forward', sizes);
    await expect(backend.compile(program)).rejects.toThrow('the device refuses a kernel');
    expect(backend.counts().buffers).toBe(0);
    backend.dispose();
  });

  test('a program without a loop over time runs when it is asked to', async () => {
    const backend = await open({ schedule: 'measured' });
    const double = compile(backend as unknown as Backend<never>, (x: Tensor) => add(x, x));
    const out = (await double({ data: Float32Array.of(1, 2), shape: [2] } as never)) as Tensor;
    expect([...((await out.read()).data as Float32Array)]).toEqual([2, 4]);
    expect(explain(double)).not.toContain('measured');
    backend.dispose();
  });
});
