/**
 * A scan as one dispatch: each workgroup takes a tile of rows through the whole time loop, with barriers between the
 * body's instructions and nothing between workgroups. Long loops are cut into several dispatches.
 */
import {
  arg,
  argsOfInstr,
  type Instr,
  type Loop,
  type Operand,
  outsOfInstr,
  type Rows,
  type Scan,
} from '@ostinato/core/backend';
import { emitLoop } from '../kernels/loop.ts';
import { emitResident, emitRowProduct } from '../kernels/row-product.ts';
import { type Context, groupNumber, type Space } from '../kernels/space.ts';
import { emitGather } from '../kernels/table.ts';
import type { Clock, Place } from '../wgsl/place.ts';
import type { Step } from './plan.ts';
import type { ResidentWeights } from './resident.ts';
import { inSlots, type Planner, placeOf, type Scope } from './scope.ts';
import { planTile, type Tile } from './tile.ts';
import { type Carry, stepLevel, type TilePlaces, tilePlaces } from './tile-places.ts';

type BodyInstr = Exclude<Instr, Scan>;

/** The steps and what is to be said of its weights, or why it cannot be run this way. */
export function persistent(
  scan: Scan,
  scope: Scope,
  planner: Planner,
): { readonly steps: Step[]; readonly weights?: string } | string {
  const { rows, body } = scan;
  if (!rows) return scan.why ?? 'rows mix';
  const inner = body.code.find((i) => i.kind === 'scan' || i.kind === 'scatter');
  if (inner) return `its body has a ${inner.kind}`;
  if (sharedInPlace(scan, rows, scope)) return 'what its rows share is updated in place';
  const { machine, options } = planner;
  const tile = planTile(scan, rows, machine, options.tileRows);
  if (typeof tile === 'string') return tile;
  const steps = Math.min(scan.length, options.stepsPerDispatch ?? patientSteps(scan, rows, tile));
  const places = tilePlaces(scan, rows, tile, scope, planner, steps < scan.length);
  if (places.buffers > machine.storageBuffers)
    return `it touches ${places.buffers} buffers, the device binds ${machine.storageBuffers}`;
  const { barriers } = planner;
  return {
    steps: emitScan({ scan, rows, tile, places, level: scope.depth, barriers }, steps),
    ...(places.share && places.share.of > 0 && { weights: saidOf(places.share) }),
  };
}

const saidOf = ({ elements, of }: ResidentWeights): string =>
  `${4 * elements} of ${4 * of} bytes of weights in workgroup memory`;

/**
 * Workgroups start late and end early: none may still read what all of them share in memory when another one writes the
 * next value there. Such are a carry whose last value takes the place of its first, and a y that an instruction updates,
 * or that several write.
 */
function sharedInPlace({ init, finals, consts, body }: Scan, rows: Rows, scope: Scope): boolean {
  const samePlace = (a: Operand, b: Operand): boolean => {
    const [p, q] = [placeOf(scope, a), placeOf(scope, b)];
    return p.buffer === q.buffer && p.offset === q.offset;
  };
  const has = (list: readonly Operand[], slot: number): boolean =>
    list.some((o) => o.slot === slot);
  const updated = (slot: number): boolean => {
    const writers = body.code.filter((i) => has(outsOfInstr(i), slot));
    return writers.length > 1 || writers.some((i) => has(argsOfInstr(i), slot));
  };
  return (
    init.some((o, k) => !rows.inputs[consts.length + k] && samePlace(o, finals[k] as Operand)) ||
    body.outputs.some((slot, k) => k >= init.length && !rows.outputs[k] && updated(slot))
  );
}

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

/** What the parts of the kernel's text share. */
interface Shared {
  readonly scan: Scan;
  readonly rows: Rows;
  readonly tile: Tile;
  readonly places: TilePlaces;
  /** Time loops around this one. */
  readonly level: number;
  readonly barriers: boolean;
}

