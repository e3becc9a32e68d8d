/**
 * A scan as one dispatch: each workgroup takes a tile of rows through the whole time loop, with barriers between the
 * body's instructions and nothing between workgroups. Long loops are cut into several dispatches.
 */
import {
  arg,
  argsOfInstr,
  type DType,
  type Instr,
  type Loop,
  type Operand,
  outsOfInstr,
  type Program,
  type Rows,
  type Scan,
} from '@ostinato/core/backend';
import { emitLoop } from '../kernels/loop.ts';
import { emitRowProduct, vectorWeight } from '../kernels/row-product.ts';
import { type Context, groupNumber, type Space } from '../kernels/space.ts';
import { emitGather } from '../kernels/table.ts';
import type { Clock, LocalPlace, Place, StoragePlace } from '../wgsl/place.ts';
import { KernelWriter, type Use } from '../wgsl/writer.ts';
import type { Step } from './plan.ts';
import {
  carryPlaces,
  carryRoom,
  inSlot,
  type Planner,
  placeOf,
  type Scope,
  timedPlace,
} from './scope.ts';
import { type BodyValue, planTile, type Tile } from './tile.ts';

type BodyInstr = Exclude<Instr, Scan>;
type Slot = Program['slots'][number];

/** The steps, or why it cannot be run this way. */
export function persistent(scan: Scan, scope: Scope, planner: Planner): Step[] | string {
  const { rows, body } = scan;
  if (!rows) return scan.why ?? 'rows mix';
  const inner = body.code.find((i) => i.kind === 'scan' || i.kind === 'scatter');
  if (inner) return `its body has a ${inner.kind}`;
  if (sharedInPlace(scan, rows)) return 'a carry that rows share is updated in place';
  const { machine, options } = planner;
  const tile = planTile(scan, rows, machine, options.tileRows);
  if (typeof tile === 'string') return tile;
  const kernel = new TileKernel(scan, rows, tile, scope, planner);
  if (kernel.buffers > machine.storageBuffers)
    return `it touches ${kernel.buffers} buffers, the device binds ${machine.storageBuffers}`;
  return kernel.steps();
}

/** Every workgroup reads such a carry at its start and writes it at its end, and some start late. */
const sharedInPlace = (scan: Scan, rows: Rows): boolean =>
  scan.init.some((o, k) => !rows.inputs[scan.consts.length + k] && scan.finals[k]?.slot === o.slot);

/** Operations that a workgroup of a slow GPU does in about a second, and workgroups that it runs at once. */
const SLOW = { operations: 5e8, workgroups: 8 } as const;

/** Steps after which a driver might take a dispatch on a slow GPU for hung: after two seconds, as a rule. */
function patientSteps({ body }: Scan, rows: Rows, tile: Tile): number {
  const points = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
  const operations = body.code.reduce((sum, i) => {
    if (i.kind !== 'loop' && i.kind !== 'contract') return sum;
    const each = i.kind === 'loop' ? 10 * i.body.length : 2;
    return sum + (each * points(i.shape) * points(i.over) * tile.rows) / rows.count;
  }, 0);
  const rounds = Math.ceil(rows.count / tile.rows / SLOW.workgroups);
  return Math.max(1, Math.floor(SLOW.operations / (operations * rounds)));
}

class TileKernel {
  readonly buffers: number;
  private readonly scan: Scan;
  private readonly rows: Rows;
  private readonly tile: Tile;
  private readonly scope: Scope;
  private readonly planner: Planner;
  private readonly w: KernelWriter;
  private readonly level: number;
  private readonly places = new Map<number, Place>();
  /** Where carries wait between two dispatches. */
  private readonly saved: readonly StoragePlace[];
  private readonly chunk: number;

  constructor(scan: Scan, rows: Rows, tile: Tile, scope: Scope, planner: Planner) {
    this.scan = scan;
    this.rows = rows;
    this.tile = tile;
    this.scope = scope;
    this.planner = planner;
    this.level = scope.depth;
    const { scratch, machine, options } = planner;
    this.chunk = Math.min(scan.length, options.stepsPerDispatch ?? patientSteps(scan, rows, tile));
    this.placeCallers();
    const spilled = tile.spilled.map((v) => ({ v, place: scratch.reserve(this.room(v)) }));
    for (const { v, place } of spilled) this.placeSpilled(v, place);
    this.saved =
      this.chunk < scan.length ? this.carries.map(({ size }) => scratch.reserve(size)) : [];
    const uses = this.uses();
    this.buffers = new Set(uses.map((u) => u.buffer)).size;
    this.w = new KernelWriter(machine.tileThreads, uses);
    this.placeLocal();
  }

