/**
 * Which axes a loop has left, and along which of them vectors of four lie. Knows sizes and strides; knows no
 * instruction of the machine.
 */
import { type Axis, collapse, type Loop, type Operand, sizeOf } from '@ostinato/core/backend';
import { costOf, type Graph, graphOf } from './graph.ts';

/** Strides are those of the plan's windows. `ranged`: only a part of it is run, known when the code runs. */
export interface LoopAxis extends Axis {
  readonly ranged?: true;
}

/** What moves along the axes: an operand, or the index of an axis that the body reads. */
export type Window =
  | { readonly kind: 'arg' | 'out'; readonly index: number; readonly operand: Operand }
  | { readonly kind: 'axis'; readonly index: number };

export interface Plan {
  readonly graph: Graph;
  readonly windows: readonly Window[];
  /** Outermost first; none of them is `vector`. */
  readonly shape: readonly LoopAxis[];
  readonly over: readonly LoopAxis[];
  readonly vector: LoopAxis;
}

/** Indices from which on threads share an axis, if there is one of so many. */
export const FEW = 16;

/** The axis that threads share. */
export const sharedAxis = (shape: readonly number[]): number => {
  const axis = shape.findIndex((n) => n >= FEW);
  return axis < 0 ? shape.indexOf(Math.max(...shape)) : axis;
};

/** `range`: the axis of which only a part is run. `rows`: that of a batch's rows, where it is not the one that threads share. */
export function planAxes(loop: Loop, range?: number, rows = sharedAxis(loop.shape)): Plan {
  const graph = graphOf(loop);
  const windows = windowsOf(loop, graph);
  const whole = axesOf(loop, windows);
  // The range's axis keeps to itself, outside the others: then what one part does, no other part does. Where there is no
  // range, too, if vectors decide about the order of a sum.
  const ranged = range !== undefined;
  const apart = ranged || loop.over.length > 0 ? whole[range ?? rows] : undefined;
  const axes: LoopAxis[] = collapse(whole.filter((a) => a !== apart));
  if (apart) axes.unshift(ranged ? { ...apart, ranged } : apart);
  const none: LoopAxis = { size: 1, over: false, strides: windows.map(() => 0) };
  const cost = (a: LoopAxis): number => costPerPoint(a, windows, loop, graph);
  const vector = axes.toSorted((a, b) => cost(a) - cost(b))[0] ?? none;
  const others = axes.filter((a) => a !== vector);
  return {
    graph,
    windows,
    shape: others.filter((a) => !a.over),
    over: others.filter((a) => a.over),
    vector,
  };
}

function windowsOf(loop: Loop, graph: Graph): Window[] {
  const args: Window[] = [];
  const axes: Window[] = [];
  for (const n of graph.nodes) {
    if (n.kind === 'arg')
      args.push({ kind: 'arg', index: n.arg, operand: loop.args[n.arg] as Operand });
    else if (n.kind === 'axis') axes.push({ kind: 'axis', index: n.axis });
  }
  const outs = loop.outs.map((operand, index): Window => ({ kind: 'out', index, operand }));
  return [...args, ...outs, ...axes];
}

function axesOf(loop: Loop, windows: readonly Window[]): Axis[] {
  return [...loop.shape, ...loop.over].map((size, axis) => ({
    size,
    over: axis >= loop.shape.length,
    strides: windows.map((w) =>
      w.kind === 'axis' ? Number(w.index === axis) : (w.operand.strides[axis] ?? 0),
    ),
  }));
}

/** An estimate, in instructions per point, of running vectors along this axis. */
function costPerPoint(
  axis: LoopAxis,
  windows: readonly Window[],
  loop: Loop,
  graph: Graph,
): number {
  const terms = sizeOf(loop.over);
  let perVector = costOf(graph);
  windows.forEach((w, k) => {
    const stride = axis.strides[k] as number;
    if (w.kind === 'arg')
      perVector += stride === 0 ? 0.2 : stride === 1 ? 1 : stride === -1 ? 2 : 6;
    else if (w.kind === 'out' && !axis.over) perVector += (stride === 1 ? 1 : 5) / terms;
  });
  const across = axis.over ? (10 * loop.outs.length) / terms : 0;
  return (Math.ceil(axis.size / 4) * perVector + 4) / axis.size + across;
}
