/**
 * An isolated page, on its own thread or in a module worker: two threads for every instruction that can be shared,
 * however small.
 */
import { wasm } from '@ostinato/backend-wasm';
import { runCases, send } from '../report.ts';

const only = new URL(location.href).searchParams.get('only') ?? '';
await send(async () => ({
  facts: { isolated: crossOriginIsolated, page: typeof document },
  ...(await runCases(() => wasm({ threads: 2, threadsFrom: 0 }), only)),
}));
