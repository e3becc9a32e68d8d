import { testBackend } from '@ostinato/backend-testing';
import { open, withGpu } from './gpu.ts';

const size = process.env.OSTINATO_CONFORMANCE === 'full' ? 'full' : 'quick';

withGpu('conformance', () => {
  for (const schedule of ['stepwise', 'persistent'] as const)
    testBackend(`webgpu ${schedule}`, () => open({ schedule }), { size });
});
