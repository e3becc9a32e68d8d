/** Programs written by hand, for tests of backends and passes. Knows the format, and one simple way to plan scratch. */
import { bytesPerElement, type DType } from './dtype.ts';
import type {
  BufferUse,
  Combine,
  Instr,
  Loop,
  Operand,
  Program,
  Rows,
  Scan,
  Slot,
} from './program.ts';
import { argsOfInstr, outsOfInstr } from './program.ts';
import type { Window } from './view.ts';

/** A window on a slot; which buffer it lies in follows from the plan. */
export interface SlotWindow extends Window {
  readonly slot: number;
}

type Pair = readonly [SlotWindow, SlotWindow];

export interface ProgramBuilder {
  /** Slots of `size` elements. What comes back is the slot's number. */
  input(label: string, dtype: DType, size: number): number;
  output(label: string, dtype: DType, size: number): number;
  /** Both an input and an output. */
  donated(label: string, dtype: DType, size: number): number;
  scratch(label: string, dtype: DType, size: number): number;

  loop(parts: {
    shape: readonly number[];
    over?: readonly number[];
    combine?: Combine;
    args?: readonly SlotWindow[];
    body: Loop['body'];
    outs: readonly SlotWindow[];
  }): void;
  contract(parts: {
    shape: readonly number[];
    over: readonly number[];
    args: Pair;
    out: SlotWindow;
  }): void;
  gather(parts: {
    rows: number;
    shape: readonly [number, number];
    args: Pair;
    out: SlotWindow;
  }): void;
  scatter(parts: {
    rows: number;
    shape: readonly [number, number];
    args: Pair;
    out: SlotWindow;
  }): void;
  scan(parts: {
    length: number;
    body: Program;
    label?: string;
    reverse?: boolean;
    consts?: readonly SlotWindow[];
    init?: readonly SlotWindow[];
    xs?: readonly SlotWindow[];
    finals?: readonly SlotWindow[];
    ys?: readonly SlotWindow[];
    rows?: Rows;
    why?: string;
  }): void;

  /** `arenas`: how many the scratch slots share, by liveness; 0 gives each a buffer of its own. */
  program(plan?: { arenas?: number }): Program;
}

/** A window, in elements: `window(slot, [4, 1], 2)`. */
export const window = (slot: number, strides: readonly number[] = [], offset = 0): SlotWindow => ({
  slot,
  offset,
  strides,
});

export function programBuilder(): ProgramBuilder {
  const slots: Slot[] = [];
  const inputs: number[] = [];
  const outputs: number[] = [];
  const code: Instr[] = [];
  const add = (label: string, dtype: DType, size: number, ...lists: number[][]): number => {
    const slot = slots.push({ label, dtype, size }) - 1;
    for (const list of lists) list.push(slot);
    return slot;
  };
  // Buffers and arena offsets follow in `program`.
  const operand = (w: SlotWindow): Operand => ({
    ...w,
    buffer: 0,
    dtype: slots[w.slot]?.dtype ?? 'float32',
  });
  const operands = (list: readonly SlotWindow[] = []): Operand[] => list.map(operand);
  const pair = ([a, b]: Pair): [Operand, Operand] => [operand(a), operand(b)];
  return {
    input: (label, dtype, size) => add(label, dtype, size, inputs),
    output: (label, dtype, size) => add(label, dtype, size, outputs),
    donated: (label, dtype, size) => add(label, dtype, size, inputs, outputs),
    scratch: (label, dtype, size) => add(label, dtype, size),
    loop({ shape, over = [], combine = 'sum', args, body, outs }) {
      const [a, o] = [operands(args), operands(outs)];
      code.push({ kind: 'loop', buffers: [], shape, over, combine, args: a, body, outs: o });
    },
    contract: ({ shape, over, args, out }) => {
      const outs: [Operand] = [operand(out)];
      code.push({ kind: 'contract', buffers: [], shape, over, args: pair(args), outs });
    },
    gather({ rows, shape, args, out }) {
      const outs: [Operand] = [operand(out)];
      code.push({ kind: 'gather', buffers: [], rows, shape, args: pair(args), outs });
    },
    scatter({ rows, shape, args, out }) {
      const outs: [Operand] = [operand(out)];
      code.push({ kind: 'scatter', buffers: [], rows, shape, args: pair(args), outs });
    },
    scan({ length, body, label = 'scan', reverse = false, rows, why, ...lists }) {
      code.push({
        kind: 'scan',
        buffers: [],
        label,
        length,
        reverse,
        body,
        consts: operands(lists.consts),
        init: operands(lists.init),
        xs: operands(lists.xs),
        finals: operands(lists.finals),
        ys: operands(lists.ys),
        ...(rows && { rows }),
        ...(why !== undefined && { why }),
      });
    },
    program({ arenas = 0 } = {}) {
      const plan = planScratch(slots, code, new Set([...inputs, ...outputs]), arenas);
      return { ...plan, inputs, outputs, code: code.map((i) => place(i, plan.slots)) };
    },
  };
}

