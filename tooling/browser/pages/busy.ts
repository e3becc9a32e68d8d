/**
 * An isolated page that lets a worker compute for long: what its own thread can do meanwhile, and what is left when it
 * ends in the middle. With `?forget` it leaves work behind and disposes nothing.
 */
import { wasm } from '@ostinato/backend-wasm';
import { compile, matmul, OstinatoError, scan, type Tensor, tanh } from '@ostinato/core';
import { send } from '../report.ts';

const size = 512;
const steps = 80;
const square = (scale: number) => ({
  data: Float32Array.from({ length: size * size }, (_, i) => Math.sin(i * i) * scale),
  shape: [size, size],
});
const start = square(1);
const weights = square(0.1);

await send(async () => {
  const backend = await wasm({ threads: 2 });
  const notes = backend.info().notes ?? [];
  const run = compile(backend, (h: Tensor, w: Tensor) => {
    const step = (carry: Tensor) => [tanh(matmul(carry, w)), null] as const;
    return scan(step, h, null, { length: steps })[0];
  });
  const first = await (await run(start, weights)).read();
  const facts = { moves: first.data.some((x) => Math.abs(Number(x)) > 0.01) };
  if (location.search === '?forget') {
    for (let k = 0; k < 20; k++) await run(start, weights);
    return { facts, notes, passed: 0, failed: [] };
  }
  const events: string[] = [];
  const timer = setInterval(() => events.push('timer'), 4);
  const result = await run(start, weights);
  events.push('asked');
  const { data } = await result.read();
  events.push('read');
  clearInterval(timer);
  const waiting = (await run(start, weights)).read();
  backend.dispose();
  const ended = await waiting.then(
    () => 'read',
    (error) => (error instanceof OstinatoError ? error.code : String(error)),
  );
  const same = data.every((x, k) => x === first.data[k]);
  return { facts: { ...facts, events, same, ended }, notes, passed: 0, failed: [] };
});
