import { testBackend } from '@ostinato/backend-testing';
import { wasm } from '../src/index.ts';

for (const relaxedSimd of [true, false])
  for (const pairedSimd of [true, false]) {
    const name = `wasm${relaxedSimd ? ' relaxed' : ''}${pairedSimd ? ' paired' : ''}`;
    testBackend(name, () => wasm({ relaxedSimd, pairedSimd, threads: 1 }), { size: 'full' });
  }

// Every instruction that can be shared is, however small.
testBackend('wasm with 2 threads', () => wasm({ threads: 2, threadsFrom: 0 }), { size: 'quick' });
testBackend('wasm with 3 threads', () => wasm({ threads: 3, threadsFrom: 0 }), { size: 'quick' });
