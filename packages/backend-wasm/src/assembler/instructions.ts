/** The WebAssembly instructions that kernels use, as typed values and their byte codes. Knows no kernel. */

export type Type = 'i32' | 'f32' | 'v128';

/** An expression: an instruction with its operands. Plain data; it is encoded and printed later. */
export interface Value<T extends Type = Type> {
  readonly type: T;
  readonly op: Op;
  readonly args: readonly Value[];
  /** Immediates: a local's number, a constant, a memory offset, lanes. */
  readonly imm: readonly number[];
}

type Immediate =
  | 'none'
  | 'local'
  | 'i32'
  | 'f32'
  | 'memory'
  | 'memory lane'
  | 'lane'
  | 'shuffle'
  | 'v128'
  | 'function';

interface Code {
  readonly bytes: readonly number[];
  readonly imm: Immediate;
  /** Natural alignment of a memory access, as a power of two. */
  readonly align?: number;
}

const plain = (...bytes: number[]): Code => ({ bytes, imm: 'none' });
const simd = (code: number): Code => ({ bytes: [0xfd, ...leb(code)], imm: 'none' });
const memory = (align: number, ...bytes: number[]): Code => ({ bytes, imm: 'memory', align });
const simdMemory = (code: number, align = 2): Code => ({
  bytes: [0xfd, ...leb(code)],
  imm: 'memory',
  align,
});
const simdMemoryLane = (code: number, align: number): Code => ({
  bytes: [0xfd, ...leb(code)],
  imm: 'memory lane',
  align,
});
const simdLane = (code: number): Code => ({ bytes: [0xfd, ...leb(code)], imm: 'lane' });

/** Unsigned LEB128. */
export function leb(n: number): number[] {
  const out: number[] = [];
  let rest = n >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    out.push(rest ? low | 0x80 : low);
  } while (rest);
  return out;
}

/** Signed LEB128 of an int32. */
export function signedLeb(n: number): number[] {
  const out: number[] = [];
  let rest = n | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && !(low & 0x40)) || (rest === -1 && (low & 0x40) !== 0);
    out.push(done ? low : low | 0x80);
    if (done) return out;
  }
}

