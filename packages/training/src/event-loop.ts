/** Room for timers, signals and pages between steps. Knows tasks; knows no work. */
import { host } from './host.ts';

/** Milliseconds from some moment on. */
export const now = (): number => host.performance?.now() ?? Date.now();

/**
 * Resolves in a task of its own: timers, input and painting come before it. A resolved promise would not do, its
 * continuation runs before everything else; and nested timeouts are held back by 4 ms in pages.
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (host.setImmediate) host.setImmediate(resolve);
    else if (host.MessageChannel) {
      const { port1, port2 } = new host.MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    } else if (host.setTimeout) host.setTimeout(resolve, 0);
    else resolve();
  });
}

/** Below the promised 50 ms, since the next piece of work may take a little longer than the one before. */
const PATIENCE = 40;

/** Call `rest` between pieces of work: it gives way when the next piece would make it too long since the last time. */
export function breather(): { rest(): Promise<boolean> } {
  let last = now();
  let before = last;
  return {
    /** Says whether it gave way. */
    async rest() {
      const present = now();
      const piece = present - before;
      before = present;
      if (present - last + piece < PATIENCE) return false;
      await nextTask();
      last = now();
      before = last;
      return true;
    },
  };
}
