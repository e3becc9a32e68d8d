/** Runs one job in a process of its own. Knows processes and messages; what a job computes is in worker.ts. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Job, ToCommand, ToWorker } from './messages.ts';
import type { DataSummary } from './result.ts';
import type { Stop, StopControl } from './stop-control.ts';

export type Answer = Exclude<ToCommand, { readonly kind: 'loaded' }> | Crash;

/** A process that ended without a result: out of memory, or a bug. */
interface Crash {
  readonly kind: 'crashed';
  readonly how: string;
}

/** Runs the job to its end and gives the last thing that its process said. */
export async function runWorker(
  job: Job,
  control: StopControl,
  onLoaded: (data: DataSummary) => void,
): Promise<Answer> {
  if (control.signal !== null) return { kind: 'stopped' };
  const worker = fork(new URL('./worker.ts', import.meta.url), [JSON.stringify(job)], {
    serialization: 'advanced', // JSON has no NaN, which is what a model that diverged gives
  });
  const stop = stopOf(worker);
  control.stop = stop;
  let last: Answer | undefined;
  worker.on('message', (message) => {
    const told = message as ToCommand;
    if (told.kind !== 'loaded') {
      last = told;
      return;
    }
    onLoaded(told.data);
    if (job.row !== 'baseline') return;
    // From here on the baseline has nothing to save, and hears nothing while it computes.
    control.stop = { ...stop, softly: stop.atOnce };
    if (control.signal !== null) stop.atOnce();
  });
  // What was said may still be under way when the process is gone: the channel's end is the end.
  const closed = new Promise<void>((resolve) => worker.once('disconnect', resolve));
  const code = await new Promise<number | string | null>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code, signal) => resolve(code ?? signal));
  });
  await closed;
  control.stop = null;
  if (last !== undefined && code === 0) return last;
  // Ended by the signal itself, before it could listen, or by `stop`: the last checkpoint is all there is.
  if (control.signal !== null && typeof code === 'string') return { kind: 'stopped' };
  // Its own words, a stack or the system's, are on stderr already.
  return { kind: 'crashed', how: String(code) };
}

function stopOf(worker: ChildProcess): Stop {
  const atOnce = (): void => void worker.kill('SIGKILL');
  const message: ToWorker = { kind: 'stop' };
  const softly = (): void => void (worker.connected && worker.send(message));
  return { softly, atOnce };
}
