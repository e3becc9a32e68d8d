/** A page whose policy forbids to compile anything: the list of backends ends with the one that needs nothing. */
import { cpu } from '@ostinato/backend-cpu';
import { wasm } from '@ostinato/backend-wasm';
import { pickBackend } from '@ostinato/core';
import { runCases, send } from '../report.ts';

await send(async () => {
  const { backend, tried } = await pickBackend([wasm, cpu]);
  const facts = { picked: backend.name, tried, evaluates: evaluates() };
  backend.dispose();
  return { facts, ...(await runCases(() => cpu())) };
});

/** Whether the policy lets text become code; if it does, this page shows nothing. */
function evaluates(): boolean {
  try {
    return new Function('return true')();
  } catch {
    return false;
  }
}
