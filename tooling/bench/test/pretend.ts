/** A side that computes nothing: it answers as its spec says and waits for as long. */
import { setTimeout as sleep } from 'node:timers/promises';
import { serve, spec } from '../harness/serve.ts';

const { numbers = [], ms = 0, fails } = spec<{ numbers?: number[]; ms?: number; fails?: string }>();
console.warn('a greeting that belongs to nobody');
if (fails) throw new Error(fails);

await serve({ check: async () => numbers, step: () => sleep(ms) });
