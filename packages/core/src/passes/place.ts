/** Where values lie, and how views move that place about. Knows strides; knows no instruction. */
import type { Tensor } from '../graph/tensor.ts';
import { reshapeStrides } from '../ir/view.ts';

/** Where a value lies: a window on a slot. */
export interface Place {
  readonly slot: number;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** The window of a view, from the window of what it shows; null where only a copy helps. */
export function view(t: Tensor, from: Place): Place | null {
  const { op } = t;
  const source = t.args[0] as Tensor;
  const { strides } = from;
  switch (op.kind) {
    case 'transpose':
      return { ...from, strides: op.perm.map((a) => strides[a] as number) };
    case 'slice':
      return { ...from, offset: from.offset + op.start * (strides[op.axis] as number) };
    case 'broadcast': {
      let next = 0;
      const out = t.shape.map((_, i) => (op.axes.includes(i) ? 0 : (strides[next++] as number)));
      return { ...from, strides: out };
    }
    case 'flip': {
      const shift = op.axes.reduce(
        (n, a) => n + ((t.shape[a] as number) - 1) * (strides[a] as number),
        0,
      );
      return {
        ...from,
        offset: from.offset + shift,
        strides: strides.map((s, i) => (op.axes.includes(i) ? -s : s)),
      };
    }
    default: {
      const out = reshapeStrides(source.shape, strides, t.shape);
      return out && { ...from, strides: out };
    }
  }
}

/** The window in which a source must lie so that its view `t` lies at `to`; null where there is none. */
export function unview(t: Tensor, to: Place): Place | null {
  const { op } = t;
  const source = t.args[0] as Tensor;
  if (op.kind === 'transpose')
    return { ...to, strides: op.perm.map((_, i) => to.strides[op.perm.indexOf(i)] as number) };
  if (op.kind === 'reshape') {
    const strides = reshapeStrides(t.shape, to.strides, source.shape);
    return strides && { ...to, strides };
  }
  return null;
}
