/**
 * Graph to an equal, smaller graph: identities go, constants fold, views move to the inputs, equal work is shared, and
 * scans lose what nobody reads.
 */
import { rewrite, topo, usersOf, withArgs } from '../graph/rewrite.ts';
import { Tensor } from '../graph/tensor.ts';
import { builder } from './build.ts';
import { tidyScans } from './tidy-scans.ts';

const ROUNDS = 6; // each round only makes graphs smaller or moves views up; one or two are usual

/** Views that move up, per node: far more than networks need. */
const SINKS = 8;

/** Nodes for nodes. */
type Pass = (roots: readonly Tensor[]) => readonly Tensor[];

/** `mergeScans` is needed where several scans have one body. */
export function simplify(
  roots: readonly Tensor[],
  mergeScans: Pass = (same) => same,
): readonly Tensor[] {
  let now = rebuild(roots, mergeScans);
  for (let round = 0; round < ROUNDS; round++) {
    const tidy = tidyScans(now);
    if (tidy === now) break;
    now = rebuild(tidy, mergeScans);
  }
  return now;
}

/** Every node in normal form, bodies of scans too. */
function rebuild(given: readonly Tensor[], mergeScans: Pass): readonly Tensor[] {
  const roots = mergeScans(given);
  const order = topo(roots);
  const build = builder(SINKS * order.length + 100);
  const users = usersOf(order);
  const outputs = new Set(roots);
  const rule = (t: Tensor, args: readonly Tensor[]): Tensor => {
    const { op } = t;
    switch (op.kind) {
      case 'param':
      case 'host':
      case 'value':
        return t;
      case 'custom':
        return withArgs(t, args);
      case 'scan': {
        const results = tidyScans(rebuild(op.body.results, mergeScans));
        const body = { params: op.body.params, results };
        return new Tensor({ ...op, body }, t.shape, t.dtype, args, t.label);
      }
      case 'pick': {
        const node = args[0] as Tensor;
        if (node.op.kind === 'custom') return node.args[op.index] as Tensor;
        return build(withArgs(t, args));
      }
      default: {
        // A view may move above costly maths if nobody else needs the maths where it is.
        const x = t.args[0];
        const eager = x !== undefined && !outputs.has(x) && users.get(x)?.length === 1;
        return build(withArgs(t, args), eager);
      }
    }
  };
  return rewrite(roots, rule, order);
}
