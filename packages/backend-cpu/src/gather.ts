/**
 * Rows picked from a table, and rows added into one. Knows windows and element types; knows no tape. Elements are
 * moved as 32-bit words, whatever they mean; an index is read as int32, in which a uint32 too large for any table is
 * negative: out of range either way.
 */
import type { Gather, Launch, Operand, Ref, Scatter } from '@ostinato/core/backend';
import type { CpuBuffer } from './memory.ts';

const start = (o: Operand, refs: readonly Ref<CpuBuffer>[]): number =>
  (refs[o.buffer] as Ref<CpuBuffer>).offset / 4 + o.offset;

const viewsOf = (o: Operand, refs: readonly Ref<CpuBuffer>[]): CpuBuffer['views'] =>
  (refs[o.buffer] as Ref<CpuBuffer>).buffer.views;

export function gatherKernel({ rows, shape, args, outs }: Gather): Launch<CpuBuffer> {
  const [table, index] = args;
  const [out] = outs;
  const [n, d] = shape;
  const [tableRow, tableColumn] = table.strides as [number, number];
  const [indexStep] = index.strides as [number];
  const [outRow, outColumn] = out.strides as [number, number];
  return (refs) => {
    const from = viewsOf(table, refs).int32;
    const to = viewsOf(out, refs).int32;
    const numbers = viewsOf(index, refs).int32;
    const first = start(table, refs);
    let at = start(index, refs);
    let p = start(out, refs);
    for (let i = 0; i < n; i++) {
      const row = numbers[at] as number;
      if (row >= 0 && row < rows)
        copyRow(to, p, outColumn, from, first + row * tableRow, tableColumn, d);
      else clearRow(to, p, outColumn, d);
      at += indexStep;
      p += outRow;
    }
  };
}

export function scatterKernel({ rows, shape, args, outs }: Scatter): Launch<CpuBuffer> {
  const [x, index] = args;
  const [out] = outs;
  const [n, d] = shape;
  const [xRow, xColumn] = x.strides as [number, number];
  const [indexStep] = index.strides as [number];
  const [outRow, outColumn] = out.strides as [number, number];
  const dense = outColumn === 1 && outRow === d;
  const floats = out.dtype === 'float32';
  return (refs) => {
    const to = viewsOf(out, refs);
    const from = viewsOf(x, refs);
    const numbers = viewsOf(index, refs).int32;
    const first = start(out, refs);
    if (dense) to.int32.fill(0, first, first + rows * d);
    else for (let r = 0; r < rows; r++) clearRow(to.int32, first + r * outRow, outColumn, d);
    let at = start(index, refs);
    let q = start(x, refs);
    for (let i = 0; i < n; i++) {
      const row = numbers[at] as number;
      const p = first + row * outRow;
      if (row >= 0 && row < rows) {
        if (floats) addFloats(to.float32, p, outColumn, from.float32, q, xColumn, d);
        else addWords(to.int32, p, outColumn, from.int32, q, xColumn, d);
      }
      at += indexStep;
      q += xRow;
    }
  };
}

type Row<A> = (
  ...args: [y: A, p: number, dp: number, a: A, q: number, dq: number, n: number]
) => void;

const copyRow: Row<Int32Array> = (y, p, dp, a, q, dq, n) => {
  if (dp === 1 && dq === 1) {
    for (let i = 0; i < n; i++) y[p + i] = a[q + i] as number;
    return;
  }
  for (let i = 0; i < n; i++) y[p + i * dp] = a[q + i * dq] as number;
};

const addFloats: Row<Float32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = (y[p] as number) + (a[q] as number);
    p += dp;
    q += dq;
  }
};

const addWords: Row<Int32Array> = (y, p, dp, a, q, dq, n) => {
  for (let i = 0; i < n; i++) {
    y[p] = ((y[p] as number) + (a[q] as number)) | 0;
    p += dp;
    q += dq;
  }
};

function clearRow(y: Int32Array, p: number, dp: number, n: number): void {
  if (dp === 1) y.fill(0, p, p + n);
  else for (let i = 0; i < n; i++) y[p + i * dp] = 0;
}
