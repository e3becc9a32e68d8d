/**
 * Program to Program: what a step began with is what the step before ended with. Where a scan stacks both, as outputs and
 * for the way back, one stack that is a step longer serves: its first entry is the initial carry. Knows windows; knows no
 * graph. Runs before scratch is planned.
 */
import { bytesPerElement } from '../ir/dtype.ts';
import { arg } from '../ir/expr.ts';
import {
  type Instr,
  type Loop,
  type Operand,
  outsOfInstr,
  type Program,
  type Scan,
  type Slot,
} from '../ir/program.ts';
import { denseStrides, sizeOf } from '../ir/view.ts';
import { mapOperands } from './operands.ts';
import { loopOf } from './split.ts';

/** `limit`: bytes that a slot may have. Two stacks may fit where a longer one does not. */
export function stackOnce(program: Program, limit: number = Number.POSITIVE_INFINITY): Program {
  let done = program;
  for (let at = 0; at < done.code.length; at++) {
    const scan = done.code[at] as Instr;
    if (scan.kind !== 'scan') continue;
    for (let k = 0; k < scan.init.length; k++) {
      const twice = twiceStacked(done, done.code[at] as Scan, k);
      if (!twice || twice.bytes > limit) continue;
      const before = done.code.length;
      done = mergeStacks(done, at, twice);
      at += done.code.length - before;
    }
  }
  return done;
}

/** Two stacks of a carry, by number among the scan's ys: of what steps end with, and of what they begin with. */
interface Twice {
  readonly carry: number;
  readonly ended: number;
  readonly began: number;
  /** Elements of the carry. */
  readonly size: number;
  /** Of the one stack. */
  readonly bytes: number;
}

function twiceStacked(program: Program, scan: Scan, carry: number): Twice | undefined {
  const { body, init } = scan;
  const [given, next] = [body.inputs[scan.consts.length + carry], body.outputs[carry]];
  const { size, dtype } = body.slots[next as number] as Slot;
  // As scratch is rounded (plan.ts).
  const bytes = 16 * Math.ceil(((scan.length + 1) * size * bytesPerElement[dtype]) / 16);
  const ys = scan.ys.map((y, k) => ({ y, k, slot: body.outputs[init.length + k] as number }));
  const whole = ys.filter(({ y }) => isWhole(program, scan, y, size));
  const ended = whole.find(({ slot }) => sameValue(body, slot, next as number));
  // A carry that stays as it is ends with what it began with: then one y would be both, and nobody's.
  const began = whole.find((y) => y !== ended && copies(body, y.slot, given as number));
  return ended && began && { carry, ended: ended.k, began: began.k, size, bytes };
}

/** Whether it is all of a scratch slot, which nobody else writes. */
function isWhole({ slots, inputs, outputs, code }: Program, scan: Scan, y: Operand, size: number) {
  return (
    y.offset === 0 &&
    y.strides[0] === size &&
    slots[y.slot]?.size === scan.length * size &&
    !inputs.includes(y.slot) &&
    !outputs.includes(y.slot) &&
    code.filter((i) => writes(i, y.slot)).length === 1
  );
}

/** The map that writes all of a slot, one element after another, and which of its outs that is. */
function writerOf({ code, slots }: Program, slot: number): { loop: Loop; out: number } | undefined {
  const writers = code.filter((i) => writes(i, slot));
  const [loop] = writers;
  if (writers.length !== 1 || loop?.kind !== 'loop' || loop.over.length > 0) return undefined;
  const out = loop.outs.findIndex((o) => o.slot === slot);
  return isDense(loop, loop.outs[out] as Operand, slots[slot]?.size) ? { loop, out } : undefined;
}

const isDense = (
  { shape }: Loop,
  { offset, strides }: Operand,
  size: number | undefined,
): boolean =>
  offset === 0 &&
  sizeOf(shape) === size &&
  denseStrides(shape).every((n, k) => n === strides[k] || shape[k] === 1);

