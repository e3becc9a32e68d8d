/** A loop's body as distinct values: equal sub-expressions are one. Knows expressions; knows no vectors and no memory. */
import type { ScalarOp } from '@ostinato/core/backend';
import { type DType, type Loop } from '@ostinato/core/backend';
export type Node =
  | {
      readonly kind: 'arg';
      readonly dtype: DType;
      readonly arg: number;
    }
  | {
      readonly kind: 'axis';
      readonly dtype: 'int32';
      readonly axis: number;
    }
  | {
      readonly kind: 'const';
      readonly dtype: DType;
      readonly value: number;
    }
  | {
      readonly kind: 'op';
      readonly op: ScalarOp | 'cast';
      readonly dtype: DType;
      /** The type of the last input. */
      readonly from: DType;
      readonly inputs: readonly number[];
    };
export interface Graph {
  /** Inputs before what uses them. */
  readonly nodes: readonly Node[];
  /** The value of each out. */
  readonly roots: readonly number[];
  /** How often each value is used, by others and by outs. */
  readonly uses: readonly number[];
}
export declare function graphOf(loop: Loop): Graph;
export declare const costOf: (graph: Graph) => number;
//# sourceMappingURL=graph.d.ts.map
