/** Walking and rebuilding graphs. Knows nodes and edges, not what they mean. */
import { mapSame } from '../ir/expr.ts';
import { Tensor } from './tensor.ts';

/** Whether the value of one tensor is computed from another, however little. */
export const dependsOn = (result: Tensor, on: Tensor): boolean => topo([result]).includes(on);

/** All nodes below `roots`, each after its arguments. Iterative: an unrolled loop may be very deep. */
export function topo(roots: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = [];
  const seen = new Set<Tensor>();
  /** The nodes from a root down to where we are, and how many of each one's arguments are done. */
  const path: Tensor[] = [];
  const done: number[] = [];
  const enter = (t: Tensor): void => {
    if (seen.has(t)) return;
    seen.add(t);
    path.push(t);
    done.push(0);
  };
  for (const root of roots) {
    enter(root);
    while (path.length > 0) {
      const top = path.length - 1;
      const node = path[top] as Tensor;
      const child = node.args[(done[top] as number)++];
      if (child) enter(child);
      else {
        order.push(node);
        path.pop();
        done.pop();
      }
    }
  }
  return order;
}

/** The same node with other arguments; itself where the list is its own, as `mapSame` gives it. */
export const withArgs = (t: Tensor, args: readonly Tensor[]): Tensor =>
  args === t.args ? t : new Tensor(t.op, t.shape, t.dtype, args, t.label);

/** The same node with each argument changed; itself where none is. */
export const mapArgs = (t: Tensor, change: (a: Tensor) => Tensor): Tensor =>
  withArgs(t, mapSame(t.args, change));

/**
 * Rebuilds the graph below `roots`, arguments first. `rule` gets a node and its rebuilt arguments and gives the node
 * that stands for it. The same list where no root changes.
 */
export function rewrite(
  roots: readonly Tensor[],
  rule: (t: Tensor, args: readonly Tensor[]) => Tensor,
  order: readonly Tensor[] = topo(roots),
): readonly Tensor[] {
  const memo = new Map<Tensor, Tensor>();
  const standIn = (t: Tensor): Tensor => memo.get(t) as Tensor;
  for (const t of order) memo.set(t, rule(t, mapSame(t.args, standIn)));
  return mapSame(roots, standIn);
}

/** Who reads each node. */
export function usersOf(order: readonly Tensor[]): Map<Tensor, Tensor[]> {
  const users = new Map<Tensor, Tensor[]>();
  for (const t of order)
    for (const a of t.args) {
      const list = users.get(a);
      if (!list) users.set(a, [t]);
      else if (list.at(-1) !== t) list.push(t);
    }
  return users;
}

/** Which nodes of `order` depend on one of `sources`. */
export function dependents(order: readonly Tensor[], sources: Iterable<Tensor>): Set<Tensor> {
  const out = new Set(sources);
  for (const t of order) if (t.args.some((a) => out.has(a))) out.add(t);
  return out;
}
