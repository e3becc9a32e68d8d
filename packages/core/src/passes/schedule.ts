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
  readonly inlined: { has(t: Tensor): boolean };
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
  // How many maps in a row end with each, or begin with it inside a reduction; behind the deepest they begin anew.
  const depths = new Map<Tensor, number>();
  const depthBeside = (near: readonly Tensor[]): number =>
    near.reduce((most, t) => Math.max(most, (depths.get(t) ?? 0) % DEEPEST), 0) + 1;
  const isDeepest = (t: Tensor): boolean => depths.get(t) === DEEPEST;
  /**
   * Of each map that runs inside reductions which reduction that is, or itself where there are several: then it must be
   * cheap. All that read it are reductions, or run inside them too.
   */
  const inlined = new Map<Tensor, Tensor>();
  for (const t of order.toReversed()) {
    const readers = users.get(t) ?? [];
    const homes = new Set(readers.map((u) => (u.op.kind === 'reduce' ? u : inlined.get(u))));
    const [home] = homes;
    const depth = depthBeside(readers);
    const shared = homes.size > 1;
    if (t.op.kind !== 'map' || !home || homes.has(undefined) || outputs.has(t)) continue;
    if (depth === DEEPEST || (shared && isCostly(t.op.body))) continue;
    inlined.set(t, shared ? t : home);
    depths.set(t, depth);
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
      const fuses = t.op.kind === 'map' && !inlined.has(t) && direct && !isDeepest(a);
      const insideReduce = inlined.has(a);
      // A part of a concat that is a map writes itself; other parts are copied when they are ready.
      const part = t.op.kind === 'concat' && direct;
      const need = fuses || insideReduce || part ? (levels.get(a) ?? 0) : copyLevel(a);
      level = Math.max(level, need);
    }
    levels.set(t, level);
    if (t.op.kind === 'map' && !inlined.has(t)) depths.set(t, depthBeside(t.args));
  }
  const level = (t: Tensor): number => levels.get(t) ?? 0;
  // A map whose value only later loops of its shape need runs in the first of them and is never stored.
  for (const t of order.toReversed()) {
    if (t.op.kind !== 'map' || inlined.has(t) || outputs.has(t) || isDeepest(t)) continue;
    const readers = users.get(t) ?? [];
    const joins = (u: Tensor): boolean => u.op.kind === 'map' && !inlined.has(u);
    if (readers.length > 0 && readers.every(joins)) levels.set(t, Math.min(...readers.map(level)));
  }
  let last = 0;
  for (const t of order) last = Math.max(last, level(t), copyLevel(t));
  return { order, users, inlined, levels: last + 1, level, copyLevel };
}
