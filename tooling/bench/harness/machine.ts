/** How busy the machine is. */
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
