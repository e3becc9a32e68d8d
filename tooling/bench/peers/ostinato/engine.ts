/** Which of our backends a side runs on. */
import { cpu } from '@ostinato/backend-cpu';
import { wasm } from '@ostinato/backend-wasm';
import type { Backend } from '@ostinato/core/backend';

export interface Engine {
  readonly backend: 'cpu' | 'wasm';
  /** Of wasm: false keeps to plain 128-bit vectors. */
  readonly pairedSimd?: boolean;
  readonly threads: number;
}

export async function openEngine(engine: Engine): Promise<{ backend: Backend; about: string }> {
  const { threads, pairedSimd } = engine;
  const backend = (
    engine.backend === 'cpu'
      ? cpu()
      : await wasm({ threads, ...(pairedSimd !== undefined && { pairedSimd }) })
  ) as Backend;
  const { name, variant } = backend.info();
  return { backend, about: `${name} ${variant}, ${threads} thread(s), Node ${process.version}` };
}
