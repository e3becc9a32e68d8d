/** The backends, the fastest first. Knows no model. */
import { cpu } from '@ostinato/backend-cpu';
import { wasm } from '@ostinato/backend-wasm';
import { webgpu } from '@ostinato/backend-webgpu';
import { type Opener, type Picked, pickBackend } from '@ostinato/core';
import type { BackendChoice, BackendName } from '../protocol.ts';

/** One core stays free for the page; more than four gain nothing. */
const threads = Math.max(1, Math.min(4, navigator.hardwareConcurrency - 1));

const openers: Readonly<Record<BackendName, (choice: BackendChoice) => Opener>> = {
  webgpu:
    ({ software }) =>
    () =>
      webgpu({ allowSoftware: software }),
  wasm: () => () => wasm({ threads }),
  cpu: () => cpu,
};

/** @throws OstinatoError where the one that was asked for does not open */
export function openBackend(choice: BackendChoice): Promise<Picked> {
  const rows = Object.entries(openers).filter(([name]) => ['auto', name].includes(choice.name));
  return pickBackend(rows.map(([, opener]) => opener(choice)));
}
