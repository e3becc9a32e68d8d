import { testBackend } from '@ostinato/backend-testing';
import type { Backend } from '@ostinato/core/backend';
import { describeOnGpu } from '@ostinato/software-gpu/vitest';
import type { WebGpuBackend, WebGpuOptions } from '../src/index.ts';
import { open } from './gpu.ts';

const size = process.env.OSTINATO_CONFORMANCE === 'full' ? 'full' : 'quick';

// As on GPUs and software adapters, but for the tuning of kernels: both are chosen for software here.
const ways = {
  stepwise: { schedule: 'stepwise', subgroups: false },
  persistent: { schedule: 'persistent', residentWeights: true },
} as const satisfies Record<string, WebGpuOptions>;

const liveBuffers = (backend: Backend): number =>
  (backend as unknown as WebGpuBackend).counts().buffers;

await describeOnGpu('conformance', () => {
  for (const [name, options] of Object.entries(ways))
    testBackend(`webgpu ${name}`, () => open(options), { size, liveBuffers });
});
