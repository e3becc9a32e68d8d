/** Instructions on lanes of 64 bits, which few kernels need: see codes.ts for what the numbers are. */
export const doubles = {
  i32x4: [[0xfc, 'trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero']],
  i64x2: [
    [0xcb, 'shl shr_s shr_u add'],
    [0xd1, 'sub'],
  ],
  f32x4: [[0x5e, 'demote_f64x2_zero']],
  f64x2: [
    [0x49, 'lt gt le'],
    [0x5f, 'promote_low_f32x4'],
    [0x7a, 'trunc'],
    [0x94, 'nearest'],
    [0xec, 'abs'],
    [0xf0, 'add sub mul div min max pmin pmax'],
    [0xfe, 'convert_low_i32x4_s convert_low_i32x4_u'],
  ],
} as const;
