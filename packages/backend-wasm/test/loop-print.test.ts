import { apply, arg, type Loop } from '@ostinato/core/backend';
import { expect, test } from 'vitest';
import { printed } from './harness.ts';

/** A gate: out = sigmoid(x + bias) y over rows of nine, of which the last vector has one lane. */
const gate: Loop = {
  kind: 'loop',
  buffers: [0, 1, 2, 3].map((index) => ({
    source: 'slot',
    index,
    access: index === 3 ? 'write' : 'read',
  })),
  shape: [5, 9],
  over: [],
  combine: 'sum',
  args: [
    { slot: 0, buffer: 0, dtype: 'float32', offset: 0, strides: [36, 1] },
    { slot: 1, buffer: 1, dtype: 'float32', offset: 9, strides: [0, 1] },
    { slot: 2, buffer: 2, dtype: 'float32', offset: 0, strides: [1, 0] },
  ],
  body: [apply('mul', apply('sigmoid', apply('add', arg(0), arg(1))), arg(2))],
  outs: [{ slot: 3, buffer: 3, dtype: 'float32', offset: 0, strides: [9, 1] }],
};

test('a gate', () => {
  expect(printed(gate, { relaxed: true, paired: false })).toMatchInlineSnapshot(`
    "(func $run (export "run") (param $b0 i32) (param $b1 i32) (param $b2 i32) (param $b3 i32)
      (local.set $87 (v128.const 0 0 174 66 0 0 174 66 0 0 174 66 0 0 174 66))
      (local.set $-89 (v128.const 0 0 178 194 0 0 178 194 0 0 178 194 0 0 178 194))
      (local.set $1.4426950216293335 (v128.const 59 170 184 63 59 170 184 63 59 170 184 63 59 170 184 63))
      (local.set $12583039 (v128.const 127 0 64 75 127 0 64 75 127 0 64 75 127 0 64 75))
      (local.set $-0.00021219444170128554 (v128.const 131 128 94 185 131 128 94 185 131 128 94 185 131 128 94 185))
      (local.set $0.693359375 (v128.const 0 128 49 63 0 128 49 63 0 128 49 63 0 128 49 63))
      (local.set $-0.008290313184261322 (v128.const 24 212 7 188 24 212 7 188 24 212 7 188 24 212 7 188))
      (local.set $0.041897937655448914 (v128.const 44 157 43 61 44 157 43 61 44 157 43 61 44 157 43 61))
      (local.set $-0.1666763573884964 (v128.const 53 173 42 190 53 173 42 190 53 173 42 190 53 173 42 190))
      (local.set $0.4999915063381195 (v128.const 227 254 255 62 227 254 255 62 227 254 255 62 227 254 255 62))
      (local.set $-0.9999997019767761 (v128.const 251 255 127 191 251 255 127 191 251 255 127 191 251 255 127 191))
      (local.set $1 (v128.const 0 0 128 63 0 0 128 63 0 0 128 63 0 0 128 63))
      (local.set $in0 $b0)
      (local.set $in1 (i32.add $b1 (i32.const 36)))
      (local.set $in2 $b2)
      (local.set $out0 $b3)
      (local.set $left (i32.const 5))
      (loop
        (local.set $x2 (v128.load32_splat $in2))
        (local.set $x_12 (f32x4.pmax (f32x4.pmin (f32x4.add (v128.load $in0) (v128.load $in1)) $87) $-89))
        (local.set $x_13 (f32x4.pmax (f32x4.pmin (f32x4.add (v128.load offset=16 $in0) (v128.load offset=16 $in1)) $87) $-89))
        (local.set $sum_16 (f32x4.relaxed_nmadd $x_12 $1.4426950216293335 $12583039))
        (local.set $sum_17 (f32x4.relaxed_nmadd $x_13 $1.4426950216293335 $12583039))
        (local.set $n_18 (f32x4.sub $sum_16 $12583039))
        (local.set $n_19 (f32x4.sub $sum_17 $12583039))
        (local.set $r_22 (f32x4.relaxed_madd $n_18 $-0.00021219444170128554 (f32x4.relaxed_madd $n_18 $0.693359375 $x_12)))
        (local.set $r_23 (f32x4.relaxed_madd $n_19 $-0.00021219444170128554 (f32x4.relaxed_madd $n_19 $0.693359375 $x_13)))
        (local.set $p_26 (f32x4.relaxed_madd $-0.008290313184261322 $r_22 $0.041897937655448914))
        (local.set $p_27 (f32x4.relaxed_madd $-0.008290313184261322 $r_23 $0.041897937655448914))
        (local.set $p_29 (f32x4.relaxed_madd $p_26 $r_22 $-0.1666763573884964))
        (local.set $p_30 (f32x4.relaxed_madd $p_27 $r_23 $-0.1666763573884964))
        (local.set $p_32 (f32x4.relaxed_madd $p_29 $r_22 $0.4999915063381195))
        (local.set $p_33 (f32x4.relaxed_madd $p_30 $r_23 $0.4999915063381195))
        (local.set $p_35 (f32x4.relaxed_madd $p_32 $r_22 $-0.9999997019767761))
        (local.set $p_36 (f32x4.relaxed_madd $p_33 $r_23 $-0.9999997019767761))
        (local.set $power_37 (i32x4.shl $sum_16 (i32.const 23)))
        (local.set $power_38 (i32x4.shl $sum_17 (i32.const 23)))
        (local.set $y_40 (f32x4.mul (f32x4.div $1 (f32x4.relaxed_madd (f32x4.relaxed_madd $r_22 $p_35 $1) $power_37 $1)) $x2))
        (local.set $y_41 (f32x4.mul (f32x4.div $1 (f32x4.relaxed_madd (f32x4.relaxed_madd $r_23 $p_36 $1) $power_38 $1)) $x2))
        (v128.store offset=16 $out0 $y_41)
        (v128.store $out0 $y_40)
        (local.set $in0 (i32.add $in0 (i32.const 32)))
        (local.set $in1 (i32.add $in1 (i32.const 32)))
        (local.set $out0 (i32.add $out0 (i32.const 32)))
        (local.set $x_42 (f32x4.pmax (f32x4.pmin (f32x4.add (v128.load32_zero $in0) (v128.load32_zero $in1)) $87) $-89))
        (local.set $sum_43 (f32x4.relaxed_nmadd $x_42 $1.4426950216293335 $12583039))
        (local.set $n_44 (f32x4.sub $sum_43 $12583039))
        (local.set $r_45 (f32x4.relaxed_madd $n_44 $-0.00021219444170128554 (f32x4.relaxed_madd $n_44 $0.693359375 $x_42)))
        (local.set $p_46 (f32x4.relaxed_madd $-0.008290313184261322 $r_45 $0.041897937655448914))
        (local.set $p_47 (f32x4.relaxed_madd $p_46 $r_45 $-0.1666763573884964))
        (local.set $p_48 (f32x4.relaxed_madd $p_47 $r_45 $0.4999915063381195))
        (local.set $p_49 (f32x4.relaxed_madd $p_48 $r_45 $-0.9999997019767761))
        (local.set $power_50 (i32x4.shl $sum_43 (i32.const 23)))
        (v128.store32_lane 0 $out0 (f32x4.mul (f32x4.div $1 (f32x4.relaxed_madd (f32x4.relaxed_madd $r_45 $p_49 $1) $power_50 $1)) $x2))
        (local.set $in0 (i32.add $in0 (i32.const 112)))
        (local.set $in1 (i32.add $in1 (i32.const -32)))
        (local.set $in2 (i32.add $in2 (i32.const 4)))
        (local.set $out0 (i32.add $out0 (i32.const 4)))
        (local.set $left (i32.add $left (i32.const -1)))
        (br_if 0 $left)
      )
    )"
  `);
});

