/** How busy the machine is, and the host that it may share. */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** CPU time that all cores together have spent since they started, in ms. */
export function busyMs(): number {
  return cpus().reduce(
    (sum, { times }) => sum + times.user + times.nice + times.sys + times.irq,
    0,
  );
}

/** Cores that are busy while this process sleeps: of all of the machine, not of those that it may use. */
export async function foreignLoad(ms = 1000): Promise<number> {
  const [busy, start] = [busyMs(), performance.now()];
  await sleep(ms);
  return (busyMs() - busy) / (performance.now() - start);
}

/** The same, for readers of figures. */
export const loadNote = (busy: number): string =>
  `other processes used ${busy.toFixed(2)} of ${cpus().length} cores at the start`;

/** More than a second cache holds, and a small part of a third one. Filled, for untouched pages are all one. */
const READ = new Float64Array(3 * 2 ** 17).fill(1);
const READINGS = 20;

/**
 * GB/s at which 3 MB are read again and again, some 2 ms long. Neighbours on the same host, whom no count of processes
 * shows, take of the third cache and of the memory's bandwidth; without them it is the same each time, for then what the
 * core does with each word limits it.
 */
export function cacheRate(): number {
  let sum = readAll();
  const start = performance.now();
  for (let i = 0; i < READINGS; i++) sum += readAll();
  const ms = performance.now() - start;
  return sum > 0 ? (READINGS * READ.byteLength) / (ms * 1e6) : 0; // nobody may leave the readings out
}

/** Four words of each line. With fewer sums additions would wait for one another. */
function readAll(): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < READ.length; i += 8) {
    a += READ[i] as number;
    b += READ[i + 2] as number;
    c += READ[i + 4] as number;
    d += READ[i + 6] as number;
  }
  return a + b + c + d;
}
