/** An isolated page's own thread, which must not wait: threads are asked for and cannot be. */
import { wasm } from '@ostinato/backend-wasm';
import { runCases, send } from '../report.ts';

await send(async () => ({
  facts: { isolated: crossOriginIsolated, sharedArrayBuffer: typeof SharedArrayBuffer },
  ...(await runCases(() => wasm({ threads: 2, threadsFrom: 0 }), 'contract')),
}));
