/** Assembles the backend from its kernels. Knows which instruction goes where; knows no arithmetic. */
import { type Backend, kernelBackend } from '@ostinato/core/backend';
import { contractKernel } from './contract/kernel.ts';
import { gatherKernel, scatterKernel } from './gather.ts';
import { loopKernel } from './loop/kernel.ts';
import { type CpuBuffer, cpuMemory } from './memory.ts';
import { requireSupported } from './support.ts';
import { createWorkspace } from './workspace.ts';

/**
 * Runs programs in plain JavaScript, on one thread, without generating code: it works under a strict content security
 * policy. Every call makes a backend of its own.
 */
export function cpu(): Backend<CpuBuffer> {
  const workspace = createWorkspace();
  const backend = kernelBackend(
    'cpu',
    cpuMemory,
    {
      loop: (instr) => loopKernel(instr, workspace),
      contract: (instr) => contractKernel(instr, workspace),
      gather: gatherKernel,
      scatter: scatterKernel,
    },
    {
      info: {
        variant: 'javascript',
        notes: ['one thread; loops over typed arrays, no generated code'],
      },
    },
  );
  return {
    ...backend,
    async compile(program) {
      requireSupported(program);
      return backend.compile(program);
    },
  };
}
