/** As with long sequences: products sink into time loops, are joined there, and loops run in strips, however short. */
import { testBackend } from '@ostinato/backend-testing';
import { openWasm } from '../src/backend.ts';
import { tight } from './forced.ts';

for (const [threads, size] of [
  [1, 'full'],
  [2, 'quick'],
] as const)
  testBackend(
    `wasm with ${threads} thread${threads > 1 ? 's' : ''}, all loops tight`,
    () => openWasm({ threads, threadsFrom: 0 }, tight),
    { size },
  );
