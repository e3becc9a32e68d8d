/**
 * Which values of a scan's body lie in workgroup memory, and for how many rows at once. What does not fit, or is not laid
 * out row by row, lies in a device buffer. Sizes of features alone decide, so that other lengths and batches get the
 * same kernel. Knows layouts; knows no text.
 */
import { type DType, outsOfInstr, type Rows, type Scan } from '@ostinato/core/backend';
import { rowProductOf } from '../kernels/row-product.ts';
import type { Machine } from './plan.ts';

/** A value of the body that neither the caller gives nor gets: a carry, or one between two instructions. */
export interface BodyValue {
  /** A carry's incoming slot; its outgoing one is `out`. */
  readonly slot: number;
  readonly out?: number;
  readonly dtype: DType;
  /** Elements of the whole slot. */
  readonly size: number;
  /** Elements per row; 0 where all rows share it. */
  readonly rowSize: number;
}

export interface Tile {
  readonly rows: number;
  readonly local: readonly BodyValue[];
  readonly spilled: readonly BodyValue[];
  /** Elements of workgroup memory that are left. */
  readonly free: number;
}

/** Elements of one copy of a value for so many rows. */
export const elementsOf = (v: BodyValue, rows: number): number =>
  v.rowSize === 0 ? v.size : v.rowSize * rows;

/** More rows per workgroup read each weight more seldom, but leave more of the GPU idle. */
const MOST_ROWS = 4;

/** Null with a reason where a shared value does not fit. */
export function planTile(
  scan: Scan,
  rows: Rows,
  machine: Machine,
  asked: number | undefined,
): Tile | string {
  const values = valuesOf(scan, rows);
  const tiled = (v: BodyValue): boolean => v.rowSize === 0 || rowMajor(v, rows);
  // Arrays take multiples of 16 bytes, and there are two: of floats and of words.
  const room = Math.floor(machine.workgroupBytes / 4) - 8 - scratchElements(scan, rows, machine);
  const sum = (list: readonly BodyValue[], count: number): number =>
    list.reduce((n, v) => n + elementsOf(v, count) * (v.out === undefined ? 1 : 2), 0);
  const shared = values.filter((v) => v.rowSize === 0);
  if (sum(shared, 1) > room)
    return 'its reductions and what its rows share do not fit workgroup memory';
  const inside = values.filter(tiled);
  let count = asked ?? MOST_ROWS;
  while (asked === undefined && count > 1 && sum(inside, count) > room) count >>= 1;
  // Smallest first: as many as fit.
  const local: BodyValue[] = [];
  for (const v of inside.toSorted((a, b) => a.rowSize - b.rowSize))
    if (sum([...local, v], count) <= room) local.push(v);
  const spilled = values.filter((v) => !local.includes(v));
  return { rows: count, local, spilled, free: room - sum(local, count) };
}

function valuesOf({ body, consts, init }: Scan, rows: Rows): BodyValue[] {
  const callers = new Set([...body.inputs, ...body.outputs]);
  const value = (slot: number, out?: number): BodyValue => {
    const { dtype, size } = body.slots[slot] as Scan['body']['slots'][number];
    const rowSize = rows.stride[slot] === null ? 0 : size / rows.count;
    return { slot, dtype, size, rowSize, ...(out === undefined ? {} : { out }) };
  };
  const carries = init.map((_, k) =>
    value(body.inputs[consts.length + k] as number, body.outputs[k] as number),
  );
  const touched = new Set(body.code.flatMap((i) => outsOfInstr(i).map((o) => o.slot)));
  const between = body.slots.flatMap((_, k) =>
    callers.has(k) || !touched.has(k) ? [] : [value(k)],
  );
  return [...carries, ...between];
}

/** Rows lie one behind the other, so that a tile of them is one piece. */
const rowMajor = ({ slot, out, rowSize }: BodyValue, { stride, count }: Rows): boolean =>
  Number.isInteger(rowSize) &&
  (count === 1 || [slot, out ?? slot].every((k) => stride[k] === rowSize));

/** What reductions of the body need: an element per thread for each of their values, in arrays by type and number. */
function scratchElements({ body }: Scan, rows: Rows, { tileThreads }: Machine): number {
  const arrays = body.code.flatMap((i, k) => {
    const reduces = 'over' in i && i.over.length > 0;
    // A product of rows with a weight is summed by single threads.
    if (
      !reduces ||
      (i.kind === 'contract' && rowProductOf(i, rows.axis[k] ?? null, () => undefined))
    )
      return [];
    return i.outs.map(({ dtype }, n) => `${dtype} ${n}`);
  });
  return tileThreads * new Set(arrays).size;
}
