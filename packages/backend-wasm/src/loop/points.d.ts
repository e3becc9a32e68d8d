import type { LoopAxis, Plan } from './axes.ts';
import type { Graph } from './graph.ts';
import type { Kit, V } from './kit.ts';
import type { Nest } from './nest.ts';
/** A loop under construction. */
export interface Kernel {
  readonly kit: Kit;
  readonly graph: Graph;
  readonly plan: Plan;
  readonly nest: Nest;
}
export type Lanes = 1 | 2 | 3 | 4;
/** How many points at once: vectors, of which each has this many lanes (fewer than four: the rest of a row). */
export interface Extent {
  readonly vectors: number;
  readonly lanes: Lanes;
}
export declare class Points {
  private readonly kernel;
  readonly extent: Extent;
  private readonly outside;
  private readonly known;
  /** `outside`: points of an enclosing loop, whose values are used where they are known. */
  constructor(kernel: Kernel, extent: Extent, outside?: Points);
  /** Computes, once for all iterations, what is the same along these axes and used by what is not. */
  hoist(axes: readonly LoopAxis[]): this;
  /** The value of each vector; a single one where all are the same. */
  of(k: number): readonly V[];
  /** Stores every out, each as soon as it is known. */
  storeAll(): void;
  /** Stores vectors, or one for all, to an out. */
  store(window: number, values: readonly V[]): void;
  private find;
  private keep;
  /** An out may be the very window of an arg: what is still to be read there is read now. */
  private readBefore;
  private make;
  private index;
  private load;
  private loadVector;
  private stride;
  /** An address with an offset that is not negative, as instructions want it. */
  private address;
}
//# sourceMappingURL=points.d.ts.map
