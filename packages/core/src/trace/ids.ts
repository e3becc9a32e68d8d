/** Row numbers that come from the host, checked before a table reads by them. */
import { fail } from '../errors.ts';
import { topo } from '../graph/rewrite.ts';
import { isView, type Tensor } from '../graph/tensor.ts';
import type { TypedArray } from '../ir/dtype.ts';

/** Checks what is fed to the parameters, by number. */
export function idsChecker(
  results: readonly Tensor[],
  params: readonly Tensor[],
  name: string,
): (fed: readonly { readonly host?: TypedArray }[]) => void {
  const bounds = indexBounds(results, params);
  return (fed) => {
    for (const [i, rows] of bounds) {
      const host = fed[i]?.host;
      if (host) checkIds(host, rows, `${name}: "${params[i]?.label}"`);
    }
  };
}

function checkIds(ids: TypedArray, rows: number, what: string): void {
  for (let k = 0; k < ids.length; k++) {
    const id = ids[k] as number;
    if (id < 0 || id >= rows)
      fail(
        'index-out-of-range',
        `${what} holds ${id} at ${k}, but the table it indexes has ${rows} rows. Use 0 to ${rows - 1}.`,
      );
  }
}

/** Which parameters are row numbers, seen through views and scans, and of how many rows at least. */
function indexBounds(results: readonly Tensor[], params: readonly Tensor[]): Map<number, number> {
  const bounds = new Map<number, number>();
  const walk = (roots: readonly Tensor[], outer: (t: Tensor) => Tensor): void => {
    for (const t of topo(roots)) {
      if (t.op.kind === 'gather' || t.op.kind === 'scatter') {
        const rows = (t.op.kind === 'gather' ? (t.args[0] as Tensor) : t).shape[0] as number;
        const p = params.indexOf(sourceOf(t.args[1] as Tensor, outer));
        if (p >= 0) bounds.set(p, Math.min(bounds.get(p) ?? rows, rows));
      }
      if (t.op.kind === 'scan') {
        const { body } = t.op;
        walk(body.results, (q) => {
          const i = body.params.indexOf(q);
          return i >= 0 ? sourceOf(t.args[i] as Tensor, outer) : q;
        });
      }
    }
  };
  walk(results, (t) => t);
  return bounds;
}

function sourceOf(t: Tensor, outer: (t: Tensor) => Tensor): Tensor {
  let n = t;
  while (isView(n) || n.op.kind === 'identity') n = n.args[0] as Tensor;
  return n.op.kind === 'param' ? outer(n) : n;
}