export const codes = {
  'local.get': { bytes: [0x20], imm: 'local' },
  'local.set': { bytes: [0x21], imm: 'local' },
  'local.tee': { bytes: [0x22], imm: 'local' },
  call: { bytes: [0x10], imm: 'function' },
  drop: plain(0x1a),
  /** destination, source, bytes */
  'memory.copy': plain(0xfc, 0x0a, 0, 0),
  /** destination, byte, bytes */
  'memory.fill': plain(0xfc, 0x0b, 0),
  select: plain(0x1b),
  'i32.const': { bytes: [0x41], imm: 'i32' },
  'f32.const': { bytes: [0x43], imm: 'f32' },
  'i32.load': memory(2, 0x28),
  'f32.load': memory(2, 0x2a),
  'i32.store': memory(2, 0x36),
  'f32.store': memory(2, 0x38),
  'i32.eqz': plain(0x45),
  'i32.eq': plain(0x46),
  'i32.ne': plain(0x47),
  'i32.lt_s': plain(0x48),
  'i32.lt_u': plain(0x49),
  'i32.gt_s': plain(0x4a),
  'i32.le_s': plain(0x4c),
  'i32.le_u': plain(0x4d),
  'i32.ge_s': plain(0x4e),
  'i32.add': plain(0x6a),
  'i32.sub': plain(0x6b),
  'i32.mul': plain(0x6c),
  'i32.div_s': plain(0x6d),
  'i32.div_u': plain(0x6e),
  'i32.rem_s': plain(0x6f),
  'i32.rem_u': plain(0x70),
  'i32.and': plain(0x71),
  'i32.or': plain(0x72),
  'i32.xor': plain(0x73),
  'i32.shl': plain(0x74),
  'i32.shr_s': plain(0x75),
  'i32.shr_u': plain(0x76),
  'f32.eq': plain(0x5b),
  'f32.lt': plain(0x5d),
  'f32.le': plain(0x5f),
  'f32.abs': plain(0x8b),
  'f32.neg': plain(0x8c),
  'f32.floor': plain(0x8e),
  'f32.trunc': plain(0x8f),
  'f32.nearest': plain(0x90),
  'f32.sqrt': plain(0x91),
  'f32.add': plain(0x92),
  'f32.sub': plain(0x93),
  'f32.mul': plain(0x94),
  'f32.div': plain(0x95),
  'f32.min': plain(0x96),
  'f32.max': plain(0x97),
  'f32.copysign': plain(0x98),
  'f32.convert_i32_s': plain(0xb2),
  'f32.convert_i32_u': plain(0xb3),
  'i32.trunc_sat_f32_s': plain(0xfc, 0x00),
  'i32.trunc_sat_f32_u': plain(0xfc, 0x01),
  'i32.reinterpret_f32': plain(0xbc),
  'f32.reinterpret_i32': plain(0xbe),
  'v128.load': simdMemory(0, 2),
  'v128.load32_splat': simdMemory(9),
  'v128.load32_zero': simdMemory(0x5c),
  'v128.load64_zero': simdMemory(0x5d),
  'v128.load32_lane': simdMemoryLane(0x56, 2),
  'v128.store': simdMemory(11, 2),
  'v128.store32_lane': simdMemoryLane(0x5a, 2),
  'v128.store64_lane': simdMemoryLane(0x5b, 2),
  'v128.const': { bytes: [0xfd, 12], imm: 'v128' },
  'i8x16.shuffle': { bytes: [0xfd, 13], imm: 'shuffle' },
  'i8x16.swizzle': simd(14),
  'f32x4.splat': simd(0x13),
  'i32x4.splat': simd(0x11),
  'f32x4.extract_lane': simdLane(0x1f),
  'f32x4.replace_lane': simdLane(0x20),
  'i32x4.extract_lane': simdLane(0x1b),
  'i32x4.replace_lane': simdLane(0x1c),
  'f32x4.eq': simd(0x41),
  'f32x4.ne': simd(0x42),
  'f32x4.lt': simd(0x43),
  'f32x4.le': simd(0x45),
  'f64x2.lt': simd(0x49),
  'f64x2.le': simd(0x4b),
  'i32x4.eq': simd(0x37),
  'i32x4.ne': simd(0x38),
  'i32x4.lt_s': simd(0x39),
  'i32x4.lt_u': simd(0x3a),
  'i32x4.gt_s': simd(0x3b),
  'i32x4.le_s': simd(0x3d),
  'i32x4.le_u': simd(0x3e),
  'v128.not': simd(0x4d),
  'v128.and': simd(0x4e),
  'v128.andnot': simd(0x4f),
  'v128.or': simd(0x50),
  'v128.xor': simd(0x51),
  'v128.bitselect': simd(0x52),
  'v128.any_true': simd(0x53),
  'i32x4.all_true': simd(0xa3),
  'i32x4.shl': simd(0xab),
  'i32x4.shr_s': simd(0xac),
  'i32x4.shr_u': simd(0xad),
  'i32x4.add': simd(0xae),
  'i32x4.sub': simd(0xb1),
  'i32x4.mul': simd(0xb5),
  'i32x4.neg': simd(0xa1),
  'i32x4.abs': simd(0xa0),
  'i32x4.min_s': simd(0xb6),
  'i32x4.min_u': simd(0xb7),
  'i32x4.max_s': simd(0xb8),
  'i32x4.max_u': simd(0xb9),
  'f32x4.ceil': simd(0x67),
  'f32x4.floor': simd(0x68),
  'f32x4.trunc': simd(0x69),
  'f32x4.nearest': simd(0x6a),
  'f32x4.abs': simd(0xe0),
  'f32x4.neg': simd(0xe1),
  'f32x4.sqrt': simd(0xe3),
  'f32x4.add': simd(0xe4),
  'f32x4.sub': simd(0xe5),
  'f32x4.mul': simd(0xe6),
  'f32x4.div': simd(0xe7),
  'f32x4.min': simd(0xe8),
  'f32x4.max': simd(0xe9),
  'f32x4.pmin': simd(0xea),
  'f32x4.pmax': simd(0xeb),
  'i32x4.trunc_sat_f32x4_s': simd(0xf8),
  'i32x4.trunc_sat_f32x4_u': simd(0xf9),
  'f32x4.convert_i32x4_s': simd(0xfa),
  'f32x4.convert_i32x4_u': simd(0xfb),
  'i32x4.trunc_sat_f64x2_s_zero': simd(0xfc),
  'i32x4.trunc_sat_f64x2_u_zero': simd(0xfd),
  'i64x2.shl': simd(0xcb),
  'i64x2.shr_s': simd(0xcc),
  'i64x2.shr_u': simd(0xcd),
  'i64x2.add': simd(0xce),
  'i64x2.sub': simd(0xd1),
  'f32x4.demote_f64x2_zero': simd(0x5e),
  'f64x2.promote_low_f32x4': simd(0x5f),
  'f64x2.convert_low_i32x4_s': simd(0xfe),
  'f64x2.convert_low_i32x4_u': simd(0xff),
  'f64x2.trunc': simd(0x7a),
  'f64x2.nearest': simd(0x94),
  'f64x2.abs': simd(0xec),
  'f64x2.add': simd(0xf0),
  'f64x2.sub': simd(0xf1),
  'f64x2.mul': simd(0xf2),
  'f64x2.div': simd(0xf3),
  'f64x2.pmin': simd(0xf6),
  'f64x2.pmax': simd(0xf7),
  /** a * b + c, rounded once or twice as the machine likes: relaxed SIMD. */
  'f32x4.relaxed_madd': simd(0x105),
  'f32x4.relaxed_nmadd': simd(0x106),
} as const satisfies Record<string, Code>;