/** out[j] = the sum of x[i, j] over 40 rows: short enough for one part. */
const columns: Loop = {
  kind: 'loop',
  buffers: [0, 1].map((index) => ({
    source: 'slot',
    index,
    access: index === 1 ? 'write' : 'read',
  })),
  shape: [8],
  over: [40],
  combine: 'sum',
  args: [{ slot: 0, buffer: 0, dtype: 'float32', offset: 0, strides: [1, 8] }],
  body: [arg(0)],
  outs: [{ slot: 1, buffer: 1, dtype: 'float32', offset: 0, strides: [1] }],
};

test('sums of columns', () => {
  expect(printed(columns, { relaxed: true, paired: true })).toMatchInlineSnapshot(`
    "(func $run (export "run") (param $b0 i32) (param $b1 i32)
      (local.set $-0 (v128.const 0 0 0 128 0 0 0 128 0 0 0 128 0 0 0 128))
      (local.set $in0 $b0)
      (local.set $out0 $b1)
      (local.set $terms_5 $-0)
      (local.set $terms_6 $-0)
      (local.set $left (i32.const 40))
      (loop
        (local.set $terms_5 (f32x4.add $terms_5 (v128.load $in0)))
        (local.set $terms_6 (f32x4.add $terms_6 (v128.load offset=16 $in0)))
        (local.set $in0 (i32.add $in0 (i32.const 32)))
        (local.set $left (i32.add $left (i32.const -1)))
        (br_if 0 $left)
      )
      (v128.store offset=16 $out0 $terms_6)
      (v128.store $out0 $terms_5)
      (local.set $in0 (i32.add $in0 (i32.const -1280)))
      (local.set $in0 (i32.add $in0 (i32.const 32)))
      (local.set $out0 (i32.add $out0 (i32.const 32)))
    )"
  `);
});
