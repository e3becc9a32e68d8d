/** A cell that shows what it computes on its way. Knows the interface of cells; knows no cell. */
import { pairOf, type Tree } from '@ostinato/core';
import type { Cell, Gates, Preparation } from './cell.ts';
import { checkCell } from './check.ts';

/** What happened in one step. */
export interface Exposed<S, Y> {
  readonly output: Y;
  /** Behind the step. */
  readonly state: S;
  /** Empty where the cell has none. */
  readonly gates: Gates;
}

/**
 * The same cell with the same parameters, whose output also has the state behind each step and the cell's gates: for
 * pictures and for debugging.
 *
 * @example
 * const { state, gates } = recurrent(exposed(lstm(sizes)), { returns: 'sequence' }).apply(params, x);
 * gates.f; // the forget gate, [batch, time, units]
 */
export function exposed<P, S extends Tree<S>, X, Y extends Tree<Y>, C>(
  cell: Cell<P, S, X, Y, C>,
): Cell<P, S, X, Exposed<S, Y>, C> {
  checkCell('exposed', cell);
  const { label, prepare } = cell;
  return {
    ...(label !== undefined && { label }),
    init: (key) => cell.init(key),
    start: (params, batch) => cell.start(params, batch),
    ...(prepare && { prepare: (params: P, how: Preparation) => prepare.call(cell, params, how) }),
    step(params, state, x, context) {
      // What the two calls have in common is computed once: equal nodes are shared.
      const [next, output] = pairOf('exposed', cell.step(params, state, x, context));
      const gates = cell.gates?.(params, state, x, context) ?? {};
      return [next, { output, state: next, gates }];
    },
  };
}
