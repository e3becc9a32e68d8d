/** Room for timers, signals and pages between pieces of work. Knows tasks; knows no work. */

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: null): void;
  close(): void;
}

/** What is used of the host: Node, Bun, Deno, a page or a worker. Compiled for none of them, so named here. */
interface Host {
  readonly setImmediate?: (f: () => void) => unknown;
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port };
  readonly setTimeout?: (f: () => void, milliseconds: number) => unknown;
  readonly performance?: { now(): number };
}

// As they are when this loads. Tests that put pretended timers in their place would stop every loop that rests.
const { setImmediate, MessageChannel, setTimeout, performance } = globalThis as unknown as Host;

/** Milliseconds from some moment on. */
export const now = (): number => performance?.now() ?? Date.now();

/**
 * Resolves in a task of its own: timers, input and painting come before it. A resolved promise would not do, its
 * continuation runs before everything else; and nested timeouts are held back by 4 ms in pages.
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (setImmediate) setImmediate(resolve);
    else if (MessageChannel) {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    } else if (setTimeout) setTimeout(resolve, 0);
    else resolve();
  });
}

/** Below 50 ms, from which on people notice, since the next piece may take a little longer than the one before. */
const PATIENCE = 40;

/** Gives way between pieces of work, when the next piece would make it too long since the last time. */
export interface Breather {
  /** Whether it is time, asked after each piece: a loop that awaits nothing else then awaits `rest`. */
  due(): boolean;
  rest(): Promise<void>;
}

export function breather(): Breather {
  let last = now();
  let before = last;
  return {
    due() {
      const present = now();
      const piece = present - before;
      before = present;
      return present - last + piece >= PATIENCE;
    },
    async rest() {
      await nextTask();
      last = now();
      before = last;
    },
  };
}
