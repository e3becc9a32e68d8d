/**
 * Where a persistent scan's values lie: the caller's operands, what moves with the step, workgroup memory and what did not
 * fit there. Knows layouts; emits nothing but the declarations of workgroup arrays.
 */
import {
  argsOfInstr,
  type DType,
  type Operand,
  type Program,
  type Rows,
  type Scan,
} from '@ostinato/core/backend';
import {
  declareResident,
  type Resident,
  type RowProduct,
  vectorWeight,
} from '../kernels/row-product.ts';
import type { LocalPlace, Place, StoragePlace } from '../wgsl/place.ts';
import { KernelWriter, type Use } from '../wgsl/writer.ts';
import { planResident, type ResidentWeights } from './resident.ts';
import {
  carryPlaces,
  carryRoom,
  inSlots,
  type Planner,
  placeOf,
  type Scope,
  timedPlace,
} from './scope.ts';
import { type BodyValue, elementsOf, type Tile } from './tile.ts';

type Slot = Program['slots'][number];

export interface Carry {
  /** Its incoming slot. */
  readonly slot: number;
  readonly dtype: DType;
  readonly size: number;
  /** All rows have one of it together. */
  readonly shared: boolean;
  readonly init: StoragePlace;
  readonly final: StoragePlace;
  /**
   * Where it waits between two dispatches of a loop that is cut: two places that swap roles, because a workgroup that
   * starts late still reads what rows share when others are through.
   */
  readonly saved: { readonly in: StoragePlace; readonly out: StoragePlace } | undefined;
}

export interface ResidentWeight {
  readonly product: RowProduct;
  readonly resident: Resident;
  /** Which of the body's instructions read it. */
  readonly users: readonly number[];
}

export interface TilePlaces {
  readonly w: KernelWriter;
  /** Device buffers that the kernel binds. */
  readonly buffers: number;
  readonly carries: readonly Carry[];
  /** Weights that stay in workgroup memory, if that is wanted. */
  readonly resident: readonly ResidentWeight[];
  /** What is so of what could be. */
  readonly share: ResidentWeights | undefined;
  /** By slot of the body. */
  place(slot: number): Place;
}

/** The level of the steps inside the kernel: one below its dispatches, which are pieces of the loop. */
export const stepLevel = (level: number): number => level + 1;

export function tilePlaces(
  scan: Scan,
  rows: Rows,
  tile: Tile,
  scope: Scope,
  { scratch, machine, options }: Planner,
  cut: boolean,
): TilePlaces {
  const { body, consts, init, xs, finals, ys } = scan;
  const places = new Map<number, Place>();
  const input = (k: number): number => body.inputs[k] as number;
  const output = (k: number): number => body.outputs[k] as number;
  const inside: Scope = { ...scope, depth: stepLevel(scope.depth) };

  for (const [k, o] of consts.entries()) places.set(input(k), placeOf(scope, o));
  for (const [k, o] of xs.entries())
    places.set(input(consts.length + init.length + k), timedPlace(inside, scan, o));
  for (const [k, o] of ys.entries())
    places.set(output(init.length + k), timedPlace(inside, scan, o));

  const uses: Use[] = [];
  for (const v of tile.spilled) {
    const place = scratch.reserve(v.out === undefined ? v.size : carryRoom(v.size));
    uses.push({ buffer: place.buffer, dtype: v.dtype, write: true });
    if (v.out === undefined) places.set(v.slot, place);
    else {
      const both = carryPlaces(place, v.size, inside.depth);
      places.set(v.slot, both.in);
      places.set(v.out, both.out);
    }
  }

  const carries = init.map((o, k): Carry => {
    const slot = input(consts.length + k);
    const { size, dtype } = body.slots[slot] as Slot;
    const saved = cut
      ? carryPlaces(scratch.reserve(carryRoom(size)), size, scope.depth)
      : undefined;
    if (saved) uses.push({ buffer: saved.first.buffer, dtype, write: true });
    const shared = rows.stride[slot] === null;
    const final = placeOf(scope, finals[k] as Operand);
    return { slot, dtype, size, shared, init: placeOf(scope, o), final, saved };
  });

  const outside = (operands: readonly Operand[], write: boolean): Use[] =>
    operands.map((o) => ({ buffer: scope.place(o.slot).buffer, dtype: o.dtype, write }));
  const weights = outside(consts, false).map((use, k) => ({
    ...use,
    vector: isVector(scan, rows, input(k), (slot) => places.get(slot)),
  }));
  uses.push(...weights, ...outside([...init, ...xs], false), ...outside([...finals, ...ys], true));

  const w = new KernelWriter({ ...machine, threads: machine.tileThreads }, uses);
  placeLocal(w, tile, places);
  const wanted = options.residentWeights ?? !machine.software;
  const share = wanted
    ? planResident(scan, rows, (slot) => places.get(slot), tile.free)
    : undefined;
  const resident = (share?.weights ?? []).map(({ product, depth, users }) => ({
    product,
    users,
    resident: declareResident(w, product, depth),
  }));
  const buffers = new Set(uses.map((u) => u.buffer)).size;
  return { w, buffers, carries, resident, share, place: (slot) => places.get(slot) as Place };
}

/** Whether a constant is only ever a weight that is read four elements at a time. */
function isVector(
  scan: Scan,
  rows: Rows,
  slot: number,
  place: (slot: number) => Place | undefined,
): boolean {
  return scan.body.code.every((instr, k) => {
    if (!argsOfInstr(instr).some((o) => o.slot === slot)) return true;
    if (instr.kind !== 'contract') return false;
    return vectorWeight(inSlots(scan.body, instr), rows.axis[k] ?? null, place) === slot;
  });
}

/** All floats lie in one workgroup array, all else in another. */
function placeLocal(w: KernelWriter, tile: Tile, places: Map<number, Place>): void {
  for (const float of [true, false]) {
    const values = tile.local.filter((v) => (v.dtype === 'float32') === float);
    const copies = (v: BodyValue): number => (v.out === undefined ? 1 : 2);
    const total = values.reduce((n, v) => n + copies(v) * elementsOf(v, tile.rows), 0);
    if (total === 0) continue;
    const array = w.workgroupArray(float ? 'f32' : 'u32', total);
    let offset = 0;
    for (const v of values) {
      const { rowSize } = v;
      const size = elementsOf(v, tile.rows);
      const place: LocalPlace = { memory: 'workgroup', array, float, offset, rowSize, whenOdd: 0 };
      if (v.out === undefined) places.set(v.slot, place);
      else {
        places.set(v.slot, { ...place, whenOdd: size });
        places.set(v.out, { ...place, offset: offset + size, whenOdd: -size });
      }
      offset += size * copies(v);
    }
  }
}
