/**
 * A product over all steps that only a time loop reads, done step by step inside it: what would be a stack as long as the
 * sequence never leaves the cache. Program to program; knows windows and places, no machine instruction.
 */
import {
  argsOfInstr,
  type BufferUse,
  type Contract,
  extent,
  type Instr,
  type Operand,
  outsOfInstr,
  type Program,
  type Scan,
  type Slot,
  sizeOf,
} from '@ostinato/core/backend';
import { overlap } from '../hazards.ts';
import { LONG } from '../target.ts';

/** When it pays. */
export interface SinkLimits {
  /** Bytes of a stack from which on it counts that it leaves the cache. */
  readonly stack: number;
  /** Bytes of weights up to which they stay in the second cache beside the recurrent ones; larger ones are read once. */
  readonly weights: number;
  /** A product of fewer rows is slower for each of them. */
  readonly rows: number;
}

const usual: SinkLimits = { stack: LONG, weights: 1 << 19, rows: 8 };

export const sink = (program: Program, limits = usual): Program =>
  program.code.reduce((p, i) => (i.kind === 'contract' ? sinkProduct(p, i, limits) : p), program);

function sinkProduct(program: Program, product: Contract, limits: SinkLimits): Program {
  const { code, slots, outputs } = program;
  const { slot } = product.outs[0];
  const touches = (operands: readonly Operand[]): boolean => operands.some((o) => o.slot === slot);
  const scan = code.find((i) => i.kind === 'scan' && touches(i.xs)) as Scan | undefined;
  if (!scan || outputs.includes(slot)) return program;
  const [stack, ...more] = argsOfInstr(scan).filter((o) => o.slot === slot) as [Operand];
  const elsewhere = (i: Instr): boolean =>
    (i !== scan && touches(argsOfInstr(i))) || (i !== product && touches(outsOfInstr(i)));
  if (more.length > 0 || code.some(elsewhere)) return program;
  const time = timeAxis(product, scan, stack);
  if (time === undefined || !pays(product, time, limits)) return program;
  const moved = inStep(product, scan, { time, at: scan.xs.indexOf(stack) });
  if (!moved) return program;
  // What the product reads is still there in the last step.
  const later = code.slice(code.indexOf(product) + 1, code.indexOf(scan) + 1);
  const kept = (arg: Operand): boolean =>
    later.every((i) => outsOfInstr(i).every((o) => !overlap(slots, o.slot, arg.slot)));
  if (!product.args.every(kept)) return program;
  return {
    ...program,
    code: code.flatMap((i) => (i === product ? [] : i === scan ? [moved] : [i])),
  };
}

/** The product's axis that the scan walks, if the stack is laid out as the scan reads it. */
function timeAxis({ shape, args, outs }: Contract, scan: Scan, stack: Operand): number | undefined {
  const [out] = outs;
  const axis = shape.findIndex((n, k) => n === scan.length && out.strides[k] === stack.strides[0]);
  const [a, b] = args.map((o) => o.strides[axis] !== 0);
  return axis >= 0 && out.offset === stack.offset && out.dtype === 'float32' && a !== b
    ? axis
    : undefined;
}

const split = ({ args: [a, b] }: Contract, time: number): { x: Operand; weights: Operand } =>
  a.strides[time] === 0 ? { weights: a, x: b } : { weights: b, x: a };

function pays(product: Contract, time: number, limits: SinkLimits): boolean {
  const { shape, over } = product;
  const { weights } = split(product, time);
  const points = (has: boolean): number =>
    sizeOf(shape.filter((_, k) => k !== time && (weights.strides[k] !== 0) === has));
  return (
    points(false) >= limits.rows &&
    4 * points(true) * sizeOf(over) <= limits.weights &&
    4 * sizeOf(shape) >= limits.stack
  );
}

