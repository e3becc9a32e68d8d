/** Looking at a tensor's values where they lie. */
import { fail } from '../errors.ts';
import { describe, type HostArray, hostArray, type Tensor } from '../graph/tensor.ts';
import type { Owned } from './value.ts';

/**
 * Shows the values of a tensor that ran to `look`, and gives what that returns: the position of the largest, a sum, a file
 * written in one go. A backend in this thread's memory shows that memory, so nothing is copied; others give a copy, as
 * `read` does. The array is for looking only, and only until `look` returns: the next call may overwrite or detach it. So
 * `look` must not be async, which is an error (`option-invalid`) where it returns a promise.
 */
export async function peek<R>(t: Tensor, look: (values: HostArray) => R): Promise<R> {
  const result = look(viewed(t) ?? (await t.read()));
  if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function')
    fail(
      'option-invalid',
      `peek: the function that looks at ${describe(t)} returned a promise, and what it was shown is only there until it returns. Copy what it needs, or use read().`,
    );
  return result;
}

function viewed(t: Tensor): HostArray | undefined {
  if (t.op.kind !== 'value') return undefined;
  const value = t.op.value as Owned;
  value.assertLive('peek');
  const bytes = value.backend.view?.(value.buffer, 0, value.bytes);
  return bytes && hostArray(t, bytes);
}
