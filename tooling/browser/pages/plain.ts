/** A page without isolation: one thread, no shared memory. */
import { wasm } from '@ostinato/backend-wasm';
import { runCases, send } from '../report.ts';

await send(async () => ({
  facts: { isolated: crossOriginIsolated, sharedArrayBuffer: typeof SharedArrayBuffer },
  ...(await runCases(() => wasm())),
}));
