/** Products of which each call computes a range: what ranges count, and which operand has the rows. */
import {
  type Axis,
  type Contract,
  exchange,
  type Operand,
  productAxes,
  sizeOfAxes,
} from '@ostinato/core/backend';
import {
  type ByteAxis,
  type ContractPlan,
  type Orientation,
  type PlanOptions,
  planContract,
  type RangeAxis,
} from './plan.ts';

/** The plan where ranges count an axis, if one is given: with the partial sums, and so the bits, of the `free` plan. */
export const planRanged = (
  instr: Contract,
  free: ContractPlan,
  axis: number | null | undefined,
  options: PlanOptions,
): ContractPlan =>
  typeof axis !== 'number'
    ? free
    : planContract(instr, free.target, { ...options, rangeAxis: axis, longest: free.longest });

interface Ranged {
  readonly rows: { readonly outer: readonly ByteAxis[]; readonly inner: ByteAxis };
  readonly batch: readonly ByteAxis[];
  /** The axis that ranges are to count. */
  readonly given: ByteAxis | undefined;
}

/**
 * The given axis; else panels, where each thread would pack all columns if rows were shared; else the longest axis that a
 * range can cut.
 */
export function rangeOf(
  { source, columns, tile }: Pick<ContractPlan, 'source' | 'columns' | 'tile'>,
  { rows: { inner, outer }, batch, given }: Ranged,
): ContractPlan['range'] {
  const whole = columns.size % tile.columns === 0;
  const fewRows = inner.size * sizeOfAxes(outer) <= columns.size;
  if (!given && source === 'blocks' && whole && fewRows)
    return { at: 'panels', size: columns.size / tile.columns };
  const choices: { axis: ByteAxis; range: RangeAxis }[] = [
    { axis: inner, range: { at: 'rows' } },
    ...outer.map((axis, index) => ({ axis, range: { at: 'outerRows', index } as const })),
    ...batch.map((axis, index) => ({ axis, range: { at: 'batch', index } as const })),
  ];
  const chosen = given
    ? choices.find((c) => c.axis === given)
    : choices.reduce((best, c) => (c.axis.size > best.axis.size ? c : best));
  const { axis, range } = chosen ?? (choices[0] as (typeof choices)[number]);
  return { ...range, size: axis.size };
}

/** The operand that has the axis has the rows; either, where both or none have it. */
export function rangedOrientations(instr: Contract, rangeAxis: number): readonly Orientation[] {
  const axes = productAxes(withoutAxis(instr, rangeAxis));
  const [a, b] = instr.args.map((o) => o.strides[rangeAxis] as number) as [number, number];
  const out = instr.outs[0].strides[rangeAxis] as number;
  const size = instr.shape[rangeAxis] as number;
  const ranged = (strides: readonly number[]): Axis => ({ size, over: false, strides });
  const straight = { axes, swapped: false, ranged: ranged([a, b, out]) };
  const swapped = { axes: exchange(axes), swapped: true, ranged: ranged([b, a, out]) };
  if ((a === 0) === (b === 0)) return [straight, swapped];
  return [b === 0 ? straight : swapped];
}

function withoutAxis(instr: Contract, axis: number): Contract {
  const rest = <T>(list: readonly T[]): T[] => list.filter((_, k) => k !== axis);
  const operand = (o: Operand): Operand => ({ ...o, strides: rest(o.strides) });
  const [a, b] = instr.args;
  return {
    ...instr,
    shape: rest(instr.shape),
    args: [operand(a), operand(b)],
    outs: [operand(instr.outs[0])],
  };
}
