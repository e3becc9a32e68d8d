/** What one thread can reach at most: multiply-adds in registers, without loads. A side, so that it has its turns. */
import type { SideOptions } from '../harness/side.ts';
import { SCALAR_FLOPS } from './scalar.ts';
import { SIMD_FLOPS } from './simd.ts';

/** Of JavaScript's numbers, of 128-bit vectors, and of the 256-bit ones that V8 makes of pairs. */
export type Kind = 'scalar' | 'plain' | 'paired';

export interface Ceiling {
  readonly side: SideOptions;
  /** Of one of its steps. */
  readonly flops: number;
}

export const ceilingOf = (kind: Kind): Ceiling => ({
  side: {
    name: `registers ${kind}`,
    script: new URL('./serve.ts', import.meta.url),
    spec: { kind },
  },
  flops: kind === 'scalar' ? SCALAR_FLOPS : SIMD_FLOPS,
});