  steps(): Step[] {
    const { w, scan, rows, tile, chunk, level } = this;
    const id = groupNumber(w);
    const count = w.let('count', w.param(rows.count));
    w.emit(`let row0 = min(${id} * ${tile.rows}u, ${count});`);
    w.emit(`let rows = min(${tile.rows}u, ${count} - row0);`);
    const chunks = Math.ceil(scan.length / chunk);
    const length = w.let('length', w.param(scan.length));
    if (chunks === 1) {
      this.copyCarries((k) => this.outside(scan.init, k), 'in');
      this.barrier();
      this.timeLoop('0u', length);
      this.copyCarries((k) => this.outside(scan.finals, k), 'out', length);
    } else {
      const number = w.let('chunk', w.clock(level));
      const first = w.let('first', `${number} * ${w.param(chunk)}`);
      const end = w.let('end', `min(${first} + ${w.param(chunk)}, ${length})`);
      w.block(`if (${number} == 0u)`, () =>
        this.copyCarries((k) => this.outside(scan.init, k), 'in', first),
      );
      w.block(`if (${number} != 0u)`, () =>
        this.copyCarries((k) => this.saved[k] as Place, 'in', first),
      );
      this.barrier();
      this.timeLoop(first, end);
      w.block(`if (${end} < ${length})`, () =>
        this.copyCarries((k) => this.saved[k] as Place, 'out', end),
      );
      w.block(`if (${end} == ${length})`, () =>
        this.copyCarries((k) => this.outside(scan.finals, k), 'out', end),
      );
    }
    const dispatch: Step = {
      kind: 'dispatch',
      label: `scan ${scan.label}`,
      kernel: w.kernel(),
      workgroups: Math.ceil(rows.count / tile.rows),
    };
    return chunks === 1
      ? [dispatch]
      : [{ kind: 'repeat', level, count: chunks, steps: [dispatch] }];
  }

  private timeLoop(first: string, end: string): void {
    const { w, scan, rows } = this;
    w.block(`for (var s = ${first}; s < ${end}; s++)`, () => {
      let open: Touched = { read: new Set(), written: new Set() };
      scan.body.code.forEach((instr, k) => {
        const now = touchedBy(instr as BodyInstr);
        if (conflict(open, now)) {
          this.barrier();
          open = { read: new Set(), written: new Set() };
        }
        this.emit(instr as BodyInstr, rows.axis[k] ?? null);
        for (const slot of now.read) open.read.add(slot);
        for (const slot of now.written) open.written.add(slot);
      });
      this.barrier();
    });
  }

  private emit(instr: BodyInstr, axis: number | null): void {
    const { w, tile } = this;
    const moved = this.moved(instr);
    const space: Space = { kind: 'tile', rows: tile.rows, axis };
    const context = this.context(space, 's');
    if (moved.kind === 'loop') emitLoop(w, moved, context);
    else if (moved.kind === 'contract') emitRowProduct(w, moved, context);
    else if (moved.kind === 'gather') emitGather(w, moved, context);
  }

  private context(space: Space, step: string): Context {
    const clock: Clock = (level) =>
      level === this.level || level === -1 ? step : this.w.clock(level);
    return { place: (slot) => this.places.get(slot) as Place, clock, space };
  }

  /** Copies all carries from or to the outside, at a step. */
  private copyCarries(outside: (k: number) => Place, direction: 'in' | 'out', step = '0u'): void {
    this.carries.forEach(({ dtype, size, slot, shared }, k) => {
      const inside = this.places.get(slot) as Place;
      const [from, to] = direction === 'in' ? [outside(k), inside] : [inside, outside(k)];
      const shape = shared ? [size] : [this.rows.count, size / this.rows.count];
      const strides = shared ? [1] : [shape[1] as number, 1];
      const window = { buffer: 0, dtype, offset: 0, strides };
      const loop: Loop = {
        kind: 'loop',
        buffers: [],
        shape,
        over: [],
        combine: 'sum',
        args: [{ ...window, slot: 0 }],
        body: [arg(0)],
        outs: [{ ...window, slot: 1 }],
      };
      const space: Space = { kind: 'tile', rows: this.tile.rows, axis: shared ? null : 0 };
      const context = this.context(space, step);
      emitLoop(this.w, loop, { ...context, place: (slot) => (slot === 0 ? from : to) });
    });
  }

  private barrier(): void {
    if (!this.planner.barriers) return;
    this.w.emit('storageBarrier();');
    this.w.emit('workgroupBarrier();');
  }

  // Places

  private get carries(): { slot: number; size: number; dtype: DType; shared: boolean }[] {
    const { body, consts, init } = this.scan;
    return init.map((_, k) => {
      const slot = body.inputs[consts.length + k] as number;
      const { size, dtype } = body.slots[slot] as Slot;
      return { slot, size, dtype, shared: this.rows.stride[slot] === null };
    });
  }

  private outside(operands: readonly Operand[], k: number): StoragePlace {
    return placeOf(this.scope, operands[k] as Operand);
  }

