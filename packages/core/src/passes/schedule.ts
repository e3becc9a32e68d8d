/**
 * When each node of a graph runs. Elementwise nodes of one level and shape become one loop; everything else is an
 * instruction of its own. Knows who needs what; knows no memory.
 */
import { topo, usersOf } from '../graph/rewrite.ts';
import { baseOf, constantOf, type Tensor } from '../graph/tensor.ts';
import { isCostly } from '../ir/scalar.ts';

export interface Schedule {
  /** Nodes that matter, arguments first: what only feeds constants is not among them. */
  readonly order: readonly Tensor[];
  readonly users: ReadonlyMap<Tensor, readonly Tensor[]>;
  /** Maps that run inside the reductions that read them. */
  readonly inlined: ReadonlySet<Tensor>;
  /** Within a level, single instructions run first, in order, then the loops of maps and copies. */
  readonly levels: number;
  level(t: Tensor): number;
  /** The level at which a copy of `t` can run. */
  copyLevel(t: Tensor): number;
}

/** Maps in a row that may become one expression: those of any depth would overflow the stack of whoever walks them. */
const DEEPEST = 256;

export const isConstant = (t: Tensor): boolean => constantOf(t) !== undefined;

export function schedule(results: readonly Tensor[]): Schedule {
  const order = topo(results).filter((t) => !isConstant(t));
  const users = usersOf(order);
  const outputs = new Set(results);
  const inlined = new Set<Tensor>();
  const depths = new Map<Tensor, number>();
  const depthOf = (t: Tensor): number => depths.get(t) ?? 0;
  for (const t of order)
    if (t.op.kind === 'map') depths.set(t, Math.max(0, ...t.args.map(depthOf)) + 1);
  /** Of two maps, one of which reads the other: whether they may be one expression. Their depths differ in low bits only. */
  const near = (a: Tensor, b: Tensor): boolean => (depthOf(a) ^ depthOf(b)) < DEEPEST;
  for (const t of order.toReversed()) {
    const inside = (u: Tensor): boolean => u.op.kind === 'reduce' || (inlined.has(u) && near(t, u));
    if (!outputs.has(t) && runsInside(t, users.get(t) ?? [], inside)) inlined.add(t);
  }

  const levels = new Map<Tensor, number>();
  // Maps, concats and copies end a level; whoever needs them whole comes one later.
  const endsLevel = (t: Tensor): boolean => t.op.kind === 'map' || t.op.kind === 'concat';
  const copyLevel = (t: Tensor): number => {
    const base = baseOf(t);
    const level = levels.get(base) ?? 0;
    return endsLevel(base) && !isConstant(base) ? level + 1 : level;
  };
  for (const t of order) {
    let level = 0;
    for (const a of t.args) {
      if (isConstant(a)) continue;
      const direct = a.op.kind === 'map' && !inlined.has(a);
      const fuses = t.op.kind === 'map' && !inlined.has(t) && direct && near(a, t);
      const insideReduce = inlined.has(a);
      // A part of a concat that is a map writes itself; other parts are copied when they are ready.
      const part = t.op.kind === 'concat' && direct;
      const need = fuses || insideReduce || part ? (levels.get(a) ?? 0) : copyLevel(a);
      level = Math.max(level, need);
    }
    levels.set(t, level);
  }
  const level = (t: Tensor): number => levels.get(t) ?? 0;
  // A map whose value only later loops of its shape need runs in the first of them and is never stored.
  for (const t of order.toReversed()) {
    if (t.op.kind !== 'map' || inlined.has(t) || outputs.has(t)) continue;
    const readers = users.get(t) ?? [];
    const joins = (u: Tensor): boolean => u.op.kind === 'map' && !inlined.has(u) && near(t, u);
    if (readers.length > 0 && readers.every(joins)) levels.set(t, Math.min(...readers.map(level)));
  }
  let last = 0;
  for (const t of order) last = Math.max(last, level(t), copyLevel(t));
  return { order, users, inlined, levels: last + 1, level, copyLevel };
}

/**
 * A map that only reductions read runs inside them, if it is cheap or there is only one; so does a map that only such
 * a map reads.
 */
function runsInside(
  { op }: Tensor,
  readers: readonly Tensor[],
  inside: (reader: Tensor) => boolean,
): boolean {
  if (op.kind !== 'map' || readers.length === 0) return false;
  return (readers.length === 1 || !isCostly(op.body)) && readers.every(inside);
}
