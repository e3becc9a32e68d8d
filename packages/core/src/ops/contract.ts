/** Products: two-operand einsum and its common forms. */
import { fail } from '../errors.ts';
import { checkedTensor, describe, Tensor } from '../graph/tensor.ts';
import { isFloat } from '../ir/dtype.ts';
import { reduce } from './reduce.ts';
import { broadcastTo, reshape } from './views.ts';

/** One node: `a`, `b` and `out` name each axis by one character. The specification has been checked. */
export function contract(a: string, b: string, out: string, x: Tensor, y: Tensor): Tensor {
  const size = new Map<string, number>();
  for (const [i, c] of [...a].entries()) size.set(c, x.shape[i] as number);
  for (const [i, c] of [...b].entries()) size.set(c, y.shape[i] as number);
  const shape = [...out].map((c) => size.get(c) as number);
  return new Tensor({ kind: 'contract', a, b, out }, shape, x.dtype, [x, y]);
}

/**
 * Two-operand einsum, such as `einsum('bi,io->bo', x, w)`: axes with one letter are multiplied together, letters that
 * the result lacks are summed. No letter twice in one operand.
 */
export function einsum(spec: string, x: Tensor, y: Tensor): Tensor {
  const found = /^([a-zA-Z]*),([a-zA-Z]*)->([a-zA-Z]*)$/.exec(spec.replaceAll(' ', ''));
  if (!found)
    return fail(
      'einsum-spec',
      `einsum: cannot read "${spec}". Write it like "bi,io->bo", with two operands and a result.`,
    );
  const [, a = '', b = '', out = ''] = found;
  for (const letters of [a, b, out])
    if (new Set(letters).size !== letters.length)
      fail(
        'einsum-spec',
        `einsum: "${spec}" repeats a letter within "${letters}". Use another letter for each axis.`,
      );
  if (a.length !== x.rank || b.length !== y.rank)
    fail(
      'einsum-spec',
      `einsum: "${spec}" does not name each axis of ${describe(x)} and ${describe(y)} once.`,
    );
  const size = new Map<string, number>();
  const note = (letters: string, t: Tensor): void =>
    [...letters].forEach((c, i) => {
      const n = t.shape[i] as number;
      if ((size.get(c) ?? n) !== n)
        fail(
          'shape-mismatch',
          `einsum: "${c}" in "${spec}" is ${size.get(c)} and ${n} in ${describe(x)} and ${describe(y)}.`,
        );
      size.set(c, n);
    });
  note(a, x);
  note(b, y);
  for (const c of out)
    if (!size.has(c))
      fail('einsum-spec', `einsum: the result's "${c}" in "${spec}" is in no operand.`);
  checkTypes('einsum', x, y);
  const lone = (letters: string, other: string): number[] =>
    [...letters].flatMap((c, i) => (!other.includes(c) && !out.includes(c) ? [i] : []));
  const without = (letters: string, gone: readonly number[]): string =>
    [...letters].filter((_, i) => !gone.includes(i)).join('');
  const goneA = lone(a, b);
  const goneB = lone(b, a);
  return contract(
    without(a, goneA),
    without(b, goneB),
    out,
    reduce('sum', x, goneA),
    reduce('sum', y, goneB),
  );
}

/**
 * Matrix product of the last two axes, [..., m, k] x [..., k, n]; leading axes broadcast. A vector counts as a row on
 * the left and as a column on the right, and its axis is dropped again.
 */
export function matmul(x: Tensor, y: Tensor): Tensor {
  for (const t of [x, y]) checkedTensor('matmul', t);
  if (x.rank === 0 || y.rank === 0)
    fail(
      'shape-mismatch',
      `matmul: ${describe(x)} and ${describe(y)}. Scalars have no rows: use mul.`,
    );
  if (x.rank === 1) {
    const z = matmul(reshape(x, [1, ...x.shape]), y); // [..., 1, n], or [1] where y is a vector too
    return reshape(z, y.rank === 1 ? [] : z.shape.filter((_, i) => i !== z.rank - 2));
  }
  if (y.rank === 1) {
    const z = matmul(x, reshape(y, [...y.shape, 1]));
    return reshape(z, z.shape.slice(0, -1));
  }
  if (x.shape.at(-1) !== y.shape.at(-2))
    fail(
      'shape-mismatch',
      `matmul: the last axis of ${describe(x)} must equal the last but one of ${describe(y)}.`,
    );
  const lead = Math.max(x.rank, y.rank) - 2;
  const letters = Array.from({ length: lead }, (_, i) => String.fromCharCode(65 + i)).join('');
  const xs = letters.slice(lead - (x.rank - 2));
  const ys = letters.slice(lead - (y.rank - 2));
  // Leading axes of size 1 on one side only repeat there; others that differ are refused.
  const wide = (t: Tensor, other: Tensor): Tensor => {
    const leading = t.shape.slice(0, -2).map((n, i) => {
      const m = other.shape[i + other.rank - t.rank] ?? 1;
      return m === 1 ? n : m;
    });
    return broadcastTo(t, [...leading, ...t.shape.slice(-2)]);
  };
  checkTypes('matmul', x, y);
  return contract(`${xs}mk`, `${ys}kn`, `${letters}mn`, wide(x, y), wide(y, x));
}

function checkTypes(what: string, x: Tensor, y: Tensor): void {
  if (x.dtype !== y.dtype || !isFloat(x.dtype))
    fail(
      'dtype-mismatch',
      `${what}: ${describe(x)} and ${describe(y)}. Products need one float type: use cast.`,
    );
}
