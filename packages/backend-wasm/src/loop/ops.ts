/**
 * Scalar ops on vectors of four: one row per op and element type. Bools are masks here, all bits or none; in memory
 * they are 1 and 0. Knows no loop.
 */
import type { DType, ScalarOp } from '@ostinato/core/backend';
import { node } from '../assembler/codes.ts';
import { i32 } from '../assembler/instructions.ts';
import { cos, erf, exp, log, sin } from './functions.ts';
import { bits, each, floats as f, ints as i, type Kit, shifted, type V } from './kit.ts';
import { binary, type Emit, plainOps, unary } from './plain.ts';
import { divide, pow, remainder } from './wide.ts';

export type Stored = Exclude<DType, 'float64'>;

type Table = { readonly [Op in ScalarOp]: Emit | null };

const select: Emit = (_, [c, a, b]) => bits('bitselect', a as V, b as V, c as V);

const none = {
  floor: null,
  sqrt: null,
  exp: null,
  log: null,
  sin: null,
  cos: null,
  tanh: null,
  sigmoid: null,
  erf: null,
  pow: null,
};

const floatOps: Table = {
  ...plainOps,
  rem: binary(remainder),
  pow: (kit, [a, b], [, power]) => {
    const x = kit.keep('base', a as V);
    if (power === 1) return x;
    if (power === 2) return f('mul', x, x);
    if (power === -1) return f('div', kit.float(1), x);
    return pow(kit, x, b as V);
  },
  /** 1 with the sign of x where x is neither 0 nor NaN; else x. */
  sign: unary((kit, a) => {
    const x = kit.keep('x', a);
    const one = bits('or', bits('and', x, kit.float(-0)), kit.float(1));
    return bits('bitselect', one, x, f('lt', kit.float(0), f('abs', x)));
  }),
  exp: unary(exp),
  log: unary(log),
  sin: unary(sin),
  cos: unary(cos),
  erf: unary(erf),
  less: binary((_, a, b) => f('lt', a, b)),
  lessEqual: binary((_, a, b) => f('le', a, b)),
  equal: binary((_, a, b) => f('eq', a, b)),
  select,
  and: null,
  or: null,
  xor: null,
  not: null,
  shl: null,
  shr: null,
};

const integerOps = {
  ...none,
  add: binary((_, a, b) => i('add', a, b)),
  sub: binary((_, a, b) => i('sub', a, b)),
  mul: binary((_, a, b) => i('mul', a, b)),
  neg: unary((_, a) => i('neg', a)),
  and: binary((_, a, b) => bits('and', a, b)),
  or: binary((_, a, b) => bits('or', a, b)),
  xor: binary((_, a, b) => bits('xor', a, b)),
  not: unary((_, a) => bits('not', a)),
  equal: binary((_, a, b) => i('eq', a, b)),
  select,
  shl: shift('shl'),
} satisfies Partial<Table>;

const intOps: Table = {
  ...integerOps,
  div: binary((kit, a, b) => divide(kit, 's', a, b)),
  rem: binary((kit, a, b) => integerRemainder(kit, 's', a, b)),
  min: binary((_, a, b) => i('min_s', a, b)),
  max: binary((_, a, b) => i('max_s', a, b)),
  abs: unary((_, a) => i('abs', a)),
  /** Masks are -1 and 0. */
  sign: unary((kit, a) => {
    const x = kit.keep('x', a);
    return i('sub', i('lt_s', x, kit.int(0)), i('gt_s', x, kit.int(0)));
  }),
  less: binary((_, a, b) => i('lt_s', a, b)),
  lessEqual: binary((_, a, b) => i('le_s', a, b)),
  shr: shift('shr_s'),
};

const unsignedOps: Table = {
  ...integerOps,
  div: binary((kit, a, b) => divide(kit, 'u', a, b)),
  rem: binary((kit, a, b) => integerRemainder(kit, 'u', a, b)),
  min: binary((_, a, b) => i('min_u', a, b)),
  max: binary((_, a, b) => i('max_u', a, b)),
  abs: unary((_, a) => a),
  sign: unary((kit, a) => i('min_u', a, kit.int(1))),
  less: binary((_, a, b) => i('lt_u', a, b)),
  lessEqual: binary((_, a, b) => i('le_u', a, b)),
  shr: shift('shr_u'),
};

const boolOps: Table = {
  ...none,
  and: integerOps.and,
  or: integerOps.or,
  xor: integerOps.xor,
  not: integerOps.not,
  equal: integerOps.equal,
  select,
  add: null,
  sub: null,
  mul: null,
  div: null,
  rem: null,
  min: null,
  max: null,
  neg: null,
  abs: null,
  sign: null,
  less: null,
  lessEqual: null,
  shl: null,
  shr: null,
};

/** WebAssembly shifts all lanes by one count: by a constant at once, else lane by lane. Counts are taken modulo 32. */
function shift(name: 'shl' | 'shr_s' | 'shr_u'): Emit {
  return (kit, [a, b], [, count]) => {
    if (count !== undefined) return shifted(name, a as V, count & 31);
    const x = kit.keep('x', a as V);
    const by = kit.keep('by', b as V);
    return each(
      (word, places) =>
        [0, 1, 2, 3].reduce((out, lane) => {
          const lanes = [word, places].map((x) => node('i32', 'i32x4.extract_lane', [x], [lane]));
          return node('v128', 'i32x4.replace_lane', [out, i32.op(name, ...lanes)], [lane]);
        }, word),
      x,
      by,
    );
  };
}

/** x - trunc(x / y) y, which wraps where the quotient does; 0 where y is 0. */
function integerRemainder(kit: Kit, sign: 's' | 'u', a: V, b: V): V {
  const x = kit.keep('x', a);
  const y = kit.keep('y', b);
  const rest = i('sub', x, i('mul', divide(kit, sign, x, y), y));
  return bits('and', rest, i('ne', y, kit.int(0)));
}

export const ops: { readonly [D in Stored]: Table } = {
  float32: floatOps,
  int32: intOps,
  uint32: unsignedOps,
  bool: boolOps,
};

const same: Emit = unary((_, a) => a);
const isNotZero: Emit = unary((kit, a) => i('ne', a, kit.int(0)));
/** Masks are -1. */
const maskToInteger: Emit = unary((_, a) => i('neg', a));

export const casts: { readonly [From in Stored]: { readonly [To in Stored]: Emit } } = {
  float32: {
    float32: same,
    int32: unary((_, a) => i('trunc_sat_f32x4_s', a)),
    uint32: unary((_, a) => i('trunc_sat_f32x4_u', a)),
    // NaN is not 0: it is true.
    bool: unary((kit, a) => f('ne', a, kit.float(0))),
  },
  int32: {
    float32: unary((_, a) => f('convert_i32x4_s', a)),
    int32: same,
    uint32: same,
    bool: isNotZero,
  },
  uint32: {
    float32: unary((_, a) => f('convert_i32x4_u', a)),
    int32: same,
    uint32: same,
    bool: isNotZero,
  },
  bool: {
    float32: unary((kit, a) => bits('and', a, kit.float(1))),
    int32: maskToInteger,
    uint32: maskToInteger,
    bool: same,
  },
};
