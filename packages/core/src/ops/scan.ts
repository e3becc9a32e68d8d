/**
 * The time loop as one node. Knows how a step function becomes a closed body, and how lengths, masks and checkpoints
 * are said with selects (masks.ts) and a loop in a loop; neither backends nor passes hear of them.
 */
import { checkOptions, currentPath, fail, named, shown } from '../errors.ts';
import { dependents, mapArgs, rewrite, topo, withArgs } from '../graph/rewrite.ts';
import {
  type Body,
  constantOf,
  describe,
  isView,
  param,
  type ScanOp,
  Tensor,
} from '../graph/tensor.ts';
import { flatten, leavesOf, mapTree, type Tree } from '../graph/tree.ts';
import { sameShape } from '../ir/view.ts';
import { ones, zeros } from './elementwise.ts';
import { maskedLeaves, maskedStep, maskOf, sharedIn, standIn } from './masks.ts';
import { broadcastTo, concat, reshape, slice } from './views.ts';

export interface ScanOptions {
  /** Run from the last step to the first. With lengths, only the valid part is reversed. */
  readonly reverse?: boolean | undefined;
  /** Valid steps of each row, int32 [batch], 0 allowed: the first `lengths[b]` steps of row b count. */
  readonly lengths?: Tensor | undefined;
  /** Which steps of which rows count, bool [time, batch]. Says the same as lengths, for any pattern. */
  readonly mask?: Tensor | undefined;
  /**
   * Steps per segment: memory for the gradient then holds the carries between segments and one segment's values, and
   * the forward pass runs twice. `true` takes the square root of the number of steps.
   */
  readonly checkpoint?: number | true | undefined;
  /** Number of steps, where `xs` has no leaf to tell. */
  readonly length?: number | undefined;
  /** A name in printed programs. */
  readonly label?: string | undefined;
}

/**
 * Runs `step` over the leading axis of `xs`: `carry, y = step(carry, x)` for each time step. Gives the last carry and
 * all ys, stacked along a leading time axis. Tensors that `step` mentions from outside are constants of the loop.
 *
 * Where a step does not count (lengths, mask), leaves of the carry whose first axis is the batch keep their value, ys
 * are zero, and the row's first or last x stands in for x if that one counts (zeros if not), so that nothing in the
 * padding, NaN included, reaches a result or a gradient. An x that all rows share ([time, units]) is none of this, even
 * where it has as many units as the batch has rows.
 */
export function scan<C extends Tree<C>, X extends Tree<X>, Y extends Tree<Y>>(
  step: (carry: C, x: X) => readonly [carry: C, y: Y],
  init: C,
  xs: X,
  options: ScanOptions = {},
): readonly [carry: C, ys: Y] {
  checkOptions('scan', options, 'reverse, lengths, mask, checkpoint, length, label');
  const run = (): readonly [C, Y] => {
    const length = scanLength(xs, options);
    const mask = maskOf(length, options);
    if (mask) return scanMasked(step, init, xs, mask, options);
    if (options.checkpoint !== undefined) return scanSegments(step, init, xs, length, options);
    return scanPlain(step, init, xs, length, options);
  };
  return options.label ? named(options.label, run) : run();
}

function scanLength(xs: unknown, options: ScanOptions): number {
  const { leaves, shape } = flatten(xs);
  const length = options.length ?? leaves[0]?.shape[0];
  if (length === undefined || !Number.isInteger(length) || length < 1)
    return fail(
      'scan-empty',
      `scan: the number of steps is ${length}. Give xs a leading time axis, or a whole number as length.`,
    );
  leaves.forEach((x, i) => {
    if (x.shape[0] !== length)
      fail(
        'shape-mismatch',
        `scan: xs "${shape.paths[i]}" is ${describe(x)}, but the loop has ${length} steps. All xs need as many.`,
      );
  });
  return length;
}

function scanPlain<C, X, Y>(
  step: (carry: C, x: X) => readonly [C, Y],
  init: C,
  xs: X,
  length: number,
  options: ScanOptions,
  checkpoint = false,
): readonly [C, Y] {
  const { body, build } = traceStep(step, init, xs);
  const how = {
    label: currentPath() || 'scan',
    length,
    reverse: options.reverse ?? false,
    checkpoint,
  };
  const { carry, ys } = scanNode(closeOver(body), leavesOf(init), leavesOf(xs), how);
  return build([...carry, ...ys]);
}

