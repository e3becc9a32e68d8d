/**
 * What a worker runs, as text: it must start in Node and in pages, from a bundle too, without a file of its own. Knows
 * the control block; knows no kernel.
 */

/** Words of the control block. A job's arguments follow. */
export const word = {
  generation: 0,
  left: 1,
  operation: 2,
  program: 3,
  function: 4,
  count: 5,
  total: 6,
  arguments: 7,
} as const;

export const operation = { run: 0, load: 1 } as const;

/** How often a waiting thread looks before it sleeps: some tens of microseconds, so that a busy machine loses little. */
export const SPINS = 20_000;

/** The part of `total` that thread `index` of `threads` computes. */
export const share = (
  total: number,
  index: number,
  threads: number,
): { first: number; count: number } => {
  const first = Math.floor((total * index) / threads);
  return { first, count: Math.floor((total * (index + 1)) / threads) - first };
};

export const workerSource = `
const node = globalThis.process?.getBuiltinModule?.('node:worker_threads') ?? null;
const port = node ? node.parentPort : self;
const share = ${share.toString()};
let control, memory, index, threads, seen;
const programs = new Map();
function serve() {
  for (;;) {
    for (let k = 0; k < ${SPINS} && Atomics.load(control, ${word.generation}) === seen; k++);
    while (Atomics.load(control, ${word.generation}) === seen) Atomics.wait(control, ${word.generation}, seen);
    seen = Atomics.load(control, ${word.generation});
    if (control[${word.operation}] === ${operation.load}) return; // back to the event loop, where the module waits
    const { first, count } = share(control[${word.total}], index, threads);
    const all = [...control.subarray(${word.arguments}, ${word.arguments} + control[${word.count}]), first, count, index];
    try {
      programs.get(control[${word.program}])[control[${word.function}]](...all);
    } finally {
      if (Atomics.sub(control, ${word.left}, 1) === 1) Atomics.notify(control, ${word.left});
    }
  }
}
function receive(message) {
  if (message.control !== undefined) {
    ({ memory, index, threads } = message);
    control = new Int32Array(memory.buffer, message.control, message.words);
    seen = Atomics.load(control, ${word.generation});
  } else if (message.drop !== undefined) programs.delete(message.drop);
  else {
    const env = { memory };
    for (const module of message.modules) Object.assign(env, new WebAssembly.Instance(module, { env }).exports);
    programs.set(message.id, message.names.map((name) => env[name]));
  }
  port.postMessage('ready');
  serve();
}
if (node) port.on('message', receive);
else port.onmessage = (event) => receive(event.data);
`;
