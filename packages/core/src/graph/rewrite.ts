/** Walking and rebuilding graphs. Knows nodes and edges, not what they mean. */
import { mapSame } from '../ir/expr.ts';
import { Tensor } from './tensor.ts';

/** All nodes below `roots`, each after its arguments. Iterative: an unrolled loop may be very deep. */
export function topo(roots: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = [];
  const seen = new Set<Tensor>();
  const stack: { node: Tensor; next: number }[] = [];
  for (const root of roots) {
    if (seen.has(root)) continue;
    seen.add(root);
    stack.push({ node: root, next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as { node: Tensor; next: number };
      const child = top.node.args[top.next++];
      if (!child) {
        order.push(top.node);
        stack.pop();
      } else if (!seen.has(child)) {
        seen.add(child);
        stack.push({ node: child, next: 0 });
      }
    }
  }
  return order;
}

/** The same node with other arguments. */
export const withArgs = (t: Tensor, args: readonly Tensor[]): Tensor =>
  args === t.args || args.every((a, i) => a === t.args[i])
    ? t
    : new Tensor(t.op, t.shape, t.dtype, args, t.label);

/**
 * Rebuilds the graph below `roots`, arguments first. `rule` gets a node and its rebuilt arguments and gives the node
 * that stands for it.
 */
export function rewrite(
  roots: readonly Tensor[],
  rule: (t: Tensor, args: readonly Tensor[]) => Tensor,
  order: readonly Tensor[] = topo(roots),
): Tensor[] {
  const memo = new Map<Tensor, Tensor>();
  for (const t of order)
    memo.set(
      t,
      rule(
        t,
        mapSame(t.args, (a) => memo.get(a) as Tensor),
      ),
    );
  return roots.map((r) => memo.get(r) as Tensor);
}

/** Who reads each node. */
export function usersOf(order: readonly Tensor[]): Map<Tensor, Tensor[]> {
  const users = new Map<Tensor, Tensor[]>();
  for (const t of order)
    for (const a of new Set(t.args)) {
      const list = users.get(a);
      if (list) list.push(t);
      else users.set(a, [t]);
    }
  return users;
}

/** Which nodes of `order` depend on one of `sources`. */
export function dependents(order: readonly Tensor[], sources: Iterable<Tensor>): Set<Tensor> {
  const out = new Set(sources);
  for (const t of order) if (t.args.some((a) => out.has(a))) out.add(t);
  return out;
}
