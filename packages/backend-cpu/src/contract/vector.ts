/**
 * Products with few rows, without packing: each element of the matrix is read once per row. Knows single strides on
 * both axes of the matrix.
 */
import type { Workspace } from '../workspace.ts';
import type { Multiply } from './matrix.ts';
import type { MatrixProduct } from './plan.ts';

/** Columns whose sums stay in the first cache. */
const columnBlock = 1024;

/** Null where an axis of the matrix is not one stride. */
export function vectorKernel(
  { rows, columns, depth }: MatrixProduct,
  workspace: Workspace,
): Multiply | null {
  if (!columns.strides || !depth.strides) return null;
  const [, columnStride, outStride] = columns.strides;
  const [depthA, depthB] = depth.strides;
  const [rowsA, , rowsOut] = rows.offsets;
  const vector = workspace.doubles(0, depth.size + 3);
  const sums = workspace.doubles(1, columnBlock);
  const alongColumns = Math.abs(columnStride) <= Math.abs(depthB);
  return (a, p, b, q, out, r) => {
    const x = vector();
    const y = sums();
    for (let row = 0; row < rows.size; row++) {
      const from = p + (rowsA[row] as number);
      for (let k = 0; k < depth.size; k++) x[k] = a[from + k * depthA] as number;
      const to = r + (rowsOut[row] as number);
      if (!alongColumns) {
        dots(x, depth.size, b, q, depthB, columnStride, columns.size, out, to, outStride);
        continue;
      }
      for (let first = 0; first < columns.size; first += columnBlock) {
        const n = Math.min(columnBlock, columns.size - first);
        y.fill(0, 0, n);
        let k = 0;
        let at = q + first * columnStride;
        for (; k + 4 <= depth.size; k += 4, at += 4 * depthB)
          addFourRows(y, x, k, b, at, depthB, columnStride, n);
        for (; k < depth.size; k++, at += depthB) addRow(y, x[k] as number, b, at, columnStride, n);
        for (let j = 0; j < n; j++) out[to + (first + j) * outStride] = y[j] as number;
      }
    }
  };
}

/** y[j] += x[k] b[k, j] + ... + x[k + 3] b[k + 3, j] */
function addFourRows(
  y: Float64Array,
  x: Float64Array,
  k: number,
  b: Float32Array,
  at: number,
  rowStride: number,
  columnStride: number,
  n: number,
): void {
  const x0 = x[k] as number;
  const x1 = x[k + 1] as number;
  const x2 = x[k + 2] as number;
  const x3 = x[k + 3] as number;
  let p0 = at;
  let p1 = at + rowStride;
  let p2 = p1 + rowStride;
  let p3 = p2 + rowStride;
  for (let j = 0; j < n; j++) {
    y[j] =
      (y[j] as number) +
      (x0 * (b[p0] as number) + x1 * (b[p1] as number)) +
      (x2 * (b[p2] as number) + x3 * (b[p3] as number));
    p0 += columnStride;
    p1 += columnStride;
    p2 += columnStride;
    p3 += columnStride;
  }
}

function addRow(
  y: Float64Array,
  x: number,
  b: Float32Array,
  at: number,
  columnStride: number,
  n: number,
): void {
  for (let j = 0; j < n; j++) {
    y[j] = (y[j] as number) + x * (b[at] as number);
    at += columnStride;
  }
}

/** Four columns side by side, each a sum along the depth. */
function dots(
  x: Float64Array,
  depth: number,
  b: Float32Array,
  q: number,
  depthStride: number,
  columnStride: number,
  columns: number,
  out: Float32Array,
  to: number,
  outStride: number,
): void {
  let j = 0;
  for (; j + 4 <= columns; j += 4) {
    let p0 = q + j * columnStride;
    let p1 = p0 + columnStride;
    let p2 = p1 + columnStride;
    let p3 = p2 + columnStride;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let k = 0; k < depth; k++) {
      const xk = x[k] as number;
      s0 += xk * (b[p0] as number);
      s1 += xk * (b[p1] as number);
      s2 += xk * (b[p2] as number);
      s3 += xk * (b[p3] as number);
      p0 += depthStride;
      p1 += depthStride;
      p2 += depthStride;
      p3 += depthStride;
    }
    out[to + j * outStride] = s0;
    out[to + (j + 1) * outStride] = s1;
    out[to + (j + 2) * outStride] = s2;
    out[to + (j + 3) * outStride] = s3;
  }
  for (; j < columns; j++) {
    let p = q + j * columnStride;
    let s = 0;
    for (let k = 0; k < depth; k++) {
      s += (x[k] as number) * (b[p] as number);
      p += depthStride;
    }
    out[to + j * outStride] = s;
  }
}
