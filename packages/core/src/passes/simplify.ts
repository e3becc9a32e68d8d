/**
 * Graph to an equal, smaller graph: identities go, constants fold, views move to the inputs, equal work is shared, and
 * scans lose what nobody reads.
 */
import { rewrite, topo, usersOf, withArgs } from '../graph/rewrite.ts';

import { Tensor } from '../graph/tensor.ts';
import { builder } from './build.ts';
import { mergeScans, tidyScans } from './tidy-scans.ts';

const ROUNDS = 6; // each round only makes graphs smaller or moves views up; two or three are usual

export function simplify(roots: readonly Tensor[]): Tensor[] {
  let now = mergeScans(roots);
  let size = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    now = tidyScans(rebuild(now));
    const next = graphSize(now);
    if (next === size) break;
    size = next;
  }
  return rebuild(now);
}

const graphSize = (roots: readonly Tensor[]): number =>
  topo(roots).reduce(
    (n, t) => n + 1 + (t.op.kind === 'scan' ? graphSize(t.op.body.results) + t.args.length : 0),
    0,
  );

/** Every node in normal form, bodies of scans too. */
function rebuild(roots: readonly Tensor[]): Tensor[] {
  const { build } = builder();
  const users = usersOf(topo(roots));
  const outputs = new Set(roots);
  return rewrite(roots, (t, args) => {
    const { op } = t;
    switch (op.kind) {
      case 'param':
      case 'host':
      case 'value':
        return t;
      case 'custom':
        return withArgs(t, args);
      case 'scan': {
        const results = tidyScans(rebuild(mergeScans(op.body.results)));
        const body = { params: op.body.params, results };
        return new Tensor({ ...op, body }, t.shape, t.dtype, args, t.label);
      }
      case 'pick': {
        const [node] = args as readonly [Tensor];
        if (node.op.kind === 'custom') return node.args[op.index] as Tensor;
        return build(op, t.shape, t.dtype, args, t.label);
      }
      default: {
        // A view may move above costly maths if nobody else needs the maths where it is.
        const [x] = t.args;
        const eager = x !== undefined && !outputs.has(x) && users.get(x)?.length === 1;
        return build(op, t.shape, t.dtype, args, t.label, eager);
      }
    }
  });
}
