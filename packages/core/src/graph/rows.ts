/**
 * Can each row of the batch run the whole time loop alone? Then a backend needs no barrier across rows: a GPU may give
 * a tile of rows to one workgroup, a CPU to one thread. Knows a scan's body; decides nothing about schedules or masks.
 */
import { sizeOf } from '../ir/view.ts';
import { topo } from './rewrite.ts';
import { constantOf, describe, type ScanOp, type Tensor } from './tensor.ts';

/** Each value's row axis; null where all rows share the value. */
export type RowAxes = ReadonlyMap<Tensor, number | null>;

/** Rows mix, or there are none. */
export interface NoRows {
  /** Where and how, for `explain`. */
  readonly why: string;
  /** Values meet whose rows lie along different axes: what seems to be rows of one of them may be something else. */
  readonly meet: boolean;
}

export type RowsFound = { readonly count: number; readonly axes: RowAxes } | Pick<NoRows, 'why'>;

/**
 * Takes axis 0 of carries, xs and consts as the row axis where its size is that of a carry. A size may fit by accident
 * (a weight with as many rows as the batch), so consts, and then each other one, are also tried without.
 */
export function findRows(op: ScanOp): RowsFound {
  const { body, counts } = op;
  const { params } = body;
  const carries = params.slice(counts.consts, counts.consts + counts.carry);
  const sizes = [...new Set(carries.flatMap((c) => (c.rank > 0 ? [c.shape[0] as number] : [])))];
  let why = 'no carry has a batch axis';
  for (const count of sizes) {
    const fits = params.map((p) => p.shape[0] === count);
    const moving = fits.map((f, i) => f && i >= counts.consts);
    const guesses = [moving, fits];
    for (let i = params.length - 1; i >= counts.consts; i--)
      if (fits[i]) guesses.push(moving.map((f, j) => f && j !== i));
    for (const [g, guess] of guesses.entries()) {
      // Without rows in the state, each row would run the same whole loop.
      if (!carries.some((_, i) => guess[counts.consts + i])) continue;
      const found = rowAxes(op, guess, count);
      if (!('why' in found)) return { count, axes: found };
      if (g === 0) why = found.why;
    }
  }
  return { why };
}

/** Each value's row axis, if those parameters have rows along axis 0 and the others are shared; or why that cannot be. */
export function rowAxes(
  op: Pick<ScanOp, 'body' | 'counts'>,
  rowed: readonly boolean[],
  count: number,
): RowAxes | NoRows {
  const { body, counts } = op;
  const axes = new Map<Tensor, number | null>(body.params.map((p, i) => [p, rowed[i] ? 0 : null]));
  for (const t of topo(body.results)) {
    if (axes.has(t)) continue;
    const args = t.args.map((a) => axes.get(a) ?? null);
    const y = customResult(t);
    const axis = y ? (axes.get(y) ?? null) : axisOf(t, args, count);
    if (typeof axis === 'string')
      return { why: `${describe(t)} mixes rows`, meet: axis === 'meet' };
    axes.set(t, axis);
  }
  for (const [i, r] of body.results.entries()) {
    const axis = axes.get(r) ?? null;
    const has = i < counts.carry ? rowed[counts.consts + i] : axis !== null;
    if (axis !== (has ? 0 : null))
      return { why: `${describe(r)} does not keep its rows`, meet: false };
  }
  return axes;
}

/** Whether a value that all rows share may stand beside rows along `axis`: it repeats there. */
export function repeatsAlong(t: Tensor, axis: number): boolean {
  if (constantOf(t) !== undefined) return true;
  if (t.op.kind === 'broadcast') return t.op.axes.includes(axis);
  return t.op.kind === 'map' && t.args.every((a) => repeatsAlong(a, axis));
}

/** The value that is picked from a rule of its own. */
function customResult(t: Tensor): Tensor | undefined {
  const [rule] = t.args;
  return t.op.kind === 'pick' && rule?.op.kind === 'custom' ? rule.args[t.op.index] : undefined;
}

/** Where its rows lie; or that it mixes them, by itself or because rows of its arguments meet along different axes. */
function axisOf(
  t: Tensor,
  args: readonly (number | null)[],
  count: number,
): number | null | 'mixes' | 'meet' {
  const row = args.find((a) => a !== null) ?? null;
  const { op } = t;
  if (row === null) return op.kind === 'scan' ? 'mixes' : null;
  switch (op.kind) {
    case 'custom':
      return null; // no value itself: what is picked from it has rows
    case 'identity':
      return row;
    case 'map':
    case 'concat':
      if (op.kind === 'concat' && op.axis === row) return 'mixes';
      return t.args.every((a, i) => (args[i] === null ? repeatsAlong(a, row) : args[i] === row))
        ? row
        : 'meet';
    case 'slice':
      return op.axis === row ? 'mixes' : row;
    case 'flip':
      return op.axes.includes(row) ? 'mixes' : row;
    case 'reduce':
      return op.axes.includes(row) ? 'mixes' : row - op.axes.filter((a) => a < row).length;
    case 'transpose':
      return op.perm.indexOf(row);
    case 'broadcast': {
      const kept = t.shape.map((_, i) => i).filter((i) => !op.axes.includes(i));
      return kept[row] as number;
    }
    case 'reshape': {
      // The axis survives where as much data precedes it as before.
      const from = (t.args[0] as Tensor).shape;
      const before = sizeOf(from.slice(0, row));
      let n = 1;
      for (const [i, size] of t.shape.entries()) {
        if (n === before && size === count) return i;
        n *= size;
      }
      return 'mixes';
    }
    case 'contract': {
      const [a, b] = args as readonly [number | null, number | null];
      const letter = a !== null ? op.a[a] : op.b[b as number];
      if (a !== null && b !== null && op.a[a] !== op.b[b]) return 'meet';
      if (letter === undefined || !op.out.includes(letter)) return 'mixes';
      if ((a === null && op.a.includes(letter)) || (b === null && op.b.includes(letter)))
        return 'meet';
      return op.out.indexOf(letter);
    }
    case 'gather':
      // Rows of the index pick from a shared table.
      if (args[0] !== null) return args[1] === null ? 'mixes' : 'meet';
      return args[1] === 0 ? 0 : 'mixes';
    default:
      return 'mixes';
  }
}
