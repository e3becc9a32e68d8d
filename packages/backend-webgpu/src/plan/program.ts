/** A program as a plan: each instruction as dispatches, each scan by the schedule that suits it. Knows no device. */
import {
  arg,
  type DType,
  fail,
  type Instr,
  type Loop,
  type Operand,
  type Program,
  type Scan,
} from '@ostinato/core/backend';
import type { StoragePlace } from '../wgsl/place.ts';
import { gridDispatches } from './grid.ts';
import { persistent } from './persistent.ts';
import {
  type Dispatch,
  dispatchesOf,
  type Machine,
  type Plan,
  type PlanOptions,
  type Step,
} from './plan.ts';
import {
  carryPlaces,
  carryRoom,
  ownPlaces,
  type Planner,
  placeOf,
  type Scope,
  Scratch,
  timedPlace,
} from './scope.ts';

export function planProgram(program: Program, machine: Machine, options: PlanOptions = {}): Plan {
  const scratch = new Scratch(Math.floor(machine.bindingBytes / 4));
  const own = ownPlaces(program, scratch);
  const callers = new Set([...program.inputs, ...program.outputs]);
  const place = (slot: number): StoragePlace =>
    callers.has(slot)
      ? { memory: 'storage', buffer: `slot${slot}`, offset: 0, moves: [] }
      : own(slot);
  const { barriers = true } = options;
  const planner: Planner = { machine, options, scratch, scans: [], barriers };
  const steps = stepsOf({ program, place, depth: 0 }, planner);
  for (const dispatch of dispatchesOf(steps)) assertFits(dispatch, machine, scratch);
  return { own: scratch.bytes, steps, scans: planner.scans };
}

/** Dynamic uniform buffers of a pipeline, one for each time loop around a kernel: what every device takes. */
const NESTED = 8;

/** Core parts what touches too many of the caller's buffers; it does not know in how many this program's own ones lie. */
function assertFits(
  { label, kernel: { bindings, clocks } }: Dispatch,
  { storageBuffers }: Machine,
  { bytes }: Scratch,
): void {
  if (bindings.length > storageBuffers)
    fail(
      'program-invalid',
      `webgpu: "${label}" touches ${bindings.length} buffers, of which ${bytes.length} are the program's own; this device binds ${storageBuffers}. Use smaller batches, or stack arguments into one tensor.`,
    );
  if (clocks.length > NESTED)
    fail(
      'program-invalid',
      `webgpu: "${label}" lies in ${clocks.length} time loops; devices take ${NESTED}. Nest fewer scans, or leave out a checkpoint.`,
    );
}

function stepsOf(scope: Scope, planner: Planner): Step[] {
  const { machine, scratch } = planner;
  return scope.program.code.flatMap((instr: Instr): Step[] => {
    if (instr.kind !== 'scan') return gridDispatches(instr, scope, machine, scratch);
    return scratch.within(() => {
      const { schedule, why } = chooseSchedule(instr, planner);
      const fused = schedule === 'persistent' ? persistent(instr, scope, planner) : why;
      const { label } = instr;
      if (typeof fused === 'string') {
        planner.scans.push({ label, schedule: 'stepwise', why: fused });
        return stepwise(instr, scope, planner);
      }
      const { steps, ...said } = fused;
      planner.scans.push({ label, schedule: 'persistent', why, ...said });
      return steps;
    });
  });
}

function chooseSchedule(
  scan: Scan,
  { machine, options }: Planner,
): { schedule: 'persistent' | 'stepwise'; why: string } {
  if (!scan.rows) return { schedule: 'stepwise', why: scan.why ?? 'rows mix' };
  if (options.schedule) return { schedule: options.schedule, why: 'as asked for' };
  return machine.software
    ? { schedule: 'stepwise', why: 'barriers are slow on a software adapter' }
    : { schedule: 'persistent', why: 'each row runs alone' };
}

/** One dispatch or more per body instruction and step. */
function stepwise(scan: Scan, scope: Scope, planner: Planner): Step[] {
  const { body, consts, init, xs, finals, ys } = scan;
  const { scratch } = planner;
  const level = scope.depth;
  const places = new Map<number, StoragePlace>();
  const input = (k: number): number => body.inputs[k] as number;
  const output = (k: number): number => body.outputs[k] as number;
  consts.forEach((o, k) => {
    places.set(input(k), placeOf(scope, o));
  });
  const carries = init.map((_, k) => {
    const { size, dtype } = body.slots[output(k)] as Program['slots'][number];
    const both = carryPlaces(scratch.reserve(carryRoom(size)), size, level);
    places.set(input(consts.length + k), both.in);
    places.set(output(k), both.out);
    return {
      size,
      dtype,
      first: both.first,
      last: scan.length % 2 === 0 ? both.first : both.second,
    };
  });
  xs.forEach((o, k) => {
    places.set(input(consts.length + init.length + k), timedPlace(scope, scan, o));
  });
  ys.forEach((o, k) => {
    places.set(output(init.length + k), timedPlace(scope, scan, o));
  });
  const own = ownPlaces(body, scratch);
  const inner: Scope = {
    program: body,
    place: (slot) => places.get(slot) ?? own(slot),
    depth: level + 1,
  };
  const outside = (operands: readonly Operand[], k: number): StoragePlace =>
    placeOf(scope, operands[k] as Operand);
  return [
    ...carries.flatMap((c, k) => copy(outside(init, k), c.first, c, scope, planner)),
    { kind: 'repeat', level, count: scan.length, steps: stepsOf(inner, planner) },
    ...carries.flatMap((c, k) => copy(c.last, outside(finals, k), c, scope, planner)),
  ];
}

function copy(
  from: StoragePlace,
  to: StoragePlace,
  { size, dtype }: { readonly size: number; readonly dtype: DType },
  scope: Scope,
  { machine, scratch }: Planner,
): Step[] {
  const window = { buffer: 0, dtype, offset: 0, strides: [1] };
  const loop: Loop = {
    kind: 'loop',
    buffers: [],
    shape: [size],
    over: [],
    combine: 'sum',
    args: [{ ...window, slot: 0 }],
    body: [arg(0)],
    outs: [{ ...window, slot: 1 }],
  };
  const program = { slots: [], inputs: [], outputs: [], scratch: [], code: [] };
  const place = (slot: number): StoragePlace => (slot === 0 ? from : to);
  return gridDispatches(loop, { program, place, depth: scope.depth }, machine, scratch);
}