/** The scan with the product in its body, in place of the scan's xs number `at`; undefined where rows do not fit. */
function inStep(
  product: Contract,
  scan: Scan,
  { time, at }: { readonly time: number; readonly at: number },
): Scan | undefined {
  const { weights, x } = split(product, time);
  const { body } = scan;
  const still = scan.consts.length;
  const moving = still + scan.init.length + at;
  const made = body.inputs[moving] as number;
  const untimed = <T>(list: readonly T[]): T[] => list.filter((_, k) => k !== time);
  const [out] = product.outs;

  // The body gets the weights and a step of x; what was its input is now its own.
  const shape = untimed(product.shape);
  const window = (o: Operand) => extent([...shape, ...product.over], untimed(o.strides));
  const slotOf = (label: string, o: Operand): Slot => {
    const { low, high } = window(o);
    return { dtype: 'float32', label, size: high - low };
  };
  // The loop may read less of a step than the product makes.
  const whole = extent(shape, untimed(out.strides));
  if (whole.low < 0) return undefined;
  const slots = body.slots.map((slot, k) =>
    k === made ? { ...slot, size: Math.max(slot.size, whole.high) } : slot,
  );
  slots.push(slotOf('weights', weights), slotOf('x', x));
  const [weightsSlot, xSlot] = [body.slots.length, body.slots.length + 1];
  const inputs = body.inputs.map((s, k) => (k === moving ? xSlot : s));
  inputs.splice(still, 0, weightsSlot);
  const places = [...product.args.map((o) => (o === weights ? weightsSlot : xSlot)), made];
  const operands = [...product.args, out].map(
    (o, buffer): Operand => ({
      slot: places[buffer] as number,
      buffer,
      dtype: o.dtype,
      offset: o === out ? 0 : -window(o).low,
      strides: untimed(o.strides),
    }),
  );
  const [a, b, result] = operands as [Operand, Operand, Operand];
  const access = ['read', 'read', 'write'] as const;
  const inner: Contract = {
    ...product,
    buffers: access.map((how, k) => ({
      source: 'slot',
      index: places[k] as number,
      access: how,
    })),
    shape,
    args: [a, b],
    outs: [result],
  };

  const { rows } = scan;
  const row = rows?.stride[made] ?? null;
  const axis =
    row === null
      ? -1
      : inner.shape.findIndex((n, k) => n === rows?.count && result.strides[k] === row);
  if (row !== null && (axis < 0 || b.strides[axis] === a.strides[axis])) return undefined;
  const xOfBody = product.args[0] === weights ? b : a;

  const buffers: BufferUse[] = [];
  const listed =
    (access: 'read' | 'write', { buffers: from }: Scan | Contract) =>
    (o: Operand): Operand => {
      const use = from[o.buffer] as BufferUse;
      const known = buffers.findIndex((u) => u.source === use.source && u.index === use.index);
      const buffer = known < 0 ? buffers.push({ ...use, access }) - 1 : known;
      if (buffers[buffer]?.access !== access) buffers[buffer] = { ...use, access: 'readwrite' };
      return { ...o, buffer };
    };
  const [read, write] = [listed('read', scan), listed('write', scan)];
  const brought = (o: Operand, strides: readonly number[]): Operand =>
    listed('read', product)({ ...o, offset: o.offset + window(o).low, strides });
  return {
    ...scan,
    consts: [...scan.consts.map(read), brought(weights, [])],
    init: scan.init.map(read),
    xs: scan.xs.map((o, k) => (k === at ? brought(x, [x.strides[time] as number]) : read(o))),
    finals: scan.finals.map(write),
    ys: scan.ys.map(write),
    buffers,
    body: { ...body, slots, inputs, code: [inner, ...body.code] },
    ...(rows
      ? {
          rows: {
            ...rows,
            inputs: rows.inputs.toSpliced(still, 0, false),
            axis: [axis < 0 ? null : axis, ...rows.axis],
            stride: [...rows.stride, null, axis < 0 ? null : (xOfBody.strides[axis] as number)],
          },
        }
      : {}),
  };
}