export type Op = keyof typeof codes;

const node = <T extends Type>(
  type: T,
  op: Op,
  args: readonly Value[] = [],
  imm: readonly number[] = [],
): Value<T> => ({ type, op, args, imm });

type I32 = Value<'i32'>;
type F32 = Value<'f32'>;
type V128 = Value<'v128'>;

type OpsOf<Prefix extends string> = Op extends infer O
  ? O extends `${Prefix}.${infer Name}`
    ? Name
    : never
  : never;

/** i32 constants and arithmetic; sums with constants fold, so that address code stays short. */
export const i32 = {
  const: (n: number): I32 => node('i32', 'i32.const', [], [n]),
  add(a: I32, b: I32 | number): I32 {
    const c = typeof b === 'number' ? b : b.op === 'i32.const' ? (b.imm[0] as number) : undefined;
    if (c === 0) return a;
    if (c !== undefined && a.op === 'i32.const') return i32.const((a.imm[0] as number) + c);
    return node('i32', 'i32.add', [a, typeof b === 'number' ? i32.const(b) : b]);
  },
  mul(a: I32, b: I32 | number): I32 {
    const c = typeof b === 'number' ? b : b.op === 'i32.const' ? (b.imm[0] as number) : undefined;
    if (c === 1) return a;
    if (c === 0) return i32.const(0);
    if (c !== undefined && a.op === 'i32.const') return i32.const(Math.imul(a.imm[0] as number, c));
    return node('i32', 'i32.mul', [a, typeof b === 'number' ? i32.const(b) : b]);
  },
  /** Of two signed numbers. Both are evaluated twice, so they should be short. */
  min: (a: I32, b: I32): I32 => node('i32', 'select', [a, b, i32.op('lt_s', a, b)]),
  load: (at: I32, offset = 0): I32 => node('i32', 'i32.load', [at], [offset]),
  /** Any other instruction that gives an i32. */
  op: (name: OpsOf<'i32'>, ...args: readonly Value[]): I32 =>
    node('i32', `i32.${name}` as Op, args),
};

export const f32 = {
  const: (x: number): F32 => node('f32', 'f32.const', [], [x]),
  load: (at: I32, offset = 0): F32 => node('f32', 'f32.load', [at], [offset]),
  op: (name: OpsOf<'f32'>, ...args: readonly Value[]): F32 =>
    node('f32', `f32.${name}` as Op, args),
};

