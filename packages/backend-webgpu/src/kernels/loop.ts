/** Loops: one value per point, or per point of `shape` the combination over `over`. */
import { type Axis, exprOrder, type Loop, type Operand } from '@ostinato/core/backend';
import { emitExpressions } from '../wgsl/expression.ts';
import { type Base, emitBase, indexOf, load, type RowNames, store } from '../wgsl/place.ts';
import type { KernelWriter } from '../wgsl/writer.ts';
import { emitReduction } from './reduction.ts';
import { type Axes, axesFor, type Context, emitOver, emitPoints, orderFor } from './space.ts';

/** A loop's windows: args, then outs, then the indices that its body reads, which are windows on nothing. */
interface Windows {
  readonly loop: Loop;
  readonly axes: Axes;
  readonly indexed: readonly number[];
}

function windowsOf(loop: Loop, { space }: Context): Windows {
  const indexed = [
    ...new Set(exprOrder(loop.body).flatMap((x) => (x.op === 'axis' ? [x.axis] : []))),
  ];
  const rank = loop.shape.length + loop.over.length;
  const strides = [
    ...loop.args.map((a) => a.strides),
    ...loop.outs.map((o) => o.strides),
    ...indexed.map((axis) => Array.from({ length: rank }, (_, k) => Number(k === axis))),
  ];
  const { row, outer, over } = axesFor(loop.shape, loop.over, strides, space);
  // Neighbouring threads write neighbouring elements; neighbouring terms are read from neighbouring ones.
  const axes = { row, outer: orderFor(outer, loop.args.length), over: orderFor(over, 0) };
  return { loop, indexed, axes };
}

const emitBases = (w: KernelWriter, operands: readonly Operand[], context: Context): Base[] =>
  operands.map((o) => emitBase(w, context.place(o.slot), o.dtype, o.offset, context.clock));

/** Gives the workgroups that a grid needs. */
export function emitLoop(w: KernelWriter, loop: Loop, context: Context): number {
  const windows = windowsOf(loop, context);
  const args = emitBases(w, loop.args, context);
  const outs = emitBases(w, loop.outs, context);
  const { row, outer, over } = windows.axes;
  const writeAll = (
    indices: readonly string[],
    rowNames: RowNames | undefined,
    values: readonly string[],
  ): void =>
    outs.forEach((out, k) => {
      const at = windowIndex(w, windows, out, loop.args.length + k, outer, indices, rowNames);
      w.emit(store(out, at, values[k] as string));
    });
  if (loop.over.length === 0)
    return emitPoints(w, outer, row !== null, context.space, (indices, rowNames) =>
      writeAll(indices, rowNames, emitValues(w, windows, args, outer, indices, rowNames)),
    );
  return emitReduction(w, {
    outer,
    hasRows: row !== null,
    space: context.space,
    types: loop.outs.map((o) => o.dtype),
    combine: loop.combine,
    terms: (indices, rowNames, part, add) =>
      emitOver(w, over, context.space, part, (inner) =>
        add(emitValues(w, windows, args, [...outer, ...over], [...indices, ...inner], rowNames)),
      ),
    write: writeAll,
  });
}

/** The values of a loop's expressions at one point. */
function emitValues(
  w: KernelWriter,
  windows: Windows,
  args: readonly Base[],
  axes: readonly Axis[],
  indices: readonly string[],
  row: RowNames | undefined,
): string[] {
  const { loop, indexed } = windows;
  const behind = loop.args.length + loop.outs.length;
  return emitExpressions(w, loop.body, {
    types: loop.args.map((a) => a.dtype),
    arg: (k) => {
      const base = args[k] as Base;
      return load(base, windowIndex(w, windows, base, k, axes, indices, row));
    },
    axis: (axis) => {
      const k = behind + indexed.indexOf(axis);
      const none: Base = { ...indexBase, strides: new Map() };
      return `i32(${windowIndex(w, windows, none, k, axes, indices, row)})`;
    },
  });
}

/** Stands for the window of an index: it moves as one, but on no array. */
const indexBase: Base = {
  array: '',
  float: false,
  vector: false,
  dtype: 'int32',
  start: '0u',
  place: { memory: 'storage', buffer: '', offset: 0, moves: [] },
  strides: new Map(),
};

function windowIndex(
  w: KernelWriter,
  { axes: { row } }: Windows,
  base: Base,
  window: number,
  axes: readonly Axis[],
  indices: readonly string[],
  names: RowNames | undefined,
): string {
  const along = axes.map((a, k) => ({
    index: indices[k] as string,
    stride: a.strides[window] as number,
  }));
  const stride = row?.strides[window] ?? 0;
  return indexOf(w, base, along, names && { names, stride });
}
