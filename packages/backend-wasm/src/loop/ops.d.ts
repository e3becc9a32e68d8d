/**
 * Scalar ops on vectors of four: one row per op and element type. Bools are masks here, all bits or none; in memory
 * they are 1 and 0. Knows no loop.
 */
import type { DType, ScalarOp } from '@ostinato/core/backend';
import { type Value } from '../assembler/instructions.ts';
import type { Kit, V } from './kit.ts';
/** `known`: the values of those inputs that are constants. Inputs may be used once; keep them to use them more. */
export type Emit = (
  kit: Kit,
  inputs: readonly V[],
  known: readonly (number | undefined)[],
) => Value<'v128'>;
export type Stored = Exclude<DType, 'float64'>;
type Table = {
  readonly [Op in ScalarOp]: Emit | null;
};
export declare const ops: {
  readonly [D in Stored]: Table;
};
export declare const casts: {
  readonly [From in Stored]: {
    readonly [To in Stored]: Emit;
  };
};
//# sourceMappingURL=ops.d.ts.map