  private placeCallers(): void {
    const { scan, scope, places } = this;
    const { body, consts, init, xs, ys } = scan;
    consts.forEach((o, k) => {
      places.set(body.inputs[k] as number, placeOf(scope, o));
    });
    xs.forEach((o, k) => {
      const slot = body.inputs[consts.length + init.length + k] as number;
      places.set(slot, timedPlace(scope, scan, o));
    });
    ys.forEach((o, k) => {
      places.set(body.outputs[init.length + k] as number, timedPlace(scope, scan, o));
    });
  }

  /** Elements that a value takes in a device buffer. */
  private room(v: BodyValue): number {
    return v.out === undefined ? v.size : carryRoom(v.size);
  }

  private placeSpilled(v: BodyValue, place: StoragePlace): void {
    if (v.out === undefined) {
      this.places.set(v.slot, place);
      return;
    }
    const both = carryPlaces(place, v.size, this.level);
    this.places.set(v.slot, both.in);
    this.places.set(v.out, both.out);
  }

  /** All floats lie in one array, all else in another. */
  private placeLocal(): void {
    const { tile, w } = this;
    for (const float of [true, false]) {
      const values = tile.local.filter((v) => (v.dtype === 'float32') === float);
      const elements = (v: BodyValue): number => (v.rowSize === 0 ? v.size : v.rowSize * tile.rows);
      const total = values.reduce((n, v) => n + elements(v) * (v.out === undefined ? 1 : 2), 0);
      if (total === 0) continue;
      const array = w.workgroupArray(float ? 'f32' : 'u32', total);
      let offset = 0;
      for (const v of values) {
        const size = elements(v);
        const place: LocalPlace = {
          memory: 'workgroup',
          array,
          float,
          offset,
          rowSize: v.rowSize,
          whenOdd: 0,
        };
        if (v.out === undefined) this.places.set(v.slot, place);
        else {
          this.places.set(v.slot, { ...place, whenOdd: size });
          this.places.set(v.out, { ...place, offset: offset + size, whenOdd: -size });
        }
        offset += size * (v.out === undefined ? 1 : 2);
      }
    }
  }

  /** Whether constant `k` is only ever a weight that is read four elements at a time. */
  private isVector(k: number): boolean {
    const { scan, rows } = this;
    const slot = scan.body.inputs[k] as number;
    return scan.body.code.every(
      (instr, i) =>
        !argsOfInstr(instr).some((o) => o.slot === slot) ||
        (instr.kind === 'contract' &&
          vectorWeight(this.moved(instr), rows.axis[i] ?? null, (s) => this.places.get(s)) ===
            slot),
    );
  }

  /** The instruction with offsets that count from its slots. */
  private moved<I extends BodyInstr>(instr: I): I {
    const move = (o: Operand): Operand => ({ ...o, offset: inSlot(this.scan.body, o) });
    return { ...instr, args: instr.args.map(move), outs: instr.outs.map(move) };
  }

  /** Every device buffer that the kernel touches. */
  private uses(): Use[] {
    const { scan, scope } = this;
    const outside = (operands: readonly Operand[], write: boolean): Use[] =>
      operands.map((o) => ({ buffer: scope.place(o.slot).buffer, dtype: o.dtype, write }));
    const inside = [...this.places].flatMap(([slot, place]): Use[] => {
      const { dtype } = scan.body.slots[slot] as Slot;
      // What neither a caller's operand nor workgroup memory holds is spilled: read and written.
      const spilled = this.tile.spilled.some((v) => v.slot === slot || v.out === slot);
      return spilled && place.memory === 'storage'
        ? [{ buffer: place.buffer, dtype, write: true }]
        : [];
    });
    const saved = this.saved.map((place, k) => ({
      buffer: place.buffer,
      dtype: this.carries[k]?.dtype as DType,
      write: true,
    }));
    return [
      ...outside(scan.consts, false).map((use, k) => ({ ...use, vector: this.isVector(k) })),
      ...outside([...scan.init, ...scan.xs], false),
      ...outside([...scan.finals, ...scan.ys], true),
      ...inside,
      ...saved,
    ];
  }
}

interface Touched {
  readonly read: Set<number>;
  readonly written: Set<number>;
}

function touchedBy(instr: BodyInstr): Touched {
  return {
    read: new Set(argsOfInstr(instr).map((o) => o.slot)),
    // Reductions meet in an array that they share.
    written: new Set([
      ...outsOfInstr(instr).map((o) => o.slot),
      ...('over' in instr && instr.over.length > 0 ? [SHARED_SCRATCH] : []),
    ]),
  };
}

const SHARED_SCRATCH = -1;

/** Whether `now` must wait for what ran since the last barrier: it may run on other threads. */
function conflict(open: Touched, now: Touched): boolean {
  const meets = (a: Set<number>, b: Set<number>): boolean => [...a].some((slot) => b.has(slot));
  return (
    meets(open.written, now.read) ||
    meets(open.written, now.written) ||
    meets(open.read, now.written)
  );
}
