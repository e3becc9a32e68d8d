/**
 * Loops, mapped or reduced: the tape's places become lanes on buffers and registers, block by block. Knows windows,
 * blocks and tapes; what an op does is in the tables.
 */
import type { Launch, Loop, Operand, Ref } from '@ostinato/core/backend';
import { type Axis, collapse } from '@ostinato/core/backend';
import { type CpuBuffer, elements, nothing } from '../memory.ts';
import { registerSize, type Workspace } from '../workspace.ts';
import { type Block, chooseBlock } from './axes.ts';
import { makeNest, reduction, runNest } from './nest.ts';
import type { Lane } from './op.ts';
import { reducers } from './reduce.ts';
import { makeStep } from './step.ts';
import { makeTape, type Place, type Tape } from './tape.ts';

export function loopKernel(loop: Loop, workspace: Workspace): Launch<CpuBuffer> {
  if (loop.shape.includes(0)) return () => {};
  const tape = makeTape(loop);
  const windows = windowsOf(loop, tape);
  const axes = collapse(axesOf(loop, windows));
  const isMap = loop.over.length === 0;
  const reads = windows.map((w) => isMap || w.place.kind !== 'out');
  const block = chooseBlock(axes, reads, blockLimit(tape, isMap));
  const lanes = windows.map((w, k) => laneOf(w, block, k));
  const laneAt = (place: Place): Lane => {
    const known = windows.findIndex((w) => samePlace(w.place, place));
    return (lanes[known] as Lane | undefined) ?? blockLane(place, block, workspace);
  };
  const steps = tape.steps.map((s) =>
    makeStep(s.op, [s.output, ...s.inputs].map(laneAt), block.columns),
  );
  const reductions = isMap
    ? []
    : tape.results.map((place, k) => {
        const out = loop.outs[k] as Operand;
        const outLane = laneAt({ kind: 'out', index: k, dtype: out.dtype });
        return reduction(
          reducers[out.dtype as 'float32'][loop.combine],
          laneAt(place),
          outLane,
          block,
        );
      });
  const moving = lanes.filter((_, k) => (windows[k] as Window).operand);
  const nest = makeNest(block, lanes, loop.over.includes(0));
  const bind = binder(windows, lanes);
  return (refs) => {
    bind(refs);
    runNest(nest, steps, reductions);
    // So that a freed buffer is not kept by the kernels that used it.
    for (const lane of moving) lane.data = nothing;
  };
}

/** A window that lanes walk: an arg, an out, or the index along an axis (a table of 0, 1, 2...). */
interface Window {
  readonly place: Place;
  readonly strides: readonly number[];
  readonly operand?: Operand;
  readonly table?: Int32Array;
}

const samePlace = (a: Place, b: Place): boolean =>
  a.kind === b.kind && 'index' in a && 'index' in b && a.index === b.index;

function windowsOf(loop: Loop, tape: Tape): Window[] {
  const sizes = [...loop.shape, ...loop.over];
  const windows: Window[] = loop.outs.map((operand, index) => ({
    place: { kind: 'out', index, dtype: operand.dtype },
    strides: [...operand.strides, ...loop.over.map(() => 0)],
    operand,
  }));
  for (const place of [...tape.steps.flatMap((s) => s.inputs), ...tape.results]) {
    if (windows.some((w) => samePlace(w.place, place))) continue;
    if (place.kind === 'arg') {
      const operand = loop.args[place.index] as Operand;
      windows.push({ place, strides: operand.strides, operand });
    } else if (place.kind === 'axis') {
      const table = Int32Array.from({ length: sizes[place.index] as number }, (_, i) => i);
      windows.push({ place, strides: sizes.map((_, a) => Number(a === place.index)), table });
    }
  }
  return windows;
}

function axesOf(loop: Loop, windows: readonly Window[]): Axis[] {
  return [...loop.shape, ...loop.over].map((size, a) => ({
    size: Math.max(1, size),
    over: a >= loop.shape.length,
    strides: windows.map((w) => w.strides[a] as number),
  }));
}

/** Bytes of registers and constants that should stay in the first cache together with what is loaded and stored. */
const cacheBytes = 24576;

function blockLimit(tape: Tape, isMap: boolean): number {
  const constants = new Set<string>();
  for (const place of [...tape.steps.flatMap((s) => s.inputs), ...tape.results])
    if (place.kind === 'constant') constants.add(`${place.value} ${place.dtype}`);
  const arrays = tape.registers + constants.size;
  if (arrays === 0) return isMap ? Number.POSITIVE_INFINITY : 4 * registerSize;
  return Math.min(registerSize, Math.max(128, Math.floor(cacheBytes / 4 / arrays)));
}

/** The lane of a window. An out that has only rows counts these as columns. */
function laneOf(w: Window, block: Block, k: number): Lane {
  const row = block.row.strides[k] as number;
  const column = block.column.strides[k] as number;
  const data = w.table ?? nothing;
  return w.place.kind === 'out' && block.column.over
    ? { data, at: 0, row: 0, column: row }
    : { data, at: 0, row, column };
}

/** The lane of a value that is as large as a block. */
function blockLane(place: Place, block: Block, workspace: Workspace): Lane {
  const data =
    place.kind === 'constant'
      ? workspace.constant(place.value, place.dtype)
      : workspace.register((place as { index: number }).index, place.dtype);
  return { data, at: 0, row: block.columns, column: 1 };
}

/** Points the lanes of operands at the launch's buffers. */
function binder(
  windows: readonly Window[],
  lanes: readonly Lane[],
): (refs: readonly Ref<CpuBuffer>[]) => void {
  const bound = windows.flatMap(({ operand }, k) =>
    operand ? [{ ...operand, lane: lanes[k] as Lane }] : [],
  );
  return (refs) => {
    for (let k = 0; k < bound.length; k++) {
      const { lane, buffer, dtype, offset } = bound[k] as (typeof bound)[number];
      const ref = refs[buffer] as Ref<CpuBuffer>;
      lane.data = elements(ref.buffer.views, dtype);
      lane.at = ref.offset / 4 + offset;
    }
  };
}
