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
    "(func $run (param $b0 i32) (param $b1 i32) (param $b2 i32) (param $b3 i32)
      (local.set $30 (v128.const 0 0 240 65 0 0 240 65 0 0 240 65 0 0 240 65))
      (local.set $-88 (v128.const 0 0 176 194 0 0 176 194 0 0 176 194 0 0 176 194))
      (local.set $1.4426950216293335 (v128.const 59 170 184 63 59 170 184 63 59 170 184 63 59 170 184 63))
      (local.set $12583039 (v128.const 127 0 64 75 127 0 64 75 127 0 64 75 127 0 64 75))
      (local.set $0.6931471824645996 (v128.const 24 114 49 63 24 114 49 63 24 114 49 63 24 114 49 63))
      (local.set $60.0771598815918 (v128.const 3 79 112 66 3 79 112 66 3 79 112 66 3 79 112 66))
      (local.set $12.012849807739258 (v128.const 162 52 64 65 162 52 64 65 162 52 64 65 162 52 64 65))
      (local.set $120.1543197631836 (v128.const 3 79 240 66 3 79 240 66 3 79 240 66 3 79 240 66))
      (local.set $in0 $b0)
      (local.set $in1 (i32.add $b1 (i32.const 36)))
      (local.set $in2 $b2)
      (local.set $out0 $b3)
      (local.set $left (i32.const 5))
      (loop
        (local.set $x2 (v128.load32_splat $in2))
        (local.set $x_12 (f32x4.pmax (f32x4.pmin (f32x4.add (v128.load $in0) (v128.load $in1)) $30) $-88))
        (local.set $x_13 (f32x4.pmax (f32x4.pmin (f32x4.add (v128.load offset=16 $in0) (v128.load offset=16 $in1)) $30) $-88))
        (local.set $sum_16 (f32x4.relaxed_madd $x_12 $1.4426950216293335 $12583039))
        (local.set $sum_17 (f32x4.relaxed_madd $x_13 $1.4426950216293335 $12583039))
        (local.set $n_18 (f32x4.sub $sum_16 $12583039))
        (local.set $n_19 (f32x4.sub $sum_17 $12583039))
        (local.set $r_21 (f32x4.relaxed_nmadd $n_18 $0.6931471824645996 $x_12))
        (local.set $r_22 (f32x4.relaxed_nmadd $n_19 $0.6931471824645996 $x_13))
        (local.set $rr_23 (f32x4.mul $r_21 $r_21))
        (local.set $rr_24 (f32x4.mul $r_22 $r_22))
        (local.set $odd_26 (f32x4.mul $r_21 (f32x4.add $rr_23 $60.0771598815918)))
        (local.set $odd_27 (f32x4.mul $r_22 (f32x4.add $rr_24 $60.0771598815918)))
        (local.set $even_30 (f32x4.relaxed_madd $rr_23 $12.012849807739258 $120.1543197631836))
        (local.set $even_31 (f32x4.relaxed_madd $rr_24 $12.012849807739258 $120.1543197631836))
        (local.set $up_32 (f32x4.mul (i32x4.shl $sum_16 (i32.const 23)) (f32x4.add $even_30 $odd_26)))
        (local.set $up_33 (f32x4.mul (i32x4.shl $sum_17 (i32.const 23)) (f32x4.add $even_31 $odd_27)))
        (local.set $y_34 (f32x4.mul (f32x4.div $up_32 (f32x4.add $up_32 (f32x4.sub $even_30 $odd_26))) $x2))
        (local.set $y_35 (f32x4.mul (f32x4.div $up_33 (f32x4.add $up_33 (f32x4.sub $even_31 $odd_27))) $x2))
        (v128.store offset=16 $out0 $y_35)
        (v128.store $out0 $y_34)
        (local.set $in0 (i32.add $in0 (i32.const 32)))
        (local.set $in1 (i32.add $in1 (i32.const 32)))
        (local.set $out0 (i32.add $out0 (i32.const 32)))
        (local.set $x_36 (f32x4.pmax (f32x4.pmin (f32x4.add (v128.load32_zero $in0) (v128.load32_zero $in1)) $30) $-88))
        (local.set $sum_37 (f32x4.relaxed_madd $x_36 $1.4426950216293335 $12583039))
        (local.set $n_38 (f32x4.sub $sum_37 $12583039))
        (local.set $r_39 (f32x4.relaxed_nmadd $n_38 $0.6931471824645996 $x_36))
        (local.set $rr_40 (f32x4.mul $r_39 $r_39))
        (local.set $odd_41 (f32x4.mul $r_39 (f32x4.add $rr_40 $60.0771598815918)))
        (local.set $even_42 (f32x4.relaxed_madd $rr_40 $12.012849807739258 $120.1543197631836))
        (local.set $up_43 (f32x4.mul (i32x4.shl $sum_37 (i32.const 23)) (f32x4.add $even_42 $odd_41)))
        (v128.store32_lane 0 $out0 (f32x4.mul (f32x4.div $up_43 (f32x4.add $up_43 (f32x4.sub $even_42 $odd_41))) $x2))
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
    "(func $run (param $b0 i32) (param $b1 i32)
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
