/** Where the slots of a program lie: callers' buffers, its own memory, and what a time loop moves. Knows no kernel text. */
import {
  bytesPerElement,
  fail,
  type Instr,
  type Operand,
  type Program,
  type Scan,
} from '@ostinato/core/backend';
import type { Move, StoragePlace } from '../wgsl/place.ts';
import type { Machine, PlanOptions, ScanReport } from './plan.ts';

/** Memory of the executable, handed out in order and taken back as a stack: instructions run one after the other. */
export class Scratch {
  private readonly limit: number;
  private readonly used: number[] = [];
  private readonly most: number[] = [];

  /** `limit`: elements that one buffer may have. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Room for `size` elements, at a multiple of 4. */
  reserve(size: number): StoragePlace {
    const room = Math.ceil(size / 4) * 4;
    if (room > this.limit)
      fail(
        'slot-too-large',
        `webgpu: a value needs ${size * 4} bytes, this device binds ${this.limit * 4} at most. Use smaller batches, or checkpoint in scan.`,
      );
    let buffer = this.used.findIndex((n) => n + room <= this.limit);
    if (buffer < 0) buffer = this.used.push(0) - 1;
    const offset = this.used[buffer] as number;
    this.used[buffer] = offset + room;
    this.most[buffer] = Math.max(this.most[buffer] ?? 0, offset + room);
    return { memory: 'storage', buffer: `own${buffer}`, offset, moves: [] };
  }

  /** What is reserved inside is free again behind it. */
  within<R>(body: () => R): R {
    const before = [...this.used];
    const result = body();
    this.used.forEach((_, k) => {
      this.used[k] = before[k] ?? 0;
    });
    return result;
  }

  /** Bytes of each buffer. */
  get bytes(): number[] {
    return this.most.map((n) => n * 4);
  }
}

export interface Scope {
  readonly program: Program;
  readonly place: (slot: number) => StoragePlace;
  /** Time loops around it. */
  readonly depth: number;
}

/** Places of what a program neither takes nor gives: its arenas, and slots that were never planned into one. */
export function ownPlaces(program: Program, scratch: Scratch): (slot: number) => StoragePlace {
  const arenas = program.scratch.map((bytes) => scratch.reserve(bytes / 4));
  const callers = new Set([...program.inputs, ...program.outputs]);
  const places = program.slots.map((slot, k) => {
    if (callers.has(k)) return undefined;
    if (bytesPerElement[slot.dtype] !== 4)
      fail(
        'unsupported-dtype',
        `webgpu: "${slot.label}" is ${slot.dtype}, which GPUs do not have here. Use float32, or the reference backend.`,
      );
    if (slot.arena === undefined) return scratch.reserve(slot.size);
    const arena = arenas[slot.arena] as StoragePlace;
    return { ...arena, offset: arena.offset + (slot.offset ?? 0) / 4 };
  });
  return (slot) => places[slot] as StoragePlace;
}

/** The place of an operand's first element. Offsets count from the buffer, places from the slot. */
export function placeOf(scope: Scope, o: Operand): StoragePlace {
  const place = scope.place(o.slot);
  return { ...place, offset: place.offset + inSlot(scope.program, o) };
}

/** An instruction whose operands' offsets count from their slots. */
export function inSlots<I extends Exclude<Instr, Scan>>(program: Program, instr: I): I {
  const move = (o: Operand): Operand => ({ ...o, offset: inSlot(program, o) });
  return { ...instr, args: instr.args.map(move), outs: instr.outs.map(move) };
}

/** An operand's offset within its slot: in an arena it counts from the arena's start. */
function inSlot({ slots }: Program, o: Operand): number {
  const slot = slots[o.slot];
  return o.offset - (slot?.arena === undefined ? 0 : (slot.offset ?? 0) / 4);
}

/** What all parts of one plan share. */
export interface Planner {
  readonly machine: Machine;
  readonly options: PlanOptions;
  readonly scratch: Scratch;
  readonly scans: ScanReport[];
  /** False leaves out the barriers of persistent scans: to see that tests notice. */
  readonly barriers: boolean;
}

/** Elements of a carry's two places, which swap roles. */
export const carryRoom = (size: number): number => 2 * aligned(size);

const aligned = (size: number): number => Math.ceil(size / 4) * 4;

/** Where a carry comes in and goes out at each step, and its two places: the first is the first one's `in`. */
export function carryPlaces(
  first: StoragePlace,
  size: number,
  level: number,
): { in: StoragePlace; out: StoragePlace; first: StoragePlace; second: StoragePlace } {
  const distance = aligned(size);
  const second = { ...first, offset: first.offset + distance };
  const alternating = (place: StoragePlace, whenOdd: number): StoragePlace => {
    const odd: Move = { level, perStep: 0, whenOdd };
    return { ...place, moves: [...place.moves, odd] };
  };
  return { in: alternating(first, distance), out: alternating(second, -distance), first, second };
}

/** Where xs or ys lie at each step. */
export function timedPlace(scope: Scope, scan: Scan, o: Operand): StoragePlace {
  const place = placeOf(scope, o);
  const stride = o.strides[0] as number;
  const move: Move = { level: scope.depth, perStep: scan.reverse ? -stride : stride, whenOdd: 0 };
  const offset = place.offset + (scan.reverse ? (scan.length - 1) * stride : 0);
  return { ...place, offset, moves: [...place.moves, move] };
}