/** What a step returns, refused if it is no pair: most often the state alone. */
export function pairOf<C, Y>(what: string, pair: readonly [C, Y]): readonly [C, Y] {
  if (!Array.isArray(pair) || pair.length !== 2)
    fail(
      'scan-carry-changed',
      `${what}: the step returns ${shown(pair)}. Return a pair, [state, output].`,
    );
  return pair;
}

interface TracedStep<C, Y> {
  /** Parameters are [carry, x], results [carry, y]. */
  readonly body: Body;
  /** The trees that the step returns, of other leaves. */
  build(results: readonly Tensor[]): readonly [C, Y];
}

function traceStep<C, X, Y>(
  step: (carry: C, x: X) => readonly [C, Y],
  init: C,
  xs: X,
): TracedStep<C, Y> {
  const carryIn = flatten(init);
  const xsIn = flatten(xs);
  const carry = carryIn.leaves.map((t, i) =>
    param(t.shape, t.dtype, carryIn.shape.paths[i] || 'carry'),
  );
  const x = xsIn.leaves.map((t, i) => param(t.shape.slice(1), t.dtype, xsIn.shape.paths[i] || 'x'));
  const [next, y] = pairOf('scan', step(carryIn.shape.build(carry) as C, xsIn.shape.build(x) as X));
  const carryOut = flatten(next);
  const yOut = flatten(y);
  if (carryOut.shape.text !== carryIn.shape.text)
    fail(
      'scan-carry-changed',
      `scan: the carry changes structure from ${carryIn.shape.text} to ${carryOut.shape.text}. Return the state as it came in.`,
    );
  carryOut.leaves.forEach((t, i) => {
    const before = carry[i] as Tensor;
    if (!sameShape(t.shape, before.shape) || t.dtype !== before.dtype)
      fail(
        'scan-carry-changed',
        `scan: carry "${carryIn.shape.paths[i]}" changes from ${before.dtype}[${before.shape}] to ${t.dtype}[${t.shape}]. Return it as it came in: project or cast it.`,
      );
  });
  return {
    body: { params: [...carry, ...x], results: [...carryOut.leaves, ...yOut.leaves] },
    build: (results) => [
      carryIn.shape.build(results.slice(0, carry.length)) as C,
      yOut.shape.build(results.slice(carry.length)) as Y,
    ],
  };
}

/** A body whose outer values have become leading parameters, and those values. */
export interface Closed {
  readonly body: Body;
  readonly consts: readonly Tensor[];
}

/**
 * Makes every outer value that the body reads a parameter. Cuts above whatever does not depend on the body's own
 * parameters, so that such work runs once, outside; views of it stay inside, where they are free.
 */
export function closeOver(body: Body): Closed {
  const order = topo(body.results);
  const inside = dependents(order, body.params);
  const consts = new Map<Tensor, Tensor>(); // outer value -> parameter
  const memo = new Map<Tensor, Tensor>(body.params.map((p) => [p, p]));
  const outer = (t: Tensor): Tensor => {
    const known = memo.get(t);
    if (known) return known;
    let out: Tensor;
    if (constantOf(t) !== undefined || (t.op.kind === 'map' && t.args.length === 0)) out = t;
    else if (isView(t)) out = mapArgs(t, outer);
    else {
      out = param(t.shape, t.dtype, t.label);
      consts.set(t, out);
    }
    memo.set(t, out);
    return out;
  };
  for (const t of order)
    if (inside.has(t) && !memo.has(t))
      memo.set(
        t,
        mapArgs(t, (a) => (inside.has(a) ? (memo.get(a) as Tensor) : outer(a))),
      );
  const results = body.results.map((r) => memo.get(r) ?? outer(r));
  return {
    body: { params: [...consts.values(), ...body.params], results },
    consts: [...consts.keys()],
  };
}

/** A scan node and what is picked from it. */
export function scanNode(
  closed: Closed,
  init: readonly Tensor[],
  xs: readonly Tensor[],
  how: Pick<ScanOp, 'label' | 'length' | 'reverse' | 'checkpoint'>,
): { node: Tensor; carry: Tensor[]; ys: Tensor[] } {
  const { body, consts } = closed;
  const counts = { consts: consts.length, carry: init.length, xs: xs.length };
  const op: ScanOp = { kind: 'scan', ...how, body, counts };
  const node = new Tensor(op, [], 'float32', [...consts, ...init, ...xs], how.label);
  const out = body.results.map((_, i) => pick(node, i));
  return { node, carry: out.slice(0, init.length), ys: out.slice(init.length) };
}

