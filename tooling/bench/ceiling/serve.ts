/** The process of a ceiling: what it computes is nothing to anybody. */
import { serve, spec } from '../harness/serve.ts';
import type { Kind } from './index.ts';
import { scalar } from './scalar.ts';
import { paired, plain } from './simd.ts';

const run = { scalar, plain, paired }[spec<{ kind: Kind }>().kind]();
await serve({ check: async () => [], step: async () => run() });
