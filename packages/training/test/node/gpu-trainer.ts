/**
 * Trains an LSTM on WebGPU for as many steps as it is told, and says at each hundredth what was made on the device and what
 * the process holds. With `thread`, in a thread of its own.
 */
import process from 'node:process';
import { isMainThread, Worker } from 'node:worker_threads';
import { webgpu } from '@ostinato/backend-webgpu';
import { lstm, recurrent } from '@ostinato/cells';
import { hostKey, uniform } from '@ostinato/core/random';
import { dense, sequential } from '@ostinato/layers';
import { dawnSeen } from '@ostinato/software-gpu/dawn';
import { adam, binaryCrossEntropy, fit } from '../../src/index.ts';

/** One line of the output. */
export interface Held {
  readonly step: number;
  /** What was made on the device so far. */
  readonly made: { readonly buffers: number; readonly groups: number; readonly pipelines: number };
  /** MiB in use by JavaScript, and of the whole process. */
  readonly heap: number;
  readonly resident: number;
}

const made = { buffers: 0, groups: 0, pipelines: 0 };
const makers = {
  createBuffer: 'buffers',
  createBindGroup: 'groups',
  createComputePipelineAsync: 'pipelines',
} as const;
const gpu = dawnSeen((device) => {
  for (const [name, kind] of Object.entries(makers)) {
    const make = device[name].bind(device);
    device[name] = (about: unknown) => {
      made[kind]++;
      return make(about);
    };
  }
});

const [ROWS, TIME, INPUTS, UNITS, BATCH] = [32, 4, 2, 4, 4];

async function train(steps: number): Promise<void> {
  const model = sequential([
    recurrent(lstm({ inputs: INPUTS, units: UNITS }), { returns: 'last' }),
    dense({ inputs: UNITS, units: 1 }),
  ]);
  const noise = uniform(hostKey(1), ROWS * TIME * INPUTS);
  const data = {
    inputs: { data: noise, shape: [ROWS, TIME, INPUTS] },
    targets: { data: noise.slice(0, ROWS).map(Math.round), shape: [ROWS] },
  };
  const backend = await webgpu({ gpu, allowSoftware: true });
  const options = { backend, optimizer: adam(), loss: binaryCrossEntropy, batch: BATCH };
  for await (const event of fit(model, data, { ...options, epochs: (steps * BATCH) / ROWS })) {
    if (event.type !== 'step' || event.step % 100 !== 0) continue;
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    const [heap, resident] = [heapUsed / 2 ** 20, rss / 2 ** 20];
    const held: Held = { step: event.step, made, heap, resident };
    process.stdout.write(`${JSON.stringify(held)}\n`);
  }
  backend.dispose();
}

const [steps, thread] = process.argv.slice(2);
if (thread && isMainThread) new Worker(new URL(import.meta.url), { argv: [steps] });
else await train(Number(steps));
