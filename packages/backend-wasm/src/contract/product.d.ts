/**
 * The loops around the tiles: batch, blocks of the depth, blocks of rows, panels of columns. Knows where everything
 * lies; leaves the arithmetic to kernel.ts.
 */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { type Value } from '../assembler/instructions.ts';
import { type ContractPlan } from './plan.ts';
import { type Range } from './walk.ts';
export type { Range } from './walk.ts';
type Address = Local<'i32'>;
export interface Packed {
    readonly a?: Value<'i32'>;
    readonly b?: Value<'i32'>;
    readonly scratch?: Value<'i32'>;
}
/**
 * Computes the out, or the part of it that `range` says: `plan.range.size` is the whole. Packed operands are at the
 * addresses given; `scratch` is for this call alone.
 */
export declare function emitProduct(f: FunctionBuilder, plan: ContractPlan, buffers: readonly Address[], packed: Packed, range?: Range): void;
//# sourceMappingURL=product.d.ts.map