/** The backends that models can run on: one row each. Knows nothing of models. */
import { cpu } from '@ostinato/backend-cpu';
import { wasm } from '@ostinato/backend-wasm';
import { type Opener, pickBackend } from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';

const openers = {
  wasm: () => wasm(),
  cpu,
} satisfies Record<string, Opener>;

export type BackendName = 'auto' | keyof typeof openers;

/** `auto` takes the first of the others that opens here. */
export const backendNames: readonly BackendName[] = ['auto', 'wasm', 'cpu'];

export async function openBackend(name: BackendName): Promise<Backend> {
  const list: readonly Opener[] = name === 'auto' ? Object.values(openers) : [openers[name]];
  return (await pickBackend(list)).backend;
}
