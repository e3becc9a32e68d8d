/**
 * How a product is computed: which operand has the rows, the tile, what is packed and the blocks of the depth. Plain
 * data; knows no instruction of the machine.
 */
import { type Contract } from '@ostinato/core/backend';
import type { Target } from '../target.ts';
import { type Tile } from './tile.ts';
/** An axis with strides in bytes. */
export interface ByteAxis {
    readonly size: number;
    readonly a: number;
    readonly b: number;
    readonly out: number;
    /** Of the packed b, where it is packed as a whole. */
    readonly panels: number;
}
/** Where an operand begins. */
export interface Place {
    readonly buffer: number;
    readonly bytes: number;
}
/** Which axis of the plan a range counts. */
export type RangeAxis = {
    readonly at: 'rows';
} | {
    readonly at: 'batch' | 'outerRows';
    readonly index: number;
};
export interface ContractPlan {
    readonly target: Target;
    /** In the plan, `a` has the rows: the instruction's second operand if they changed places. */
    readonly swapped: boolean;
    readonly a: Place;
    readonly b: Place;
    readonly out: Place;
    readonly tile: Tile;
    readonly batch: readonly ByteAxis[];
    readonly outerColumns: readonly ByteAxis[];
    readonly outerRows: readonly ByteAxis[];
    readonly rows: ByteAxis;
    readonly columns: ByteAxis;
    /** Axes of the depth whose every index gives a partial sum of its own; then those within one. */
    readonly blocks: readonly ByteAxis[];
    readonly depth: readonly ByteAxis[];
    /** The last axis of `depth` is cut into blocks of so many. */
    readonly depthStep: number;
    /** What tiles read: b itself, panels packed as a whole, or panels packed block by block. */
    readonly source: 'place' | 'panels' | 'blocks';
    /** What tiles read of a: itself, or blocks of rows copied one after another or tile by tile. */
    readonly rowSource: 'place' | 'rows' | 'tiles';
    /** Rows of such a block, at most. */
    readonly blockRows: number;
    readonly range: RangeAxis & {
        readonly size: number;
    };
    /** Bytes of the panels of the instruction's operands; 0 where one is used in place. */
    readonly packA: number;
    readonly packB: number;
    /** Bytes that a run needs for itself: each thread its own. */
    readonly scratch: number;
    /** What they are for: tiles that the out cannot take as they are, panels of a block, copied rows. */
    readonly scratchParts: {
        readonly edge: number;
        readonly panels: number;
        readonly rows: number;
    };
    readonly flops: number;
}
export interface PlanOptions {
    /** Operands that stay the same over many runs: packing them costs nothing. */
    readonly constant?: {
        readonly a?: boolean;
        readonly b?: boolean;
    };
    /** The axis of the out, as in `instr.shape`, that ranges count; else the plan chooses one. */
    readonly rangeAxis?: number;
}
/** Whether a product kernel is the right one: else `contractAsLoop`. */
export declare function suits(instr: Contract): boolean;
export declare function planContract(instr: Contract, target: Target, options?: PlanOptions): ContractPlan;
/** Steps of the depth in a block, at most. */
export declare const stepsOf: ({ depth, depthStep }: Pick<ContractPlan, 'depth' | 'depthStep'>) => number;
/** A line of the cache between copied rows, so that not all of them begin in the same set. */
export declare const copiedRowBytes: (plan: Pick<ContractPlan, 'rowSource' | 'depth' | 'depthStep'>) => number;
//# sourceMappingURL=plan.d.ts.map