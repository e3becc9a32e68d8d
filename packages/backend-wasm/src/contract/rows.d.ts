/**
 * Copies of blocks of a, where reading it in place would keep evicting the same few lines of the caches. Knows
 * strides; knows no arithmetic.
 */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { type Value } from '../assembler/instructions.ts';
import { type ContractPlan } from './plan.ts';
type Address = Local<'i32'>;
/** Bytes between the rows, the steps of the depth and the tiles of a copy. */
export declare function copiedStrides(plan: ContractPlan, rows: number): {
    row: number;
    depth: number;
    tile: number;
};
export interface Rows {
    readonly from: Address;
    readonly to: Address;
    /** Of a tile. */
    readonly rows: number;
    readonly tiles: Value<'i32'>;
    /** Of the depth, where blocks differ. */
    readonly steps: Address | undefined;
}
export declare function copyRows(f: FunctionBuilder, plan: ContractPlan, rows: Rows): void;
export {};
//# sourceMappingURL=rows.d.ts.map