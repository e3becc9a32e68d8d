/** A node of a loop's body for all time steps at once. Knows each kind of node and one more, leading axis: time. */
import { Tensor } from '../graph/tensor.ts';
import { axisIndex, type Expr, mapLeaves } from '../ir/expr.ts';
import { contract } from '../ops/contract.ts';
import { reduce } from '../ops/reduce.ts';
import { broadcastAxes, concat, flip, reshape, slice, transpose } from '../ops/views.ts';

export interface Lifted {
  readonly value: Tensor;
  /** Whether the value has the time axis; if not, it is the same in every step. */
  readonly timed: boolean;
}

/** What is already known outside the loop: stacked inputs, constants, stacked results. */
export type Outside = (t: Tensor) => Lifted | undefined;

export type Lift = (t: Tensor) => Lifted;

/** Gathers and scatters; see lift-table.ts. */
export type LiftTable = (t: Tensor, x: Lifted, y: Lifted, length: number) => Tensor;

/** `liftTable` is needed where there are tables. */
export function liftOver(length: number, outside: Outside, liftTable?: LiftTable): Lift {
  const memo = new Map<Tensor, Lifted>();
  const lift: Lift = (t) => {
    const known = outside(t) ?? memo.get(t);
    if (known) return known;
    const args = t.args.map(lift);
    const out = args.some((a) => a.timed)
      ? { value: liftNode(t, args, length, liftTable), timed: true }
      : {
          value: new Tensor(
            t.op,
            t.shape,
            t.dtype,
            args.map((a) => a.value),
            t.label,
          ),
          timed: false,
        };
    memo.set(t, out);
    return out;
  };
  return lift;
}

export const stackedValue = ({ value, timed }: Lifted, length: number): Tensor =>
  timed ? value : broadcastAxes(value, [0], [length, ...value.shape]);

export const freshLetter = (taken: string): string => {
  for (let code = 0x3b1; ; code++) {
    const letter = String.fromCharCode(code);
    if (!taken.includes(letter)) return letter;
  }
};

function liftNode(
  t: Tensor,
  args: readonly Lifted[],
  length: number,
  liftTable?: LiftTable,
): Tensor {
  const { op } = t;
  const shape = [length, ...t.shape];
  const stack = (a: Lifted): Tensor => stackedValue(a, length);
  const [x, y] = args as readonly [Lifted, Lifted];
  switch (op.kind) {
    case 'map': {
      const body = shiftAxes(op.body);
      return new Tensor({ kind: 'map', body }, shape, t.dtype, args.map(stack), t.label);
    }
    case 'reduce':
      return reduce(
        op.combine,
        x.value,
        op.axes.map((a) => a + 1),
      );
    case 'contract': {
      const time = freshLetter(op.a + op.b + op.out);
      const on = (side: Lifted, letters: string): string => (side.timed ? time + letters : letters);
      return contract(on(x, op.a), on(y, op.b), time + op.out, x.value, y.value);
    }
    case 'transpose':
      return transpose(x.value, [0, ...op.perm.map((a) => a + 1)]);
    case 'broadcast':
      return broadcastAxes(
        x.value,
        op.axes.map((a) => a + 1),
        shape,
      );
    case 'reshape':
      return reshape(x.value, shape);
    case 'slice':
      return slice(x.value, op.axis + 1, op.start, t.shape[op.axis] as number);
    case 'flip':
      return flip(
        x.value,
        op.axes.map((a) => a + 1),
      );
    case 'concat':
      return concat(args.map(stack), op.axis + 1);
    case 'gather':
    case 'scatter':
      return (liftTable as LiftTable)(t, x, y, length);
    default:
      throw new TypeError(`lift: ${op.kind}`);
  }
}

const shiftAxes = (body: Expr): Expr =>
  mapLeaves(body, (leaf) => (leaf.op === 'axis' ? axisIndex(leaf.axis + 1) : leaf));
