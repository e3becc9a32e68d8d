/**
 * Stacks of a time loop whose rows begin with the same columns, as a GRU's gradients of what its two products have made:
 * who reads both packs such columns once, and one of the stacks can do without them. Knows windows of a loop's body.
 */
import { denseStrides, type Operand, outsOfInstr, type Scan, sizeOf } from '@ostinato/core/backend';
import { readsOf } from '../affine.ts';
import { type Joint, layoutOf, membersOf } from './joint.ts';

/** What reads one of a loop's ys, step by step. */
interface Reader {
  readonly joint: Joint;
  readonly stack: Operand;
  /** Nobody else reads that stack. */
  readonly alone: boolean;
}

export interface Twins<R extends Reader> {
  readonly readers: readonly [first: R, second: R];
  /** Of both stacks. */
  readonly width: number;
  /** The first so many of them are the same in both, and the loop itself does not read the second one's. */
  readonly columns: number;
}

/** No reader is in two of them. */
export function findTwins<R extends Reader>(
  scan: Scan,
  readers: readonly R[],
): readonly Twins<R>[] {
  const found: Twins<R>[] = [];
  const free = (r: R): boolean => !found.some((t) => t.readers.includes(r));
  for (const first of readers)
    for (const second of readers)
      if (first !== second && free(first) && free(second))
        found.push(...twinsOf(scan, [first, second]));
  return found;
}

function twinsOf<R extends Reader>(scan: Scan, readers: readonly [R, R]): readonly Twins<R>[] {
  const [layout, other] = readers.map(({ joint: { companions } }) => {
    const [c] = companions;
    return c && layoutOf(c.contract, c.contract.args[c.common]);
  });
  if (!layout || JSON.stringify(layout) !== JSON.stringify(other)) return [];
  const { columns: columnAxes, strides } = layout;
  const [[width, step] = [0, 0], ...more] = columnAxes;
  const inRows = step === 1 && more.length === 0 && strides.every((n) => n % width === 0);
  if (!inRows || !isOnlyCommon(readers[1])) return [];
  const columns = sameOuts(scan, readers, width)
    .sort((p, q) => p.low - q.low)
    .reduce((reach, { low, high }) => (low <= reach ? Math.max(reach, high) : reach), 0);
  return columns > 0 ? [{ readers, width, columns }] : [];
}

/** Whether nobody reads that stack but as what the joint's members have in common. */
const isOnlyCommon = ({ joint, stack: { slot }, alone }: Reader): boolean =>
  alone && membersOf(joint).every(({ args }) => args.filter((o) => o.slot === slot).length === 1);

/** The loop without what it writes to the first `columns` of the second stack. */
export function withoutColumns<R extends Reader>(
  scan: Scan,
  { readers, width }: Twins<R>,
  columns: number,
): Scan {
  const unread = sameOuts(scan, readers, width).filter(({ high }) => high <= columns);
  const code = scan.body.code.map((i) => {
    if (i.kind !== 'loop') return i;
    const kept = i.outs.map((o) => !unread.some(({ out }) => out === o));
    return { ...i, outs: i.outs.filter((_, k) => kept[k]), body: i.body.filter((_, k) => kept[k]) };
  });
  return { ...scan, body: { ...scan.body, code } };
}

/** What the loop writes alike to both: columns of all rows, from `low` to before `high` in each. */
interface Same {
  /** To the second one. */
  readonly out: Operand;
  readonly low: number;
  readonly high: number;
}

function sameOuts(
  { body, init, ys }: Scan,
  readers: readonly [Reader, Reader],
  width: number,
): Same[] {
  const [first, second] = readers.map(
    ({ stack }) => body.outputs[init.length + ys.indexOf(stack)] as number,
  );
  const ofThese = ({ slot }: Operand): boolean => slot === first || slot === second;
  const [map, ...others] = body.code.filter((i) => outsOfInstr(i).some(ofThese));
  const needed =
    body.outputs.filter((slot) => slot === second).length > 1 ||
    body.code.some((i) => readsOf(i).some(({ slot }) => slot === second));
  if (needed || others.length > 0 || map?.kind !== 'loop') return [];
  const { outs, body: values, shape } = map;
  const size = shape.at(-1) as number;
  const strides = `${denseStrides([...shape.slice(0, -1), width])}`;
  const step = readers[1].stack.strides[0] as number;
  const inRows = (o: Operand): boolean => `${o.strides}` === strides;
  if (step !== width * sizeOf(shape.slice(0, -1)) || !outs.filter(ofThese).every(inRows)) return [];
  return outs.flatMap((out, k) => {
    const isSame = (o: Operand, j: number): boolean =>
      o.slot === first && o.offset === out.offset && values[j] === values[k];
    return out.slot === second && outs.some(isSame)
      ? [{ out, low: out.offset, high: out.offset + size }]
      : [];
  });
}
