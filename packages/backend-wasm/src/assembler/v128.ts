/** Vectors of four floats or four integers. Doubles, which few kernels need, stand in loop/wide.ts. */
import { bitsOfF32, node, type OpsOf, opsOf, type Value } from './codes.ts';

type I32 = Value<'i32'>;
type F32 = Value<'f32'>;
type V128 = Value<'v128'>;
type Lanes = readonly [number, number, number, number];

export const load = (at: I32, offset = 0): V128 => node('v128', 'v128.load', [at], [offset]);

export const loadSplat = (at: I32, offset = 0): V128 =>
  node('v128', 'v128.load32_splat', [at], [offset]);

export const splat = (x: F32 | I32): V128 =>
  node('v128', x.type === 'f32' ? 'f32x4.splat' : 'i32x4.splat', [x]);

export const constI32 = (...lanes: readonly [number] | Lanes): V128 => {
  const [x] = lanes;
  return node('v128', 'v128.const', [], lanes.length === 1 ? [x, x, x, x] : lanes);
};

/** Four equal float lanes. Hoist it into a local before a loop: engines build it anew at each use. */
export const constF32 = (x: number): V128 => constI32(bitsOfF32(x));

/** Four or eight bytes into the low lanes, zeros above. */
export const loadZero = (at: I32, lanes: 1 | 2, offset = 0): V128 =>
  node('v128', lanes === 1 ? 'v128.load32_zero' : 'v128.load64_zero', [at], [offset]);

/** One lane from memory, the others as they are. */
export const loadLane = (at: I32, x: V128, lane: number, offset = 0): V128 =>
  node('v128', 'v128.load32_lane', [at, x], [offset, lane]);

type Family<Prefix extends string> = (
  name: Exclude<OpsOf<Prefix>, 'extract_lane' | 'replace_lane'>,
  ...args: readonly Value[]
) => V128;

/** All of one lane type. */
export const family = <Prefix extends string>(prefix: Prefix): Family<Prefix> => {
  const op = opsOf(prefix);
  return (name, ...args) => node('v128', op(name), args);
};

export const f32x4: Family<'f32x4'> = family('f32x4');
export const i32x4: Family<'i32x4'> = family('i32x4');

export const bits: Family<'v128'> = family('v128');

/** Lanes 0..3 of the first and 4..7 of the second operand, in a new order. */
export const shuffle = (a: V128, b: V128, lanes: Lanes): V128 =>
  node(
    'v128',
    'i8x16.shuffle',
    [a, b],
    lanes.flatMap((l) => [0, 1, 2, 3].map((k) => 4 * l + k)),
  );
