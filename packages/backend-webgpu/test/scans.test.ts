import { add, compile, matmul, scan, type Tensor, tanh } from '@ostinato/core';
import { type Backend, reference } from '@ostinato/core/backend';
import { dawnSeen, describeOnGpu } from '@ostinato/software-gpu/vitest';
import { describe, expect, test } from 'vitest';
import type { WebGpuOptions } from '../src/index.ts';
import { open } from './gpu.ts';
import { type CellName, cases, evaluate, numbers } from './recurrent.ts';

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

/** A GPU whose devices say that a workgroup has no more memory than this. */
const withWorkgroupBytes = (bytes: number): GPU =>
  dawnSeen((device) => {
    const { limits } = device;
    const get = (_: GPUSupportedLimits, name: keyof GPUSupportedLimits): unknown =>
      name === 'maxComputeWorkgroupStorageSize' ? bytes : limits[name];
    Object.defineProperty(device, 'limits', { value: new Proxy(limits, { get } as never) });
  });

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
        { schedule: 'persistent', tileRows: 1, subgroups: false },
        { schedule: 'persistent', tileRows: 3, tuning: 'gpu', residentWeights: false },
      ];
      for (const way of ways) {
        const got = await gradientsOn(way, name);
        expect(got.length).toBe(want.length);
        expect(apart(got, want), JSON.stringify(way)).toBeLessThan(TOLERANCE);
      }
    });
  });

  // Few units: SwiftShader takes seconds to compile a kernel with kilobytes of workgroup memory.
  test.each(names)('%s: weights in workgroup memory, all or a part of them', async (name) => {
    const few = { ...sizes, units: 12 };
    const want = await evaluate(reference() as Backend<never>, name, 'gradients', few);
    const ways: WebGpuOptions[] = [
      { stepsPerDispatch: 3 },
      { tileRows: 1, gpu: withWorkgroupBytes(1824) },
      { tuning: 'gpu', tileRows: 3 },
    ];
    for (const way of ways) {
      const backend = await open({ schedule: 'persistent', residentWeights: true, ...way });
      const got = await evaluate(backend as unknown as Backend<never>, name, 'gradients', few);
      backend.dispose();
      expect(apart(got, want), JSON.stringify(way)).toBeLessThan(TOLERANCE);
    }
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

  test('a first step that does not wait for weights and carries is seen', async () => {
    const [rows, units] = [5, 12] as const;
    const args = [
      numbers(1, [rows, units]),
      numbers(2, [units, units]),
      numbers(3, [2, rows, units]),
    ];
    /** Starts from a state that is not 0, as recurrent layers do not. */
    const layer = (start: Tensor, u: Tensor, xs: Tensor): Tensor =>
      scan((h: Tensor, x: Tensor) => [tanh(add(matmul(h, u), x)), h], start, xs)[0];
    const run = async (options: WebGpuOptions): Promise<number[]> => {
      const backend = await open({ schedule: 'persistent', ...options });
      const compiled = compile(backend as unknown as Backend<never>, layer as never) as (
        ...given: unknown[]
      ) => Promise<Tensor>;
      const { data } = await (await compiled(...args)).read();
      backend.dispose();
      return [...(data as Float32Array)];
    };
    let removed = 0;
    /** Without what all threads wait for between the copies and the first step. */
    const hasty = dawnSeen((device) => {
      const create = device.createShaderModule.bind(device);
      device.createShaderModule = ({ code }) => {
        const first = /storageBarrier\(\);\s+workgroupBarrier\(\);\s+(?=for \(var s)/;
        if (first.test(code)) removed++;
        return create({ code: code.replace(first, '') });
      };
    });
    const want = await run({ residentWeights: false });
    expect(apart(await run({ residentWeights: true }), want)).toBeLessThan(TOLERANCE);
    const got = await run({ residentWeights: true, gpu: hasty });
    expect(apart(got, want)).toBeGreaterThan(1000 * TOLERANCE);
    expect(removed).toBe(1);
  });

  test('a new length or batch size builds no pipeline', async () => {
    for (const schedule of ['persistent', 'stepwise'] as const) {
      const backend = await open({ schedule, residentWeights: true });
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

  test('more loops in loops than a device takes are refused, and the backend goes on', async () => {
    const backend = (await open()) as unknown as Backend<never>;
    const nested = (depth: number, h: Tensor, x: Tensor): readonly [Tensor, Tensor] =>
      depth === 0 ? [add(h, x), h] : scan((s: Tensor, t: Tensor) => nested(depth - 1, s, t), h, x);
    const ones = (shape: number[]) => ({ data: [1], shape });
    const deep = compile(backend, (h: Tensor, x: Tensor) => [...nested(9, h, x)]);
    await expect(deep(ones([1]), ones(Array(10).fill(1)))).rejects.toThrow(
      /lies in 9 time loops; devices take 8.+program-invalid/,
    );
    const double = compile(backend, (x: Tensor) => add(x, x));
    expect([...(await (await double(ones([1]))).read()).data]).toEqual([2]);
    backend.dispose();
  });
});
