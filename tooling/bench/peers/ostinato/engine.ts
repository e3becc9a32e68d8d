/** Which of our backends a side runs on. */
import { cpu } from '@ostinato/backend-cpu';
import { wasm } from '@ostinato/backend-wasm';
import { webgpu } from '@ostinato/backend-webgpu';
import type { Backend } from '@ostinato/core/backend';

export interface Engine {
  readonly backend: 'cpu' | 'wasm' | 'webgpu';
  /** Of wasm: false keeps to plain 128-bit vectors. */
  readonly pairedSimd?: boolean;
  /** Of webgpu: how scans run, where it is not left to the backend. */
  readonly schedule?: 'persistent' | 'stepwise';
  readonly threads: number;
}

export async function openEngine(engine: Engine): Promise<{ backend: Backend; about: string }> {
  const { threads, pairedSimd, schedule } = engine;
  const open = {
    cpu: () => cpu(),
    wasm: () => wasm({ threads, ...(pairedSimd !== undefined && { pairedSimd }) }),
    webgpu: () => webgpu({ allowSoftware: true, ...(schedule && { schedule }) }),
  }[engine.backend];
  const backend = (await open()) as Backend;
  const { name, variant, notes = [] } = backend.info();
  const where = name === 'webgpu' ? notes[0] : `${threads} thread(s)`;
  return { backend, about: `${name} ${variant}, ${where}, Node ${process.version}` };
}