/** First fit by liveness: slots that are alive at the same time never share bytes. */
function planScratch(
  slots: readonly Slot[],
  code: readonly Instr[],
  callers: ReadonlySet<number>,
  arenas: number,
): { slots: Slot[]; scratch: number[] } {
  const scratch: number[] = [];
  const placed: { arena: number; from: number; to: number; first: number; last: number }[] = [];
  const planned = slots.map((slot, k): Slot => {
    const uses = code.flatMap((i, at) =>
      [...argsOfInstr(i), ...outsOfInstr(i)].some((o) => o.slot === k) ? [at] : [],
    );
    if (arenas === 0 || callers.has(k) || uses.length === 0) return slot;
    const [first, last] = [Math.min(...uses), Math.max(...uses)];
    const arena = k % arenas;
    const alive = placed
      .filter((p) => p.arena === arena && p.first <= last && first <= p.last)
      .sort((a, b) => a.from - b.from);
    const bytes = slot.size * bytesPerElement[slot.dtype];
    let from = 0;
    for (const p of alive) if (p.from < from + bytes) from = Math.max(from, p.to);
    placed.push({ arena, from, to: from + roundUp(bytes), first, last });
    for (let a = scratch.length; a <= arena; a++) scratch.push(16);
    scratch[arena] = Math.max(scratch[arena] as number, from + roundUp(bytes));
    return { ...slot, arena, offset: from };
  });
  return { slots: planned, scratch };
}

const roundUp = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** Lists an instruction's buffers and points its operands at them. */
function place(instr: Instr, slots: readonly Slot[]): Instr {
  const buffers: BufferUse[] = [];
  const bind = (o: Operand, access: 'read' | 'write'): Operand => {
    const slot = slots[o.slot] as Slot;
    const source = slot.arena === undefined ? 'slot' : 'arena';
    const index = slot.arena ?? o.slot;
    let buffer = buffers.findIndex((b) => b.source === source && b.index === index);
    if (buffer < 0) buffer = buffers.push({ source, index, access }) - 1;
    const use = buffers[buffer] as BufferUse;
    if (use.access !== access) buffers[buffer] = { ...use, access: 'readwrite' };
    const offset = o.offset + (slot.offset ?? 0) / bytesPerElement[slot.dtype];
    return { ...o, buffer, offset };
  };
  const read = (list: readonly Operand[]): Operand[] => list.map((o) => bind(o, 'read'));
  const write = (list: readonly Operand[]): Operand[] => list.map((o) => bind(o, 'write'));
  if (instr.kind !== 'scan')
    return { ...instr, args: read(instr.args), outs: write(instr.outs), buffers } as Instr;
  const { consts, init, xs, finals, ys } = instr;
  const placed: Pick<Scan, 'consts' | 'init' | 'xs' | 'finals' | 'ys'> = {
    consts: read(consts),
    init: read(init),
    xs: read(xs),
    finals: write(finals),
    ys: write(ys),
  };
  return { ...instr, ...placed, buffers };
}