/** The kernel: the rows of this workgroup, weights and carries in, the loop over time, carries out. */
function emitScan(shared: Shared, steps: number): Step[] {
  const { scan, rows, tile, level } = shared;
  const { w } = shared.places;
  const id = groupNumber(w);
  const count = w.let('count', w.param(rows.count));
  w.emit(`let row0 = min(${id} * ${tile.rows}u, ${count});`);
  w.emit(`let rows = min(${tile.rows}u, ${count} - row0);`);
  const length = w.let('length', w.param(scan.length));
  const copyIn = (from: (c: Carry) => Place, step: string): void =>
    copyCarries(shared, (c, inside) => [from(c), inside], step);
  const copyOut = (to: (c: Carry) => Place, step: string): void =>
    copyCarries(shared, (c, inside) => [inside, to(c)], step);
  const savedIn = (c: Carry) => c.saved as NonNullable<Carry['saved']>;
  const together: Space = { kind: 'tile', rows: tile.rows, axis: null };
  for (const weight of shared.places.resident)
    emitResident(w, weight, contextAt(shared, together, '0u'));
  const pieces = Math.ceil(scan.length / steps);
  if (pieces === 1) {
    copyIn((c) => c.init, '0u');
    emitBarrier(shared);
    emitSteps(shared, '0u', length);
    copyOut((c) => c.final, length);
  } else {
    const piece = w.let('piece', w.clock(level));
    const first = w.let('first', `${piece} * ${w.param(steps)}`);
    const end = w.let('end', `min(${first} + ${w.param(steps)}, ${length})`);
    w.block(`if (${first} == 0u)`, () => copyIn((c) => c.init, first));
    w.block(`if (${first} > 0u)`, () => copyIn((c) => savedIn(c).in, first));
    emitBarrier(shared);
    emitSteps(shared, first, end);
    w.block(`if (${end} < ${length})`, () => copyOut((c) => savedIn(c).out, end));
    w.block(`if (${end} == ${length})`, () => copyOut((c) => c.final, end));
  }
  const dispatch: Step = {
    kind: 'dispatch',
    label: `scan ${scan.label} ${scan.length} steps of ${rows.count} rows`,
    kernel: w.kernel(),
    workgroups: Math.ceil(rows.count / tile.rows),
  };
  return pieces === 1 ? [dispatch] : [{ kind: 'repeat', level, count: pieces, steps: [dispatch] }];
}

function emitSteps(shared: Shared, first: string, end: string): void {
  const { scan, rows } = shared;
  const { w, resident } = shared.places;
  const residentOf = (k: number) => resident.find((r) => r.users.includes(k))?.resident;
  w.block(`for (var s = ${first}; s < ${end}; s++)`, () => {
    let open: Touched = { read: new Set(), written: new Set() };
    scan.body.code.forEach((given, k) => {
      const instr = inSlots(scan.body, given as BodyInstr);
      const now = touchedBy(instr);
      if (conflict(open, now)) {
        emitBarrier(shared);
        open = { read: new Set(), written: new Set() };
      }
      const space: Space = { kind: 'tile', rows: shared.tile.rows, axis: rows.axis[k] ?? null };
      const context = contextAt(shared, space, 's');
      if (instr.kind === 'loop') emitLoop(w, instr, context);
      else if (instr.kind === 'contract') emitRowProduct(w, instr, context, residentOf(k));
      else if (instr.kind === 'gather') emitGather(w, instr, context);
      for (const slot of now.read) open.read.add(slot);
      for (const slot of now.written) open.written.add(slot);
    });
    emitBarrier(shared);
  });
}

/** `step` names the number of this loop's step; that of its piece, and those of loops around it, come from outside. */
function contextAt({ places, level }: Shared, space: Space, step: string): Context {
  const clock: Clock = (asked = stepLevel(level)) =>
    asked === stepLevel(level) ? step : places.w.clock(asked);
  return { place: places.place, clock, space };
}

/** Copies all carries: their places inside are those of a step. */
function copyCarries(
  shared: Shared,
  ends: (carry: Carry, inside: Place) => readonly [from: Place, to: Place],
  step: string,
): void {
  const { rows, tile, places } = shared;
  for (const carry of places.carries) {
    const { dtype, size } = carry;
    const [from, to] = ends(carry, places.place(carry.slot));
    const shape = carry.shared ? [size] : [rows.count, size / rows.count];
    const strides = carry.shared ? [1] : [size / rows.count, 1];
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
    const space: Space = { kind: 'tile', rows: tile.rows, axis: carry.shared ? null : 0 };
    const context = contextAt(shared, space, step);
    emitLoop(places.w, loop, { ...context, place: (slot) => (slot === 0 ? from : to) });
  }
}

function emitBarrier({ places: { w }, barriers }: Shared): void {
  if (!barriers) return;
  w.emit('storageBarrier();');
  w.emit('workgroupBarrier();');
}

// Barriers

interface Touched {
  readonly read: Set<number>;
  readonly written: Set<number>;
}

/** Stands for the array in which reductions meet. */
const MEETING = -1;

const touchedBy = (instr: BodyInstr): Touched => ({
  read: new Set(argsOfInstr(instr).map((o) => o.slot)),
  written: new Set([
    ...outsOfInstr(instr).map((o) => o.slot),
    ...('over' in instr && instr.over.length > 0 ? [MEETING] : []),
  ]),
});

/** Whether `now` must wait for what ran since the last barrier: that ran on other threads, perhaps. */
function conflict(open: Touched, now: Touched): boolean {
  const meets = (a: Set<number>, b: Set<number>): boolean => [...a].some((slot) => b.has(slot));
  return (
    meets(open.written, now.read) ||
    meets(open.written, now.written) ||
    meets(open.read, now.written)
  );
}
