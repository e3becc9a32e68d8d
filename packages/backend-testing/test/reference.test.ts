import { hostMemory, kernelBackend, reference, referenceKernels } from '@ostinato/core/backend';
import { testBackend } from '../src/index.ts';

// The reference compares with itself: shows that the cases are valid programs, and that runs repeat bit by bit.
testBackend('reference', reference, { size: 'quick', float64: true });

// Everything that core derives from loops, and its own time loop, against the reference's direct ways.
testBackend(
  'the reference loop alone',
  () => kernelBackend('loops', hostMemory(), { loop: referenceKernels().loop }),
  { size: 'full', float64: true },
);

testBackend('the reference kernels', () =>
  kernelBackend('kernels', hostMemory(), referenceKernels()),
);
