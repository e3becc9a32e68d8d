/** Loops over pieces of an axis, and moves by as many steps as are known when the code runs. */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { i32, type Value } from '../assembler/instructions.ts';
import type { Cursor, Steps } from './walk.ts';

/** Cuts `total` into pieces of at most `limit`, the last one shorter. `body` gets the length of a piece. */
export function inPieces(
  f: FunctionBuilder,
  total: number | Value<'i32'>,
  limit: number,
  body: (length: Local<'i32'>) => void,
): void {
  const left = f.let('rest', typeof total === 'number' ? i32.const(total) : total);
  const length = f.local('i32', 'length');
  f.loop(() => {
    f.set(length, i32.min(f.get(left), i32.const(limit)));
    body(length);
    f.set(left, i32.op('sub', f.get(left), f.get(length)));
    f.repeatIf(f.get(left));
  });
}

/** Moves addresses on by `n` steps. */
export function skip(
  f: FunctionBuilder,
  { a, b, out }: Cursor,
  steps: Omit<Steps, 'size'>,
  n: Value<'i32'>,
): void {
  const by = (bytes: number): number | Value<'i32'> => (bytes === 0 ? 0 : i32.mul(n, bytes));
  f.advance(a, by(steps.a));
  f.advance(b, by(steps.b));
  f.advance(out, by(steps.out));
}