/** Result `index` of a scan: a last carry, or a y stacked over time. */
export function pick(node: Tensor, index: number): Tensor {
  if (node.op.kind !== 'scan') {
    const y = node.args[index] as Tensor;
    return new Tensor({ kind: 'pick', index }, y.shape, y.dtype, [node], y.label);
  }
  const { body, counts, length } = node.op;
  const r = body.results[index] as Tensor;
  const shape = index < counts.carry ? r.shape : [length, ...r.shape];
  return new Tensor({ kind: 'pick', index }, shape, r.dtype, [node], r.label);
}

function scanMasked<C, X, Y>(
  step: (carry: C, x: X) => readonly [C, Y],
  init: C,
  xs: X,
  mask: Tensor,
  options: ScanOptions,
): readonly [C, Y] {
  const batch = mask.shape[1] as number;
  const inBatch =
    leavesOf(init).some((t) => t.shape[0] === batch) ||
    leavesOf(xs).some((t) => t.rank > 1 && t.shape[1] === batch);
  if (!inBatch)
    fail(
      'scan-lengths',
      `scan: lengths or mask are for ${batch} rows, but no carry or xs has that many. Give one entry per row.`,
    );
  const traced = traceStep(step, init, xs);
  const closed = closeOver(traced.body);
  const counts = { carry: leavesOf(init).length, xs: leavesOf(xs).length };
  const shared = sharedIn(closed, counts, batch);
  const again = (carry: C, x: X): readonly [C, Y] => {
    const given = [...closed.consts, ...leavesOf(carry), ...leavesOf(x)];
    const known = new Map(closed.body.params.map((p, i) => [p, given[i] as Tensor]));
    const results = rewrite(closed.body.results, (t, args) => known.get(t) ?? withArgs(t, args));
    return traced.build(results);
  };
  const inputs = {
    active: mask,
    x: maskedLeaves(mask, xs, shared?.xs, (x) => standIn(mask, x, !shared)),
  };
  const all: unknown = scan(
    maskedStep(again, shared?.ys) as never,
    init as never,
    inputs as never,
    { ...options, lengths: undefined, mask: undefined },
  );
  return all as readonly [C, Y];
}

/**
 * Steps per segment, about the square root of all: if possible a number that leaves no short segment, for to fill one up
 * copies the inputs.
 */
function segmentOf(length: number): number {
  const root = Math.ceil(Math.sqrt(length));
  for (let steps = root; 2 * steps > root; steps--) if (length % steps === 0) return steps;
  return root;
}

/** An outer loop over segments around the plain loop. A short segment is filled up and masked. */
function scanSegments<C, X, Y>(
  step: (carry: C, x: X) => readonly [C, Y],
  init: C,
  xs: X,
  length: number,
  { checkpoint, ...options }: ScanOptions,
): readonly [C, Y] {
  const asked = checkpoint === true ? segmentOf(length) : (checkpoint ?? length);
  const steps = Math.min(asked, length);
  if (!Number.isInteger(asked) || asked < 1)
    fail(
      'option-invalid',
      `scan: checkpoint is ${checkpoint}. Give true or the steps per segment, from 1 up.`,
    );
  const segments = Math.ceil(length / steps);
  const missing = segments * steps - length;
  if (missing > 0) {
    const front = options.reverse ? 0 : missing;
    // Filled up where the loop begins, with the step that it begins with: a step of zeros, or one more after the last, may
    // have no finite gradient.
    const fill = (x: Tensor, first = slice(x, 0, front ? 0 : length - 1, 1)): Tensor => {
      const more = broadcastTo(first, [missing, ...x.shape.slice(1)]);
      return concat(front ? [more, x] : [x, more]);
    };
    const active = fill(ones([length], 'bool'), zeros([1], 'bool'));
    const filled = { active, x: mapTree(fill, xs) };
    const again = { ...options, checkpoint: steps };
    const [last, ys] = scanSegments(
      maskedStep(step),
      init,
      filled as never,
      length + missing,
      again,
    );
    return [last, mapTree((y) => slice(y, 0, front, length), ys) as Y];
  }
  const cut = (x: Tensor): Tensor => reshape(x, [segments, steps, ...x.shape.slice(1)]);
  const inner = (carry: C, x: X): readonly [C, Y] => scanPlain(step, carry, x, steps, options);
  const [last, ys] = scanPlain(inner, init, mapTree(cut, xs) as never, segments, options, true);
  return [last, mapTree((y) => reshape(y, [length, ...y.shape.slice(2)]), ys) as Y];
}
