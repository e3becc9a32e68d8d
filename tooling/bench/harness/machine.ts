/** How busy the machine is. */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** CPU time that all cores together have spent since they started, in ms. */
function busyMs(): number {
  return cpus().reduce(
    (sum, { times }) => sum + times.user + times.nice + times.sys + times.irq,
    0,
  );
}

/** From this call on; what it gives says how many cores others kept busy since, beside so much CPU time of our own. */
export function foreignFromNow(): (ownMs: number) => number {
  const [busy, start] = [busyMs(), performance.now()];
  return (ownMs) => Math.max(0, (busyMs() - busy - ownMs) / (performance.now() - start));
}

/** Cores that are busy while this process sleeps: of all of the machine, not of those that it may use. */
export async function foreignLoad(ms = 1000): Promise<number> {
  const foreign = foreignFromNow();
  await sleep(ms);
  return foreign(0);
}

/** The same, for readers of figures. */
export const loadNote = (busy: number): string =>
  `other processes used ${busy.toFixed(2)} of ${cpus().length} cores at the start`;
