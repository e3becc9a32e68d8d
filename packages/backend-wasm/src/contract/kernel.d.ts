/**
 * One tile: its sums over the depth, held in registers, and how they reach the out. Each sum takes the depth in order,
 * whatever the tile's height and place, so that cutting the rows elsewhere leaves every bit as it is.
 */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import type { ContractPlan } from './plan.ts';
import { type Cursor } from './walk.ts';
type Vector = Local<'v128'>;
type Address = Local<'i32'>;
/** What the tiles of one product share. */
export interface Kernel {
    readonly plan: ContractPlan;
    /** Bytes from one row of a to the next. */
    readonly row: number;
    /** Of the depth's axes in what tiles read: operands in place, or packed. */
    readonly depth: readonly {
        readonly size: number;
        readonly a: number;
        readonly b: number;
    }[];
    /** Steps of the last axis in this block of the depth, where blocks differ. */
    readonly steps: Address | undefined;
    /**
     * Where there are several partial sums: no bits for the first, all bits for the others, which add to the out. A
     * branch instead costs 30 % when vectors are paired.
     */
    readonly mask: Vector | undefined;
    /** Where tiles that the out cannot take as they are wait for being copied. */
    readonly edge: Address | undefined;
    readonly sums: readonly (readonly Vector[])[];
    readonly rowOfB: readonly Vector[];
    readonly columnOfA: readonly Vector[];
    readonly at: {
        readonly a: Address;
        readonly b: Address;
        readonly out: Address;
    };
}
/** Registers and addresses, declared once per function and used by all of its tiles. */
export declare function kernelLocals(f: FunctionBuilder, { tile }: ContractPlan): Pick<Kernel, 'sums' | 'rowOfB' | 'columnOfA' | 'at'>;
/** `width`: how many columns of the panel the out has, where that differs among panels. */
export declare function emitTile(f: FunctionBuilder, kernel: Kernel, rows: number, cursor: Cursor, width: Address | undefined): void;
export {};
//# sourceMappingURL=kernel.d.ts.map