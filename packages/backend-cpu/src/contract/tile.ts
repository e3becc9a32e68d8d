/**
 * The inner product of the matrix product: 4 rows by 4 columns held in local variables. Knows packed panels; knows no
 * shapes. Measured on Node 24 (x86-64): 4x4 with panels of doubles runs at 5.5 GFLOP/s, the most that scalar
 * instructions allow; panels of float32 at 5.1 (each load converts); 8x4 at 4.7 (accumulators leave the registers);
 * rounding to float32 with Math.fround at 2.5.
 */

export const tileSize = 4;

/** Panels hold 4 values for each step of the depth. The 16 sums are stored in `tile` from `t` on, or added there. */
export function multiplyTile(
  a: Float64Array,
  p: number,
  b: Float64Array,
  q: number,
  depth: number,
  tile: Float64Array,
  t: number,
  add: boolean,
): void {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  let s23 = 0;
  let s30 = 0;
  let s31 = 0;
  let s32 = 0;
  let s33 = 0;
  for (let k = 0; k < depth; k++) {
    const b0 = b[q] as number;
    const b1 = b[q + 1] as number;
    const b2 = b[q + 2] as number;
    const b3 = b[q + 3] as number;
    const a0 = a[p] as number;
    s00 += a0 * b0;
    s01 += a0 * b1;
    s02 += a0 * b2;
    s03 += a0 * b3;
    const a1 = a[p + 1] as number;
    s10 += a1 * b0;
    s11 += a1 * b1;
    s12 += a1 * b2;
    s13 += a1 * b3;
    const a2 = a[p + 2] as number;
    s20 += a2 * b0;
    s21 += a2 * b1;
    s22 += a2 * b2;
    s23 += a2 * b3;
    const a3 = a[p + 3] as number;
    s30 += a3 * b0;
    s31 += a3 * b1;
    s32 += a3 * b2;
    s33 += a3 * b3;
    p += 4;
    q += 4;
  }
  if (add) {
    s00 += tile[t] as number;
    s01 += tile[t + 1] as number;
    s02 += tile[t + 2] as number;
    s03 += tile[t + 3] as number;
    s10 += tile[t + 4] as number;
    s11 += tile[t + 5] as number;
    s12 += tile[t + 6] as number;
    s13 += tile[t + 7] as number;
    s20 += tile[t + 8] as number;
    s21 += tile[t + 9] as number;
    s22 += tile[t + 10] as number;
    s23 += tile[t + 11] as number;
    s30 += tile[t + 12] as number;
    s31 += tile[t + 13] as number;
    s32 += tile[t + 14] as number;
    s33 += tile[t + 15] as number;
  }
  tile[t] = s00;
  tile[t + 1] = s01;
  tile[t + 2] = s02;
  tile[t + 3] = s03;
  tile[t + 4] = s10;
  tile[t + 5] = s11;
  tile[t + 6] = s12;
  tile[t + 7] = s13;
  tile[t + 8] = s20;
  tile[t + 9] = s21;
  tile[t + 10] = s22;
  tile[t + 11] = s23;
  tile[t + 12] = s30;
  tile[t + 13] = s31;
  tile[t + 14] = s32;
  tile[t + 15] = s33;
}

/** Packs 4 indices of one side, from `first` on, times the depth from `from` on; zeros where the side ends. */
export function packPanel(
  panel: Float64Array,
  at: number,
  x: Float32Array,
  base: number,
  side: Int32Array,
  first: number,
  depths: Int32Array,
  from: number,
  to: number,
): void {
  if (first + 4 > side.length) {
    packPartialPanel(panel, at, x, base, side, first, depths, from, to);
    return;
  }
  const p0 = base + (side[first] as number);
  const p1 = base + (side[first + 1] as number);
  const p2 = base + (side[first + 2] as number);
  const p3 = base + (side[first + 3] as number);
  for (let k = from; k < to; k++) {
    const d = depths[k] as number;
    panel[at] = x[p0 + d] as number;
    panel[at + 1] = x[p1 + d] as number;
    panel[at + 2] = x[p2 + d] as number;
    panel[at + 3] = x[p3 + d] as number;
    at += 4;
  }
}

function packPartialPanel(
  panel: Float64Array,
  at: number,
  x: Float32Array,
  base: number,
  side: Int32Array,
  first: number,
  depths: Int32Array,
  from: number,
  to: number,
): void {
  const have = side.length - first;
  for (let k = from; k < to; k++) {
    const d = base + (depths[k] as number);
    for (let i = 0; i < 4; i++)
      panel[at + i] = i < have ? (x[d + (side[first + i] as number)] as number) : 0;
    at += 4;
  }
}

/** Rounds a tile into the out, as far as the matrix reaches. */
export function writeTile(
  tile: Float64Array,
  t: number,
  out: Float32Array,
  base: number,
  rows: Int32Array,
  row: number,
  columns: Int32Array,
  column: number,
): void {
  const height = Math.min(4, rows.length - row);
  const width = Math.min(4, columns.length - column);
  if (width < 4) {
    for (let i = 0; i < height; i++)
      for (let j = 0; j < width; j++)
        out[base + (rows[row + i] as number) + (columns[column + j] as number)] = tile[
          t + i * 4 + j
        ] as number;
    return;
  }
  const c0 = base + (columns[column] as number);
  const c1 = base + (columns[column + 1] as number);
  const c2 = base + (columns[column + 2] as number);
  const c3 = base + (columns[column + 3] as number);
  for (let i = 0; i < height; i++) {
    const r = rows[row + i] as number;
    out[c0 + r] = tile[t] as number;
    out[c1 + r] = tile[t + 1] as number;
    out[c2 + r] = tile[t + 2] as number;
    out[c3 + r] = tile[t + 3] as number;
    t += 4;
  }
}
