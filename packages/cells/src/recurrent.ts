/** Lifts a cell to whole sequences. Knows time, padding and what to give back; knows no cell. */
import {
  at,
  checkOptions,
  fail,
  key as keyOf,
  leavesOf,
  mapTree,
  named,
  pairOf,
  type ScanOptions,
  scan,
  type Tensor,
  type Tree,
  transpose,
  zerosLike,
} from '@ostinato/core';
import type { Cell } from './cell.ts';
import { checkCell, checkChoice, checkTensor } from './check.ts';
import {
  type Both,
  checkHow,
  type How,
  type Recurrent,
  type RecurrentHow,
  type Returned,
  type Returns,
} from './layer.ts';
import { type PaddedOutput, paddedOutputs, repeatOutputs } from './padded-output.ts';

export const returned: readonly Returns[] = ['last', 'sequence', 'both'];

export interface RecurrentOptions<R extends Returns> {
  /** The last output, the output of every step, or both and the final state. */
  readonly returns: R;
  /** Run from the last step to the first. Outputs stay at their place; with padding only what counts is reversed. */
  readonly reverse?: boolean | undefined;
  /** What a sequence holds where a step does not count: zeros by default, or the last output that counted. */
  readonly paddedOutput?: PaddedOutput | undefined;
  /** A name for errors, printed programs and generated kernels; the cell's by default. */
  readonly label?: string | undefined;
}

/**
 * A layer that runs a cell over sequences [batch, time, features], from any state, over the steps that count.
 *
 * Steps that do not count (`lengths`, `mask`) hold the state, give zeros and are not read, so that a row gives what it
 * gives alone, whatever its padding. A row without a single step ends where it started: `state` is the initial state,
 * and `last` is that too where the output is part of the state, zeros otherwise.
 */
export function recurrent<
  P,
  S extends Tree<S>,
  X extends Tree<X>,
  Y extends Tree<Y>,
  C,
  const R extends Returns,
>(cell: Cell<P, S, X, Y, C>, options: RecurrentOptions<R>): Recurrent<P, S, X, Returned<R, S, Y>> {
  checkOptions('recurrent', options, 'returns, reverse, paddedOutput, label');
  checkCell('recurrent', cell);
  const { returns, reverse = false, paddedOutput = 'zero' } = options;
  const { label = cell.label ?? 'recurrent' } = options;
  checkChoice('recurrent', 'returns', returns, returned);
  checkChoice('recurrent', 'paddedOutput', paddedOutput, paddedOutputs);
  const unroll = (params: P, x: X, how: RecurrentHow<S> = {}): Unrolled<R, S, Y> =>
    named(label, () => {
      checkHow('recurrent', how);
      const all = runCell(cell, params, x, how, { returns, reverse, paddedOutput });
      const output: unknown = returns === 'both' ? all : all[returns as 'last' | 'sequence'];
      return { output: output as Returned<R, S, Y>, state: all.state };
    });
  return {
    label,
    returns,
    init: (key) => named(label, () => cell.init(key)),
    apply: (params, x, how) => unroll(params, x, how).output,
    unroll,
  };
}

interface Unrolled<R extends Returns, S, Y> {
  readonly output: Returned<R, S, Y>;
  readonly state: S;
}

