/**
 * Random numbers from explicit keys: counter-based Threefry-2x32 with 20 rounds (Salmon et al., "Parallel Random
 * Numbers: As Easy as 1, 2, 3", SC 2011). A key is a uint32 tensor of shape [2]. The same words as
 * `@ostinato/core/random` makes on the host, bit for bit, on every backend.
 */
import { checkOptions, fail } from '../errors.ts';
import { describe, Tensor } from '../graph/tensor.ts';
import { type DType, isFloat } from '../ir/dtype.ts';
import { apply, arg, axisIndex, cast as castExpr, constant, type Expr } from '../ir/expr.ts';
import { type Shape, sizeOf } from '../ir/view.ts';
import {
  add,
  cast,
  cos,
  less,
  log,
  map,
  mul,
  neg,
  scalar,
  shiftRight,
  sqrt,
  sub,
} from './elementwise.ts';
import { at, broadcastTo, checkShape, reshape } from './views.ts';

/** What random numbers are drawn from, uint32 [2]. Made by `key`, `keys` and `foldKey`, and used once only. */
export type Key = Tensor;

const word = (x: number): Expr => constant(x, 'uint32');
const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/** The block function on expressions: 20 rounds, a key word injected after every fourth. */
function threefry(key: readonly [Expr, Expr], counter: readonly [Expr, Expr]): [Expr, Expr] {
  const parity = apply('xor', apply('xor', key[0], key[1]), word(0x1bd11bda));
  const schedule = [key[0], key[1], parity] as const;
  const injected = (k: number): Expr => schedule[k % 3] as Expr;
  let x = apply('add', counter[0], injected(0));
  let y = apply('add', counter[1], injected(1));
  for (let block = 0; block < 5; block++) {
    for (const r of ROTATIONS[block % 2] as readonly number[]) {
      x = apply('add', x, y);
      const rotated = apply('or', apply('shl', y, word(r)), apply('shr', y, word(32 - r)));
      y = apply('xor', rotated, x);
    }
    x = apply('add', x, injected(block + 1));
    y = apply('add', apply('add', y, injected(block + 2)), word(block + 1));
  }
  return [x, y];
}

/** Second counter words keep the uses of one key apart. The host has the same first three; 3 is its permutation. */
const purpose = { bits: 0, split: 1, fold: 2, second: 4 } as const;

/** The key of a seed, a whole number from 0 up to 2^53 - 1. */
export function key(seed: number): Key {
  if (!Number.isSafeInteger(seed) || seed < 0)
    fail('key-invalid', `key: the seed is ${seed}. Give a whole number from 0 to 2^53 - 1.`);
  const data = Uint32Array.of(Math.floor(seed / 2 ** 32), seed >>> 0);
  return new Tensor({ kind: 'host', data }, [2], 'uint32', [], 'key');
}

function words(k: Key): [Tensor, Tensor] {
  if (`${k.dtype}[${k.shape}]` !== 'uint32[2]')
    fail(
      'key-invalid',
      `random: ${k instanceof Tensor ? describe(k) : k} is no key. Make one with key(seed).`,
    );
  return [at(k, 0), at(k, 1)];
}

/** `n` independent keys. A key must be used once only, for numbers or for more keys. */
export function keys(k: Key, n: number): Key[] {
  const [k0, k1] = words(k);
  return Array.from({ length: n }, (_, i) => derived(k0, k1, scalar(i, 'uint32'), purpose.split));
}

/** The key of `k` for a number, such as a step: the same pair gives the same key. */
export function foldKey(k: Key, data: number | Tensor): Key {
  const [k0, k1] = words(k);
  if (typeof data === 'number' && data >>> 0 !== data)
    fail('key-invalid', `foldKey: the data is ${data}. Give a whole number from 0 to 2^32 - 1.`);
  const number = typeof data === 'number' ? scalar(data, 'uint32') : cast(data, 'uint32');
  if (number.rank !== 0)
    fail('key-invalid', `foldKey: the data is ${describe(number)}. Give one whole number.`);
  return derived(k0, k1, number, purpose.fold);
}

function derived(k0: Tensor, k1: Tensor, counter: Tensor, use: number): Key {
  const [x, y] = threefry([arg(0), arg(1)], [arg(2), word(use)]);
  const first = apply('equal', axisIndex(0), constant(0, 'int32'));
  const args = [k0, k1, counter].map((t) => broadcastTo(t, [2]));
  return map(apply('select', first, x, y), args, [2], 'key');
}

function wordsOf(k: Key, n: number, use: number): Tensor {
  const [k0, k1] = words(k);
  const counter = castExpr('uint32', axisIndex(0));
  const [x] = threefry([arg(0), arg(1)], [counter, word(use)]);
  return map(x, [broadcastTo(k0, [n]), broadcastTo(k1, [n])], [n], 'bits');
}

/** Uniform 32-bit words (uint32). */
export function bits(k: Key, shape: Shape): Tensor {
  checkShape('bits', shape);
  return reshape(wordsOf(k, sizeOf(shape), purpose.bits), shape);
}

function unit(w: Tensor, dtype: DType): Tensor {
  if (!isFloat(dtype))
    fail('dtype-mismatch', `random: ${dtype} is no float type. Draw floats, or use bits.`);
  return mul(cast(shiftRight(w, 8), dtype), 2 ** -24);
}

export interface UniformOptions {
  /** Default 0. */
  readonly low?: number | undefined;
  /** Default 1. */
  readonly high?: number | undefined;
  /** Default float32. */
  readonly dtype?: DType | undefined;
}

/**
 * Uniform in [low, high), in steps of 2^-24 of the range. Away from 0 the last step may round to `high` itself.
 */
export function uniform(k: Key, shape: Shape, options: UniformOptions = {}): Tensor {
  checkOptions('uniform', options, 'low, high, dtype');
  const { low = 0, high = 1, dtype = 'float32' } = options;
  const u = unit(bits(k, shape), dtype);
  return low === 0 && high === 1 ? u : add(mul(u, high - low), low);
}

/** True with probability `p`. */
export const bernoulli = (k: Key, p: number, shape: Shape): Tensor => less(uniform(k, shape), p);

/** Standard normal by Box & Muller (1958); backends agree to the accuracy of their log and cos. */
export function normal(k: Key, shape: Shape, dtype: DType = 'float32'): Tensor {
  checkShape('normal', shape);
  const n = sizeOf(shape);
  const u = sub(1, unit(wordsOf(k, n, purpose.bits), dtype)); // in (0, 1]: its log is finite
  const v = unit(wordsOf(k, n, purpose.second), dtype);
  const radius = sqrt(mul(neg(log(u)), 2));
  return reshape(mul(radius, cos(mul(v, 2 * Math.PI))), shape);
}
