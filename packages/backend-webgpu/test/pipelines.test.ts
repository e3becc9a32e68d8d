import { describeOnGpu } from '@ostinato/software-gpu/vitest';
import { expect, test } from 'vitest';
import { openDevice } from '../src/adapter.ts';
import { StepNumbers } from '../src/clock.ts';
import { watch } from '../src/health.ts';
import { Pipelines } from '../src/pipelines.ts';
import type { Kernel } from '../src/wgsl/writer.ts';

/** A device that makes nothing, as far as pipelines and step numbers ask for it. */
const device = (given: object): GPUDevice =>
  ({
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createShaderModule: () => ({ getCompilationInfo: async () => ({ messages: [] }) }),
    pushErrorScope: () => undefined,
    popErrorScope: async () => null,
    createBuffer: ({ size }: GPUBufferDescriptor) => ({ size, destroy: () => undefined }),
    queue: { writeBuffer: () => undefined },
    ...given,
  }) as unknown as GPUDevice;

test('a kernel that the device did not take is tried again, one that it took is not', async () => {
  let calls = 0;
  const createComputePipelineAsync = async () => {
    if (calls++ === 0) throw new Error('no memory left');
    return {};
  };
  const pipelines = new Pipelines(device({ createComputePipelineAsync }));
  const kernel: Kernel = { code: 'fn main() {}', bindings: [], params: [], clocks: [] };
  await expect(pipelines.get(kernel)).rejects.toThrow(/refuses a kernel \(no memory left\)/);
  expect(pipelines.count).toBe(0);
  const made = await pipelines.get(kernel);
  expect(await pipelines.get(kernel)).toBe(made);
  expect([pipelines.count, calls]).toEqual([1, 2]);
});

test('steps are counted as far as a buffer of their numbers goes', () => {
  const sizes: number[] = [];
  const limits = { minUniformBufferOffsetAlignment: 256, maxBufferSize: 256 * 1000 };
  const createBuffer = ({ size }: GPUBufferDescriptor) => {
    sizes.push(size);
    return { destroy: () => undefined };
  };
  const all = device({ limits, createBuffer });
  const steps = new StepNumbers(all, new Pipelines(all));
  for (const count of [1, 300, 900, 1000]) steps.reserve(count);
  expect(sizes.map((n) => n / 256)).toEqual([256, 512, 1000]);
  expect(() => steps.reserve(1001)).toThrow(/has 1001 steps, this device counts 1000.+chunks/);
});

await describeOnGpu('pipelines', () => {
  test('a fault in a kernel is told with its line, and the device goes on', async () => {
    const { device: real, gpu } = await openDevice({ allowSoftware: true });
    const health = watch(real);
    const pipelines = new Pipelines(real);
    const kernel = (line: string): Kernel => ({
      code: `@compute @workgroup_size(1)\nfn main() {\n  ${line}\n}`,
      bindings: [],
      params: [],
      clocks: [],
    });
    await expect(pipelines.get(kernel('let x = y;'))).rejects.toThrow(
      /refuses a kernel \(line 3: .+let x = y;/s,
    );
    await pipelines.get(kernel('let x = 1;'));
    health.check('compile');
    real.destroy();
    void gpu; // Dawn crashes where it goes first
  });
});
