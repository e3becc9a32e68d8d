/**
 * What an instruction's operands reach, element by element: the ground on which `verify` decides whether they leave
 * their slots or meet. Knows the format only.
 */
import { fail } from '../errors.ts';
import { bytesPerElement, type DType } from './dtype.ts';
import { type Lattice, lattice } from './overlap.ts';
import type { Instr, Operand, Program, Scan, Slot } from './program.ts';

/** Throws, and says where. */
export type Wrong = (what: string) => never;

export const wrongAt =
  (where: string): Wrong =>
  (what) =>
    fail('program-invalid', `verify: ${where}${what}`);

export const labelOf = (program: Program, slot: number): string =>
  `%${slot} ${program.slots[slot]?.label ?? '?'}`;

/** An operand with what it reaches. */
export interface Described {
  readonly operand: Operand;
  readonly role: 'arg' | 'out';
  readonly name: string;
  readonly slot: Slot;
  /** First element of its slot, counted from the buffer. */
  readonly base: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** The elements it touches, in words of 4 bytes from its buffer's start: a scan's are those that its body touches. */
  readonly touches: readonly Lattice[];
  /** Of a scan's xs and ys: the words from one step to the next. */
  readonly time?: {
    readonly length: number;
    readonly step: number;
    readonly first: readonly Lattice[];
  };
}

/** Elements of a window as words of 4 bytes. */
export function words(
  dtype: DType,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): Lattice {
  const width = bytesPerElement[dtype] / 4;
  const inner = width > 1 ? { shape: [width], strides: [1] } : { shape: [], strides: [] };
  return lattice(
    offset * width,
    [...shape, ...inner.shape],
    [...strides.map((s) => s * width), ...inner.strides],
  );
}

export function describe(instr: Instr, program: Program): Described[] {
  const wrong = wrongAt('');
  const one = (
    operand: Operand,
    role: 'arg' | 'out',
    shape: readonly number[],
    strides: readonly number[] = operand.strides,
  ): Described => {
    const slot = program.slots[operand.slot];
    if (!slot)
      return wrong(
        `${instr.kind} names slot ${operand.slot} of ${program.slots.length}. Add the slot.`,
      );
    const width = bytesPerElement[slot.dtype];
    const base = slot.arena === undefined ? 0 : (slot.offset ?? 0) / width;
    const name = `${role} ${labelOf(program, operand.slot)}`;
    const touches = [words(slot.dtype, operand.offset, shape, strides)];
    return { operand, role, name, slot, base, shape, strides, touches };
  };
  switch (instr.kind) {
    case 'loop':
    case 'contract':
      return [
        ...instr.args.map((o) => one(o, 'arg', [...instr.shape, ...instr.over])),
        ...instr.outs.map((o) => one(o, 'out', instr.shape)),
      ];
    case 'gather':
    case 'scatter': {
      const [n, d] = instr.shape;
      const whole = [instr.rows, d];
      const [first, out] = instr.kind === 'gather' ? [whole, [n, d]] : [[n, d], whole];
      return [
        one(instr.args[0], 'arg', first),
        one(instr.args[1], 'arg', [n]),
        one(instr.outs[0], 'out', out),
      ];
    }
    case 'scan':
      return describeScan(instr, one);
  }
}

function describeScan(
  scan: Scan,
  one: (
    o: Operand,
    role: 'arg' | 'out',
    shape: readonly number[],
    strides: readonly number[],
  ) => Described,
): Described[] {
  const { body, consts, init, xs, finals, ys } = scan;
  const inputs = [...body.inputs];
  const outputs = [...body.outputs];
  const still = (o: Operand, role: 'arg' | 'out', slot: number): Described =>
    one(o, role, [(body.slots[slot] as Slot).size], [1]);
  /** What one step touches, from the operand's start on. */
  const inStep = (o: Operand, role: 'arg' | 'out', slot: number): Lattice[] => {
    const width = bytesPerElement[(body.slots[slot] as Slot).dtype] / 4;
    const start = o.offset * width;
    return touchesOf(body, slot, role).map((t) => ({ ...t, start: t.start + start }));
  };
  // Between the rows of a constant that lies in a wider value, nobody may have written yet.
  const constant = (o: Operand, slot: number): Described => ({
    ...still(o, 'arg', slot),
    touches: inStep(o, 'arg', slot),
  });
  const timed = (o: Operand, role: 'arg' | 'out', slot: number): Described => {
    const { size, dtype } = body.slots[slot] as Slot;
    const stride = o.strides[0] ?? 0;
    const whole = one(o, role, [scan.length, size], [stride, 1]);
    const first = inStep(o, role, slot);
    const step = stride * (bytesPerElement[dtype] / 4);
    return {
      ...whole,
      touches: first.map((t) => withAxis(t, scan.length, step)),
      time: { length: scan.length, step, first },
    };
  };
  const next = (list: number[]): number => list.shift() as number;
  return [
    ...consts.map((o) => constant(o, next(inputs))),
    ...init.map((o) => still(o, 'arg', next(inputs))),
    ...xs.map((o) => timed(o, 'arg', next(inputs))),
    ...finals.map((o) => still(o, 'out', next(outputs))),
    ...ys.map((o) => timed(o, 'out', next(outputs))),
  ];
}

export const withAxis = (t: Lattice, n: number, step: number): Lattice => ({
  start: t.start + (step < 0 ? (n - 1) * step : 0),
  axes: n > 1 && step !== 0 ? [...t.axes, { n, step: Math.abs(step) }] : t.axes,
});

type Touches = ReadonlyMap<string, Lattice[]>;

/** A loop asks its body for each of its operands, and loops lie in loops. */
const known = new WeakMap<Program, Touches>();

/** The words of one slot that a program reads or writes. */
const touchesOf = (program: Program, slot: number, role: 'arg' | 'out'): Lattice[] => {
  const all = known.get(program) ?? allTouches(program);
  known.set(program, all);
  return all.get(`${role} ${slot}`) ?? [];
};

function allTouches(program: Program): Touches {
  const all = new Map<string, Lattice[]>();
  for (const { role, operand, touches } of program.code.flatMap((i) => describe(i, program))) {
    const key = `${role} ${operand.slot}`;
    const before = all.get(key);
    if (before) before.push(...touches);
    else all.set(key, [...touches]);
  }
  return all;
}
