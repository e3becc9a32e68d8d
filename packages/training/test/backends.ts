/** The backends that every test of this package runs on. */

import { cpu } from '@ostinato/backend-cpu';
import { reference } from '@ostinato/core/backend';
import type { Backend } from '../src/backend.ts';

export const backends: readonly (readonly [name: string, create: () => Backend])[] = [
  ['reference', () => reference() as Backend],
  ['cpu', () => cpu() as Backend],
];
