/**
 * What a worker runs, as text: it must start in Node and in pages, from a bundle too, without a file of its own. A helper
 * sleeps on the control block; a lead lives at its event loop, and does what messages say in their order. Knows no kernel.
 */
import { fork, join, MOST_ARGUMENTS, operation, SPINS, share, word } from './control.ts';

export const workerSource = `
const node = globalThis.process?.getBuiltinModule?.('node:worker_threads') ?? null;
const port = node ? node.parentPort : self;
const word = ${JSON.stringify(word)};
const share = ${share.toString()};
const fork = ${fork.toString()};
const join = ${join.toString()};
let control, memory, index, threads, seen;
let broken = false;
const programs = new Map();
function open(message) {
  ({ memory, index, threads } = message);
  control = new Int32Array(memory.buffer, message.control, message.words);
  seen = Atomics.load(control, word.generation);
  port.postMessage('ready');
}
const common = {
  load({ id, modules, names }) {
    const env = { memory };
    for (const module of modules) Object.assign(env, new WebAssembly.Instance(module, { env }).exports);
    programs.set(id, names.map((name) => env[name]));
  },
  drop({ id }) {
    programs.delete(id);
  },
};

// A helper: jobs from the control block, and one message each time the lead sends it to its event loop.
function serve() {
  for (;;) {
    for (let k = 0; k < ${SPINS} && Atomics.load(control, word.generation) === seen; k++);
    while (Atomics.load(control, word.generation) === seen) Atomics.wait(control, word.generation, seen);
    seen = Atomics.load(control, word.generation);
    if (control[word.operation] === ${operation.receive}) return;
    const { first, count } = share(control[word.total], index, threads);
    const all = [...control.subarray(word.arguments, word.arguments + control[word.count]), first, count, index];
    finish(() => programs.get(control[word.program])[control[word.function]](...all));
  }
}
function finish(work) {
  try {
    work();
  } catch (error) {
    Atomics.store(control, word.failed, 1);
    throw error;
  } finally {
    if (Atomics.sub(control, word.left, 1) === 1) Atomics.notify(control, word.left);
  }
}
function help(message) {
  finish(() => common[message.kind](message));
  port.postMessage('ready');
  serve();
}

// The lead: it computes its own part, and is the only one who touches the memory.
const bytes = (at, size) => new Uint8Array(memory.buffer, at, size);
function together() {
  join(control, word, ${SPINS});
  // The helper's own error is on its way to the thread that started us, which stops us all.
  while (Atomics.load(control, word.failed) === 1) Atomics.wait(control, word.failed, 1);
}
function all(message) {
  common[message.kind](message);
  if (!message.parted || threads === 1) return;
  control[word.operation] = ${operation.receive};
  fork(control, word, threads - 1);
  together();
}
const lead = {
  load: all,
  drop: all,
  run({ id, jobs }) {
    const kernels = programs.get(id);
    for (let k = 0; k < jobs.length; ) {
      const [number, parts, size] = jobs.subarray(k, k + 3);
      const args = jobs.subarray(k + 3, k + 3 + size);
      k += 3 + size;
      const kernel = kernels[number];
      const part = (of) => {
        const { first, count } = share(parts, of, threads);
        kernel(...args, first, count, 0);
      };
      if (parts === 0) kernel(...args);
      else if (size > ${MOST_ARGUMENTS}) for (let of = 0; of < threads; of++) part(of);
      else {
        control.set([${operation.run}, id, number, parts, size, ...args], word.operation);
        fork(control, word, threads - 1);
        part(0);
        together();
      }
    }
  },
  write({ at, data }) {
    bytes(at, data.length).set(data);
  },
  clear({ at, size }) {
    bytes(at, size).fill(0);
  },
  read({ at, size, target }) {
    if (target) {
      target.set(bytes(at, size));
      port.postMessage('read');
    } else {
      const copy = new Uint8Array(bytes(at, size));
      port.postMessage(copy, [copy.buffer]);
    }
  },
};
function obey(message) {
  if (broken) return; // what follows an error would be wrong
  broken = true;
  lead[message.kind](message);
  broken = false; // not reached after an error
}

function receive(message) {
  if (message.kind === 'open') {
    open(message);
    if (index > 0) serve();
  } else if (index > 0) help(message);
  else obey(message);
}
function unreadable() {
  throw new Error('a message could not be read');
}
if (node) {
  port.on('message', receive);
  port.on('messageerror', unreadable);
} else {
  port.onmessage = (event) => receive(event.data);
  port.onmessageerror = unreadable;
}
`;