export const v128 = {
  load: (at: I32, offset = 0): V128 => node('v128', 'v128.load', [at], [offset]),
  loadSplat: (at: I32, offset = 0): V128 => node('v128', 'v128.load32_splat', [at], [offset]),
  splat: (x: F32 | I32): V128 =>
    node('v128', x.type === 'f32' ? 'f32x4.splat' : 'i32x4.splat', [x]),
  /** Four equal float lanes. Hoist it into a local before a loop: engines build it anew at each use. */
  constF32: (x: number): V128 =>
    node(
      'v128',
      'v128.const',
      [],
      [...bytesOfF32(x), ...bytesOfF32(x), ...bytesOfF32(x), ...bytesOfF32(x)],
    ),
  constI32: (...lanes: readonly [number] | readonly [number, number, number, number]): V128 => {
    const all = lanes.length === 1 ? [lanes[0], lanes[0], lanes[0], lanes[0]] : lanes;
    return node('v128', 'v128.const', [], all.flatMap(bytesOfI32));
  },
  /** Four or eight bytes into the low lanes, zeros above. */
  loadZero: (at: I32, lanes: 1 | 2, offset = 0): V128 =>
    node('v128', lanes === 1 ? 'v128.load32_zero' : 'v128.load64_zero', [at], [offset]),
  /** One lane from memory, the others as they are. */
  loadLane: (at: I32, x: V128, lane: number, offset = 0): V128 =>
    node('v128', 'v128.load32_lane', [at, x], [offset, lane]),
  constF64: (x: number): V128 => {
    word.setFloat64(0, x, true);
    const bytes = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => word.getUint8(i));
    return node('v128', 'v128.const', [], [...bytes, ...bytes]);
  },
  f32x4: (
    name: Exclude<OpsOf<'f32x4'>, 'extract_lane' | 'replace_lane'>,
    ...args: readonly Value[]
  ): V128 => node('v128', `f32x4.${name}` as Op, args),
  i32x4: (
    name: Exclude<OpsOf<'i32x4'>, 'extract_lane' | 'replace_lane' | 'all_true'>,
    ...args: readonly Value[]
  ): V128 => node('v128', `i32x4.${name}` as Op, args),
  i64x2: (name: OpsOf<'i64x2'>, ...args: readonly Value[]): V128 =>
    node('v128', `i64x2.${name}` as Op, args),
  f64x2: (name: OpsOf<'f64x2'>, ...args: readonly Value[]): V128 =>
    node('v128', `f64x2.${name}` as Op, args),
  bits: (
    name: 'not' | 'and' | 'andnot' | 'or' | 'xor' | 'bitselect',
    ...args: readonly V128[]
  ): V128 => node('v128', `v128.${name}`, args),
  /** Lanes 0..3 of the first and 4..7 of the second operand, in a new order. */
  shuffle: (a: V128, b: V128, lanes: readonly [number, number, number, number]): V128 =>
    node(
      'v128',
      'i8x16.shuffle',
      [a, b],
      lanes.flatMap((l) => [0, 1, 2, 3].map((k) => 4 * l + k)),
    ),
  /** Bytes of the first at the places that the bytes of the second name. */
  swizzle: (x: V128, places: V128): V128 => node('v128', 'i8x16.swizzle', [x, places]),
  extractF32: (x: V128, lane: number): F32 => node('f32', 'f32x4.extract_lane', [x], [lane]),
  extractI32: (x: V128, lane: number): I32 => node('i32', 'i32x4.extract_lane', [x], [lane]),
  replaceF32: (x: V128, lane: number, y: F32): V128 =>
    node('v128', 'f32x4.replace_lane', [x, y], [lane]),
  replaceI32: (x: V128, lane: number, y: I32): V128 =>
    node('v128', 'i32x4.replace_lane', [x, y], [lane]),
  anyTrue: (x: V128): I32 => node('i32', 'v128.any_true', [x]),
};

const word = new DataView(new ArrayBuffer(8));

export function bytesOfF32(x: number): number[] {
  word.setFloat32(0, x, true);
  return [0, 1, 2, 3].map((i) => word.getUint8(i));
}

function bytesOfI32(x: number): number[] {
  word.setInt32(0, x, true);
  return [0, 1, 2, 3].map((i) => word.getUint8(i));
}
