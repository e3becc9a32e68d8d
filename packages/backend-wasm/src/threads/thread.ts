/** One worker of either host: messages there, answers back. Knows no message. */
import { type NodeThreads, nodeThreads } from './host.ts';

export interface Thread {
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** Its next message that nobody asked for earlier; rejects where it fails or is stopped before. */
  answer(): Promise<unknown>;
  stop(): void;
}

interface Listener {
  readonly told: (message: unknown) => void;
  readonly failed: (error: Error) => void;
}

interface Host extends Pick<Thread, 'post' | 'stop'> {
  /** Whether the process stays for its answers; a page stays anyway. */
  hold?(yes: boolean): void;
}

/** `failed` hears of an error that nobody caught there. */
export function startThread(source: string, failed: (error: Error) => void): Thread {
  const waiting: { resolve(message: unknown): void; reject(error: Error): void }[] = [];
  const rejectAll = (error: Error): void => {
    for (const { reject } of waiting.splice(0)) reject(error);
    host.hold?.(false);
  };
  const listener: Listener = {
    told: (message) => {
      waiting.shift()?.resolve(message);
      if (waiting.length === 0) host.hold?.(false);
    },
    failed: (error) => {
      failed(error);
      rejectAll(error);
    },
  };
  const node = nodeThreads();
  const host = node ? startInNode(node, source, listener) : startInPage(source, listener);
  return {
    post: host.post,
    answer: () =>
      new Promise((resolve, reject) => {
        host.hold?.(true);
        waiting.push({ resolve, reject });
      }),
    stop() {
      host.stop();
      rejectAll(new Error('the worker was stopped'));
    },
  };
}

function startInNode(node: NodeThreads, source: string, { told, failed }: Listener): Host {
  const worker = new node.Worker(source, { eval: true });
  worker.on('message', told);
  worker.on('error', (error) => failed(error as Error));
  worker.unref(); // a script that forgets to dispose still ends
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: (yes) => (yes ? worker.ref() : worker.unref()),
    stop: () => {
      worker.terminate().catch(() => undefined);
    },
  };
}

function startInPage(source: string, { told, failed }: Listener): Host {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url);
  worker.onmessage = ({ data }) => {
    URL.revokeObjectURL(url); // not earlier: it may still be loading
    told(data);
  };
  worker.onerror = (event) => {
    event.preventDefault(); // whoever waits is told
    // A policy that forbids the source of the worker gives an event without a message.
    failed(new Error(event.message || "the page's policy"));
  };
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    stop: () => worker.terminate(),
  };
}