/** All that a cell gives over a sequence. What `returns` does not ask for is left out, and not to be read. */
function runCell<P, S extends Tree<S>, X extends Tree<X>, Y extends Tree<Y>, C>(
  cell: Cell<P, S, X, Y, C>,
  params: P,
  x: X,
  how: RecurrentHow<S>,
  {
    returns,
    reverse,
    paddedOutput,
  }: { returns: Returns; reverse: boolean; paddedOutput: PaddedOutput },
): Both<S, Y> {
  const batch = batchOf(x, how);
  const context = prepared(cell, params, how);
  const initial = startState(cell, params, batch, how);
  const step = (state: S, xt: X): readonly [S, Y] =>
    pairOf('recurrent', cell.step(params, state, xt, context));

  // One step is traced to see the outputs: often the output is a part of the state, and then the final state has it. Not
  // from the initial state, whose parts may be one tensor.
  const [next, y] = step(mapTree(zerosLike, initial) as S, mapTree((t) => at(t, 0, 1), x) as X);
  const stateLeaves = leavesOf(next);
  const inState = leavesOf(y).every((t) => stateLeaves.includes(t));
  const carried = returns !== 'sequence' && !inState;
  const [end, ys] = scanTrees(
    (carry: Carry<S, Y>, xt: X): readonly [Carry<S, Y>, Y | null] => {
      const [state, out] = step(carry.state, xt);
      return [{ state, last: carried ? out : null }, returns === 'last' ? null : out];
    },
    { state: initial, last: carried ? (mapTree(zerosLike, y) as Y) : null },
    swapBatchAndTime(x),
    scanOptions(how, reverse),
  );
  const endLeaves = leavesOf(end.state);
  const last = inState
    ? mapTree((t) => endLeaves[stateLeaves.indexOf(t)] as Tensor, y)
    : (end.last as Y);
  const filled =
    paddedOutput === 'repeat' ? mapTree((t) => repeatOutputs(t, how, reverse), ys) : ys;
  return { sequence: swapBatchAndTime(filled) as Y, last: last as Y, state: end.state };
}

/** `scan`, where the compiler cannot see that a record around a tree is a tree. */
const scanTrees = scan as unknown as <C, X, Y>(
  step: (carry: C, x: X) => readonly [C, Y],
  init: C,
  xs: X,
  options: ScanOptions,
) => readonly [C, Y];

interface Carry<S, Y> {
  readonly state: S;
  readonly last: Y | null;
}

/** [batch, time, ...] to [time, batch, ...] and back: views. */
const swapBatchAndTime = <T>(tree: T): T =>
  mapTree(
    (t) =>
      transpose(
        t,
        t.shape.map((_, i) => (i < 2 ? 1 - i : i)),
      ),
    tree,
  ) as T;

const scanOptions = (how: How, reverse: boolean): ScanOptions => ({
  reverse,
  lengths: how.lengths,
  mask: how.mask && transpose(how.mask),
  checkpoint: how.checkpoint,
});

/** Rows of a sequence; checks that lengths or mask are made for them. */
function batchOf(x: unknown, how: How): number {
  const leaves = leavesOf(x);
  const [first] = leaves;
  for (const t of leaves)
    if (t.rank < 2)
      fail(
        'shape-mismatch',
        `recurrent: the input is ${t.dtype}[${t.shape}]. Give [batch, time, features]; a single sequence is a batch of 1.`,
      );
  if (!first)
    return fail('scan-empty', 'recurrent: the input is empty. Give [batch, time, features].');
  const [batch, time] = first.shape as [number, number];
  const { lengths, mask } = how;
  if (lengths)
    checkTensor(`recurrent: lengths for ${batch} rows`, lengths, `int32[${batch}]`, 'scan-lengths');
  if (mask)
    checkTensor(
      `recurrent: mask for ${batch} rows`,
      mask,
      `bool[${batch},${time}]`,
      'scan-lengths',
    );
  return batch;
}

function prepared<P, S, X, Y, C>(cell: Cell<P, S, X, Y, C>, params: P, how: How): C {
  if (!cell.prepare) return undefined as C;
  const { key, training = false } = how;
  if (training && !key)
    fail(
      'key-invalid',
      'recurrent: the cell draws random numbers in training, but how.key is missing. Give apply a fresh key for each step.',
    );
  return cell.prepare(params, { key: key ?? keyOf(0), training });
}

function startState<P, S, X, Y, C>(
  cell: Cell<P, S, X, Y, C>,
  params: P,
  batch: number,
  how: RecurrentHow<S>,
): S {
  const own = cell.start(params, batch);
  const { initial = own } = how;
  return mapTree(
    (want, got) => {
      const wanted = `${want.dtype}[${want.shape}]`;
      checkTensor(`recurrent: initial state for ${batch} rows`, got, wanted);
      return got;
    },
    own,
    initial,
  ) as S;
}
