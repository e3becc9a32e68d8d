/** What functions here take as a backend: whatever `compile` takes. */
import type { compile } from '@ostinato/core';

export type Backend = Parameters<typeof compile>[0];
