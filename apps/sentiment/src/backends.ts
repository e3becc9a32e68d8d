/** The backends that models can run on: one row each. Knows nothing of models. */
import { cpu } from '@ostinato/backend-cpu';
import { wasm } from '@ostinato/backend-wasm';
import { webgpu } from '@ostinato/backend-webgpu';
import { type Opener, OstinatoError, pickBackend } from '@ostinato/core';
import type { Backend } from '@ostinato/core/backend';
import { UsageError } from './errors.ts';

interface Row {
  readonly open: Opener;
  /** What `auto` tries, where by name one can have more. */
  readonly auto?: Opener;
}

const rows = {
  // An adapter in software gives the same numbers as a GPU, but slower than wasm: nobody gets it unasked.
  webgpu: { open: () => webgpu({ allowSoftware: true }), auto: () => webgpu() },
  wasm: { open: () => wasm() },
  cpu: { open: cpu },
} satisfies Record<string, Row>;

export type BackendName = keyof typeof rows;

/** In the order in which `auto` tries them. */
export const backendNames = Object.keys(rows) as readonly BackendName[];

export async function openBackend(name: BackendName): Promise<Backend> {
  try {
    return (await rows[name].open()) as Backend;
  } catch (error) {
    if (!(error instanceof OstinatoError && error.code === 'no-adapter')) throw error;
    const [why] = error.message.split('. '); // what to do is another matter here
    throw new UsageError(
      `--backend ${why}. Take --backend wasm, or a driver; apps/sentiment/README.md says which`,
    );
  }
}

/** The name of the first one that opens here. */
export async function firstThatOpens(): Promise<BackendName> {
  const openers = Object.values<Row>(rows).map(({ auto, open }) => auto ?? open);
  const { backend } = await pickBackend(openers);
  const { name } = backend;
  backend.dispose();
  return name as BackendName;
}
