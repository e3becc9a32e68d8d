/** Integers: constants and arithmetic. Sums with constants fold, so that address code stays short. */
import { node, type OpsOf, opsOf, type Value } from './codes.ts';

type I32 = Value<'i32'>;

const constant = (n: number): I32 => node('i32', 'i32.const', [], [n]);

export { constant as const };

/** Any instruction that gives an i32. */
export const op = (name: OpsOf<'i32'>, ...args: readonly Value[]): I32 =>
  node('i32', ops(name), args);
const ops = opsOf('i32');

const known = (x: I32): number | undefined => (x.op === 'i32.const' ? x.imm[0] : undefined);
const value = (x: I32 | number): I32 => (typeof x === 'number' ? constant(x) : x);

export function add(a: I32, by: I32 | number): I32 {
  const b = value(by);
  const m = known(a);
  const n = known(b);
  if (n === 0) return a;
  return m !== undefined && n !== undefined ? constant(m + n) : op('add', a, b);
}

export function mul(a: I32, by: I32 | number): I32 {
  const b = value(by);
  const m = known(a);
  const n = known(b);
  if (n === 1) return a;
  if (n === 0) return b;
  return m !== undefined && n !== undefined ? constant(Math.imul(m, n)) : op('mul', a, b);
}

/** Of two signed numbers. Both are evaluated twice, so they should be short. */
export const min = (a: I32, b: I32): I32 => node('i32', 'select', [a, b, op('lt_s', a, b)]);

export const load = (at: I32, offset = 0): I32 => node('i32', 'i32.load', [at], [offset]);
