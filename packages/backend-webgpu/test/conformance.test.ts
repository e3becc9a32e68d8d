import { testBackend } from '@ostinato/backend-testing';
import { describeOnGpu } from '@ostinato/software-gpu/vitest';
import { open } from './gpu.ts';

const size = process.env.OSTINATO_CONFORMANCE === 'full' ? 'full' : 'quick';

await describeOnGpu('conformance', () => {
  for (const schedule of ['stepwise', 'persistent'] as const)
    testBackend(`webgpu ${schedule}`, () => open({ schedule }), { size });
});
