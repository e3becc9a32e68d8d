/** Row numbers that come from the host, checked before a table reads by them. */
import { fail } from '../errors.ts';
import { topo } from '../graph/rewrite.ts';
import { isView, type Tensor } from '../graph/tensor.ts';
import type { TypedArray } from '../ir/dtype.ts';
import { denseStrides, type Shape } from '../ir/view.ts';
import { type Place, view } from '../passes/place.ts';

/** Checks what is fed to the parameters, by number. */
export function idsChecker(
  results: readonly Tensor[],
  params: readonly Tensor[],
  name: string,
): (fed: readonly { readonly host?: TypedArray }[]) => void {
  const bounds = indexBounds(results, params);
  return (fed) => {
    for (const { slot, rows, ...part } of bounds) {
      const host = fed[slot]?.host;
      if (host) checkIds(host, part, rows, `${name}: "${params[slot]?.label}"`);
    }
  };
}

/** The part of a parameter that a table is read by; its slot is the parameter's number. */
interface Ids {
  readonly shape: Shape;
  readonly place: Place;
  /** Whether strides say in which order they are used, or only which they are. */
  readonly ordered: boolean;
  /** The steps of the loops in which they are used: each one's number and stride. */
  readonly steps: readonly Axis[];
}

type Axis = readonly [size: number, stride: number];

/** Elements of an array: at the offset, and so many steps from there along each axis. */
interface Part {
  readonly offset: number;
  readonly axes: readonly Axis[];
}

interface Bound extends Part {
  readonly slot: number;
  readonly rows: number;
}

function boundOf({ shape, place, steps }: Ids, rows: number): Bound {
  const all = [...steps, ...shape.map((n, i): Axis => [n, place.strides[i] as number])];
  // What repeats is checked once.
  const axes = all.filter(([, stride]) => stride !== 0);
  return { slot: place.slot, offset: place.offset, axes, rows };
}

function checkIds(host: TypedArray, { offset, axes }: Part, rows: number, what: string): void {
  const walk = (depth: number, at: number): void => {
    const axis = axes[depth];
    if (axis) {
      const [size, stride] = axis;
      for (let i = 0; i < size; i++) walk(depth + 1, at + i * stride);
      return;
    }
    const id = host[at] as number;
    if (id < 0 || id >= rows)
      fail(
        'index-out-of-range',
        `${what} holds ${id} at ${at}, but the table it indexes has ${rows} rows. Use 0 to ${rows - 1}.`,
      );
  };
  walk(0, offset);
}

/** Which parts of parameters are row numbers, seen through views and scans, and of how many rows at least. */
function indexBounds(results: readonly Tensor[], params: readonly Tensor[]): readonly Bound[] {
  const bounds = new Map<string, Bound>();
  const walk = (roots: readonly Tensor[], outer: (t: Tensor) => Ids | undefined): void => {
    for (const t of topo(roots)) {
      if (t.op.kind === 'gather' || t.op.kind === 'scatter') {
        const rows = (t.op.kind === 'gather' ? (t.args[0] as Tensor) : t).shape[0] as number;
        const ids = idsOf(t.args[1] as Tensor, outer);
        const name = JSON.stringify(ids);
        if (ids) bounds.set(name, boundOf(ids, Math.min(bounds.get(name)?.rows ?? rows, rows)));
      }
      if (t.op.kind === 'scan') {
        const { body, counts } = t.op;
        walk(body.results, (q) => {
          const i = body.params.indexOf(q);
          const ids = i >= 0 ? idsOf(t.args[i] as Tensor, outer) : undefined;
          return ids && i >= counts.consts + counts.carry ? stepOf(ids) : ids;
        });
      }
    }
  };
  walk(results, (t) => {
    const slot = params.indexOf(t);
    const place = { slot, offset: 0, strides: denseStrides(t.shape) };
    return slot < 0 ? undefined : { shape: t.shape, place, ordered: true, steps: [] };
  });
  return [...bounds.values()];
}

function idsOf(t: Tensor, outer: (t: Tensor) => Ids | undefined): Ids | undefined {
  if (!isView(t) && t.op.kind !== 'identity') return outer(t);
  const from = idsOf(t.args[0] as Tensor, outer);
  if (!from || !isView(t)) return from;
  const place = from.ordered ? view(t, from.place) : null;
  if (place) return { ...from, shape: t.shape, place };
  // Only a slice leaves some out.
  return t.op.kind === 'slice' ? undefined : { ...from, ordered: false };
}

/** What one step of a loop sees of what it runs over, for all of its steps. */
function stepOf(ids: Ids): Ids {
  if (!ids.ordered) return ids;
  const [size = 1, ...shape] = ids.shape;
  const [stride = 0, ...strides] = ids.place.strides;
  return { ...ids, shape, place: { ...ids.place, strides }, steps: [...ids.steps, [size, stride]] };
}
