/**
 * Steps that do not count, for some rows or for all: said with selects around a step and its inputs. Knows trees and rows;
 * knows no loop.
 */
import { fail } from '../errors.ts';
import { repeatsAlong, rowAxes } from '../graph/rows.ts';
import { describe, type Tensor } from '../graph/tensor.ts';
import { flatten, mapTree } from '../graph/tree.ts';
import { iota, less, stopGradient, where, zerosLike } from './elementwise.ts';
import type { Closed, ScanOptions } from './scan.ts';
import { broadcastTo, reshape, slice } from './views.ts';

/** The mask [time, batch] that lengths or a mask ask for. */
export function maskOf(length: number, options: ScanOptions): Tensor | undefined {
  const { lengths, mask } = options;
  if (lengths && mask) fail('scan-lengths', 'scan: got lengths and a mask. Give one of them.');
  if (mask && (mask.dtype !== 'bool' || mask.rank !== 2 || mask.shape[0] !== length))
    fail(
      'scan-lengths',
      `scan: the mask is ${describe(mask)}. It must be bool [time, batch] with ${length} steps.`,
    );
  if (!lengths) return mask;
  if (lengths.dtype !== 'int32' || lengths.rank !== 1)
    fail('scan-lengths', `scan: lengths is ${describe(lengths)}. It must be int32 [batch].`);
  const shape = [length, lengths.shape[0] as number];
  return less(iota(shape, 0), broadcastTo(lengths, shape));
}

/** Where rows are not active, something else (zeros unless given) stands for them. What has no such rows stays. */
function masked(active: Tensor, t: Tensor, otherwise = zerosLike(t)): Tensor {
  if (active.shape.some((n, i) => n !== t.shape[i])) return t;
  const spread = reshape(active, [...active.shape, ...t.shape.slice(active.rank).fill(1)]);
  return where(broadcastTo(spread, t.shape), t, otherwise);
}

/** Which leaves are shared by all rows though their size is the batch's, by accident. */
type Shared = ReadonlySet<number>;

const NONE: Shared = new Set();

/**
 * How the step uses an x tells whether it has rows: one that meets the batch along another axis has none. Where the
 * step does not run row by row for another reason, nothing can be told (undefined).
 */
export function sharedIn(
  { body, consts }: Closed,
  { carry, xs }: { readonly carry: number; readonly xs: number },
  batch: number,
): { readonly xs: Shared; readonly ys: Shared } | undefined {
  const counts = { consts: consts.length, carry, xs };
  const first = counts.consts + carry;
  const fits = body.params.map((p) => p.shape[0] === batch);
  const doubtful = fits.flatMap((fit, i) => (fit && i >= first ? [i] : []));
  for (const without of [[], ...doubtful.map((i) => [i]), doubtful])
    for (const constsToo of [false, true]) {
      const rowed = fits.map(
        (fit, i) => fit && (constsToo || i >= counts.consts) && !without.includes(i),
      );
      const axes = rowAxes({ body, counts }, rowed, batch);
      if ('why' in axes) {
        if (without.length === 0 && !axes.meet) return;
        continue;
      }
      const ys = body.results.slice(carry);
      const isShared = (y: Tensor): boolean => axes.get(y) === null && !repeatsAlong(y, 0);
      return {
        xs: new Set(without.map((i) => i - first)),
        ys: new Set(ys.flatMap((y, i) => (isShared(y) ? [i] : []))),
      };
    }
  return undefined;
}

/** Leaves with rows masked, those that all rows share as they are; what has the batch's size has rows unless told. */
export function maskedLeaves<T>(
  active: Tensor,
  tree: T,
  shared: Shared = NONE,
  otherwise: (t: Tensor) => Tensor = zerosLike,
): T {
  const { leaves, shape } = flatten(tree);
  return shape.build(
    leaves.map((t, i) => (shared.has(i) ? t : masked(active, t, otherwise(t)))),
  ) as T;
}

/**
 * What a step reads where it does not count: an x of the same row that does, as a step may have no finite slope at zero,
 * and zero times that is NaN. Only where rows mix does anything depend on it.
 */
export function standIn(mask: Tensor, x: Tensor, mix: boolean): Tensor {
  const at = (t: Tensor, step: number): Tensor => slice(t, 0, step, 1);
  const last = (x.shape[0] as number) - 1;
  const end = masked(at(mask, last), at(x, last));
  const first = masked(at(mask, 0), at(x, 0), end);
  return broadcastTo(mix ? first : stopGradient(first), x.shape);
}

/** Where a row is not active, its carry stays and its ys are zero. */
export const maskedStep =
  <C, X, Y>(step: (carry: C, x: X) => readonly [C, Y], shared: Shared = NONE) =>
  (carry: C, { active, x }: { active: Tensor; x: X }): readonly [C, Y] => {
    const [next, y] = step(carry, x);
    const held = mapTree((after, before) => masked(active, after, before), next, carry);
    return [held as unknown as C, maskedLeaves(active, y, shared)];
  };
