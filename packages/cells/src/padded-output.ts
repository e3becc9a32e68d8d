/** What stands in the outputs where a step does not count. Knows masks and time; knows no cell. */
import {
  add,
  broadcastTo,
  gather,
  iota,
  less,
  lessEqual,
  mul,
  reshape,
  scan,
  type Tensor,
  transpose,
  where,
  zeros,
} from '@ostinato/core';
import type { How } from './layer.ts';

/**
 * `zero`: zeros (PyTorch, ONNX, and Keras with `zero_output_for_mask`). `repeat`: the output of the last step that
 * counted, zeros before the first one (Keras by default).
 */
export type PaddedOutput = 'zero' | 'repeat';

export const paddedOutputs: readonly PaddedOutput[] = ['zero', 'repeat'];

/** Outputs [time, batch, ...] with the last one that counted in the place of those that do not. */
export function repeatOutputs(ys: Tensor, how: How, reverse: boolean): Tensor {
  const [time, batch, ...rest] = ys.shape as [number, number, ...number[]];
  const active = activeSteps(how, time, batch);
  if (!active) return ys;
  const [, last] = scan(
    (before: Tensor, { now, t }: { now: Tensor; t: Tensor }) => {
      const next = where(now, broadcastTo(t, [batch]), before);
      return [next, next] as const;
    },
    add(zeros([batch], 'int32'), -1),
    { now: active, t: iota([time]) },
    { reverse, label: 'last_valid' },
  );
  // Row numbers into [time * batch]; before the first valid step there is none, and out of range reads zeros.
  const rows = add(mul(last, batch), iota([time, batch], 1));
  const ids = where(lessEqual(0, last), rows, -1);
  return gather(reshape(ys, [time * batch, ...rest]), ids);
}

/** Which steps count, bool [time, batch]; undefined if all do. */
function activeSteps({ lengths, mask }: How, time: number, batch: number): Tensor | undefined {
  if (mask) return transpose(mask);
  return lengths && less(iota([time, batch]), broadcastTo(lengths, [time, batch]));
}
