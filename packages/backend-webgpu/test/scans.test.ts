import { type Backend, reference } from '@ostinato/core/backend';
import { describeOnGpu } from '@ostinato/software-gpu/vitest';
import { describe, expect, test } from 'vitest';
import type { WebGpuOptions } from '../src/index.ts';
import { open } from './gpu.ts';
import { type CellName, cases, evaluate } from './recurrent.ts';

// Units beyond a workgroup's threads, rows that fill no tile, an odd number of steps.
const sizes = { batch: 5, time: 7, inputs: 4, units: 68 };
const names = Object.keys(cases) as CellName[];

async function gradientsOn(options: WebGpuOptions, name: CellName): Promise<number[]> {
  const backend = await open(options);
  try {
    return await evaluate(backend as unknown as Backend<never>, name, 'gradients', sizes);
  } finally {
    backend.dispose();
  }
}

/** The largest difference over the largest value; Infinity where a number is none. */
function apart(got: readonly number[], want: readonly number[]): number {
  const most = Math.max(...want.map(Math.abs));
  const differences = got.map((x, k) => Math.abs(x - (want[k] as number)) / most);
  return differences.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...differences);
}

/** Float32 over 7 steps and sums of 68 to 35 terms; the reference sums in float64. */
const TOLERANCE = 5e-6;

await describeOnGpu('scans', () => {
  describe.each(names)('%s', (name) => {
    test('both schedules, and every way of cutting them, agree with the reference', async () => {
      const want = await evaluate(reference() as Backend<never>, name, 'gradients', sizes);
      const ways: WebGpuOptions[] = [
        { schedule: 'stepwise' },
        { schedule: 'persistent' },
        { schedule: 'persistent', stepsPerDispatch: 3 },
        { schedule: 'persistent', tileRows: 1 },
        { schedule: 'persistent', tileRows: 3, tuning: 'gpu' },
      ];
      for (const way of ways) {
        const got = await gradientsOn(way, name);
        expect(got.length).toBe(want.length);
        expect(apart(got, want), JSON.stringify(way)).toBeLessThan(TOLERANCE);
      }
    });
  });

  test('cutting time changes no bit', async () => {
    const whole = await gradientsOn({ schedule: 'persistent' }, 'lstm');
    for (const stepsPerDispatch of [1, 2, 7])
      expect(await gradientsOn({ schedule: 'persistent', stepsPerDispatch }, 'lstm')).toEqual(
        whole,
      );
  });

  test('the same run gives the same bits', async () => {
    for (const schedule of ['stepwise', 'persistent'] as const) {
      const first = await gradientsOn({ schedule }, 'normed');
      expect(await gradientsOn({ schedule }, 'normed')).toEqual(first);
    }
  });

  test('without its barriers a time loop is wrong, and this is seen', async () => {
    const want = await evaluate(reference() as Backend<never>, 'lstm', 'gradients', sizes);
    const got = await gradientsOn({ schedule: 'persistent', barriers: false }, 'lstm');
    expect(apart(got, want)).toBeGreaterThan(1000 * TOLERANCE);
  });

  test('a new length or batch size builds no pipeline', async () => {
    for (const schedule of ['persistent', 'stepwise'] as const) {
      const backend = await open({ schedule });
      const at = async (time: number, batch: number): Promise<number> => {
        const given = { ...sizes, units: 8, time, batch };
        await evaluate(backend as unknown as Backend<never>, 'lstm', 'gradients', given);
        return backend.counts().pipelines;
      };
      const first = await at(6, 3);
      for (const [time, batch] of [
        [9, 3],
        [10, 4],
        [11, 7],
      ] as const)
        expect(await at(time, batch)).toBe(first);
      backend.dispose();
    }
  });
});
