/**
 * Which axes a loop has left, and along which of them vectors of four lie. Knows sizes and strides; knows no
 * instruction of the machine.
 */
import { type Axis, type Loop, type Operand } from '@ostinato/core/backend';
import type { Local } from '../assembler/function.ts';
import { type Graph } from './graph.ts';
/** Part of one axis of a loop's shape, known when the code runs. */
export interface Range {
  readonly axis: number;
  readonly first: Local<'i32'>;
  readonly count: Local<'i32'>;
}
/** Strides are those of the plan's windows. `range`: only this part of it is run. */
export interface LoopAxis extends Axis {
  readonly range?: Range;
}
/** What moves along the axes: an operand, or the index of an axis that the body reads. */
export type Window =
  | {
      readonly kind: 'arg' | 'out';
      readonly index: number;
      readonly operand: Operand;
    }
  | {
      readonly kind: 'axis';
      readonly index: number;
    };
export interface Plan {
  readonly windows: readonly Window[];
  /** Outermost first; none of them is `vector`. */
  readonly shape: readonly LoopAxis[];
  readonly over: readonly LoopAxis[];
  readonly vector: LoopAxis;
}
export declare function planAxes(loop: Loop, graph: Graph, range?: Range): Plan;
//# sourceMappingURL=axes.d.ts.map
