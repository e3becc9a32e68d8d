/**
 * What a reduction accumulates: for each out a few vectors. Long float sums go through parts of at most a few dozen
 * terms, which are added up with their rounding errors kept. Knows no axes.
 */
import type { Combine, DType } from '@ostinato/core/backend';
import type { Kit, V } from './kit.ts';
import type { Lanes, Points } from './points.ts';
export interface TotalsOptions {
  readonly combine: Combine;
  /** Vectors of terms per out. */
  readonly vectors: number;
  /** The vectors, and then their lanes, are terms of one and the same result. */
  readonly across: boolean;
  /** Sums of floats are taken in parts. */
  readonly inParts: boolean;
}
export declare class Totals {
  private readonly kit;
  private readonly roots;
  private readonly totals;
  private readonly options;
  /** Begins with nothing added. */
  constructor(
    kit: Kit,
    roots: readonly {
      node: number;
      dtype: DType;
    }[],
    options: TotalsOptions,
  );
  /** Adds the values of some points; of partly filled vectors only the first lanes. */
  add(points: Points, lanes?: Lanes): void;
  /** Ends a part: its terms go into the sum of parts, exactly up to the error that is kept (Knuth's two-sum). */
  endPart(): void;
  /** Vectors per out; of results across lanes the first lane counts. */
  results(): V[][];
}
//# sourceMappingURL=totals.d.ts.map