function sameValue(body: Program, a: number, b: number): boolean {
  const [p, q] = [writerOf(body, a), writerOf(body, b)];
  return (
    a === b || (p !== undefined && p.loop === q?.loop && p.loop.body[p.out] === p.loop.body[q.out])
  );
}

function copies(body: Program, slot: number, from: number): boolean {
  const writer = writerOf(body, slot);
  const value = writer?.loop.body[writer.out];
  const operand = value?.op === 'arg' ? writer?.loop.args[value.index] : undefined;
  return operand?.slot === from && isDense(writer?.loop as Loop, operand, body.slots[from]?.size);
}

function mergeStacks(program: Program, at: number, { carry, ended, began, size }: Twice): Program {
  const scan = program.code[at] as Scan;
  const [a, b] = [scan.ys[ended] as Operand, scan.ys[began] as Operand];
  const { label, dtype } = program.slots[a.slot] as Slot;
  const slot = program.slots.length;
  const slots = [...program.slots, { dtype, label, size: (scan.length + 1) * size }];
  // Against the time, the initial carry comes last.
  const shift = new Map(
    scan.reverse
      ? [
          [a.slot, 0],
          [b.slot, size],
        ]
      : [
          [a.slot, size],
          [b.slot, 0],
        ],
  );
  const first: Operand = {
    slot,
    buffer: 0,
    dtype,
    offset: scan.reverse ? scan.length * size : 0,
    strides: [1],
  };
  const move = (o: Operand): Operand => {
    const by = shift.get(o.slot);
    return by === undefined ? o : { ...o, slot, offset: o.offset + by };
  };
  const code = program.code.map((i) => mapOperands(i === scan ? withoutY(scan, began) : i, move));
  const start = scan.init[carry] as Operand;
  const maker = program.code.slice(0, at).findLastIndex((i) => writes(i, start.slot));
  const made = program.code[maker];
  const out =
    made?.kind === 'loop' && made.over.length === 0
      ? made.outs.findIndex(
          (o) =>
            o.slot === start.slot &&
            o.offset === start.offset &&
            isDense(made, { ...o, offset: 0 }, size),
        )
      : -1;
  if (made?.kind === 'loop' && out >= 0) {
    // Who makes the initial carry writes it twice.
    const { strides } = made.outs[out] as Operand;
    const both = code[maker] as Loop;
    code[maker] = {
      ...both,
      body: [...both.body, both.body[out] as Loop['body'][number]],
      outs: [...both.outs, { ...first, strides }],
    };
  } else {
    const copy: Loop = {
      kind: 'loop',
      buffers: [],
      shape: [size],
      over: [],
      combine: 'sum',
      args: [{ ...start, strides: [1] }],
      body: [arg(0)],
      outs: [first],
    };
    code.splice(at, 0, copy);
  }
  return { ...program, slots, code };
}

const writes = (i: Instr, slot: number): boolean => outsOfInstr(i).some((o) => o.slot === slot);

/** The scan without one of its ys, and its body without what that was. */
function withoutY(scan: Scan, k: number): Scan {
  const { body, rows } = scan;
  const at = scan.init.length + k;
  const writer = body.code.findIndex((i) => writes(i, body.outputs[at] as number));
  const loop = body.code[writer] as Loop;
  const left = loop.outs.flatMap((o, out) => (o.slot === body.outputs[at] ? [] : [out]));
  const code = body.code.toSpliced(writer, 1, ...(left.length > 0 ? [loopOf(loop, left)] : []));
  return {
    ...scan,
    ys: scan.ys.toSpliced(k, 1),
    body: { ...body, outputs: body.outputs.toSpliced(at, 1), code },
    ...(rows && {
      rows: {
        ...rows,
        outputs: rows.outputs.toSpliced(at, 1),
        axis: left.length > 0 ? rows.axis : rows.axis.toSpliced(writer, 1),
      },
    }),
  };
}
