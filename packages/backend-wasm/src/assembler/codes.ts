/** The WebAssembly instructions that kernels use: their byte codes, and what an instruction with its operands is. */
import type { doubles } from './doubles.ts';

export type Type = 'i32' | 'f32' | 'v128';

/** An expression: an instruction with its operands. Plain data; it is encoded and printed later. */
export interface Value<T extends Type = Type> {
  readonly type: T;
  readonly op: Op;
  readonly args: readonly Value[];
  /** Immediates: a local's number, a constant, four words of a vector, a memory offset, lanes. */
  readonly imm: readonly number[];
}

/** LEB128 of an unsigned number. */
export function leb(n: number): number[] {
  const out: number[] = [];
  let rest = n;
  for (; rest > 0x7f; rest >>>= 7) out.push((rest & 0x7f) | 0x80);
  out.push(rest);
  return out;
}

/** Names that follow one another, and the code of the first. Some stand there only to keep the others in their place. */
type Run = readonly [first: number, names: string];
type Runs = Readonly<Record<string, readonly Run[]>>;

const scalar = {
  local: [[0x20, 'get set tee']],
  i32: [
    [0x28, 'load'],
    [0x36, 'store'],
    [0x41, 'const'],
    [0x45, 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'],
    [0x6a, 'add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u'],
  ],
  f32: [
    [0x2a, 'load'],
    [0x38, 'store'],
    [0x43, 'const'],
    [0x92, 'add sub mul div min max'],
    [0xbe, 'reinterpret_i32'],
  ],
} as const satisfies Runs;

const simd = {
  v128: [
    [0x00, 'load'],
    [0x09, 'load32_splat'],
    [0x0b, 'store const'],
    [0x4d, 'not and andnot or xor bitselect any_true'],
    [0x56, 'load32_lane'],
    [0x5a, 'store32_lane store64_lane load32_zero load64_zero'],
  ],
  i8x16: [[0x0d, 'shuffle swizzle']],
  i32x4: [
    [0x11, 'splat'],
    [0x1b, 'extract_lane replace_lane'],
    [0x37, 'eq ne lt_s lt_u gt_s gt_u le_s le_u'],
    [0xa0, 'abs neg'],
    [0xab, 'shl shr_s shr_u add'],
    [0xb1, 'sub'],
    [0xb5, 'mul min_s min_u max_s max_u'],
    [0xf8, 'trunc_sat_f32x4_s trunc_sat_f32x4_u'],
  ],
  f32x4: [
    [0x13, 'splat'],
    [0x1f, 'extract_lane replace_lane'],
    [0x41, 'eq ne lt gt le ge'],
    [0x67, 'ceil floor trunc nearest'],
    [0xe0, 'abs neg'],
    [0xe3, 'sqrt add sub mul div min max pmin pmax'],
    [0xfa, 'convert_i32x4_s convert_i32x4_u'],
    /** a * b + c and c - a * b, rounded once or twice as the machine likes: relaxed SIMD. */
    [0x105, 'relaxed_madd relaxed_nmadd'],
  ],
} as const satisfies Runs;

type Words<S extends string> = S extends `${infer First} ${infer Rest}` ? First | Words<Rest> : S;
type NamesOf<R extends Runs> = {
  [F in keyof R & string]: `${F}.${Words<R[F][number][1]>}`;
}[keyof R & string];
type Lone = 'select' | 'memory.copy';

export type Op = NamesOf<typeof scalar> | NamesOf<typeof simd> | NamesOf<typeof doubles> | Lone;

/** Natural alignment of a memory access, as a power of two: floats, and vectors of them, lie on their multiples of 4. */
const ALIGNMENT = 2;

/** The bytes of each instruction, up to its immediates: of those on doubles once `addCodes` has had them. */
export const codes: Record<string, readonly number[]> = {
  select: [0x1b],
  /** destination, source, bytes */
  'memory.copy': [0xfc, 0x0a, 0, 0],
};

/** Those of vectors stand behind a byte that says so. */
export function addCodes(runs: Runs, vectors = true): void {
  for (const [family, list] of Object.entries(runs))
    for (const [first, names] of list)
      names.split(' ').forEach((name, k) => {
        const align = /^(load|store)/.test(name) ? [ALIGNMENT] : [];
        const code = vectors ? [0xfd, ...leb(first + k)] : [first + k];
        codes[`${family}.${name}`] = [...code, ...align];
      });
}

addCodes(scalar, false);
addCodes(simd);

/** The names of a family's instructions. */
export type OpsOf<Prefix extends string> = Op extends infer O
  ? O extends `${Prefix}.${infer Name}`
    ? Name
    : never
  : never;

/** The instructions of a family by name, each one string for good: looking up what was just put together takes longer. */
export function opsOf<Prefix extends string>(prefix: Prefix): (name: OpsOf<Prefix>) => Op {
  const ops: Record<string, Op> = {};
  return (name) => {
    ops[name] ??= `${prefix}.${name}` as Op;
    return ops[name];
  };
}

/** One for all nodes: a list of its own costs each as much as the rest of it. */
const none: readonly never[] = [];

export const node = <T extends Type>(
  type: T,
  op: Op,
  args: readonly Value[] = none,
  imm: readonly number[] = none,
): Value<T> => ({ type, op, args, imm });

const word = new DataView(new ArrayBuffer(8));

export function bitsOfF32(x: number): number {
  word.setFloat32(0, x);
  return word.getInt32(0);
}
