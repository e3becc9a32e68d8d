/** The backends that models can run on: one row each. Knows nothing of models. */
import { cpu } from '@ostinato/backend-cpu';
import type { Backend } from '@ostinato/core/backend';

type Maker = () => Backend<never> | Backend | Promise<Backend<never> | Backend>;

export const backends = {
  cpu,
} satisfies Record<string, Maker>;

export type BackendName = keyof typeof backends;

export const backendNames: readonly string[] = Object.keys(backends);
