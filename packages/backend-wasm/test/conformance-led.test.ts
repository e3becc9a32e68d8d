/** As on a page's own thread: a worker leads, and all that is asked of it is a message. */
import { testBackend } from '@ostinato/backend-testing';
import { openWasm } from '../src/backend.ts';

for (const threads of [2, 3])
  testBackend(
    `wasm with ${threads} threads, led by a worker`,
    () => openWasm({ threads, threadsFrom: 0 }, { led: true }),
    { size: 'full' },
  );
