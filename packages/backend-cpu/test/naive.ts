/** What instructions mean, point by point through `evalExpr`, and how a test runs them on the backend. Knows no kernel. */
import {
  type Contract,
  coerce,
  contractAsLoop,
  type DType,
  evalExpr,
  type Gather,
  type Instr,
  type Loop,
  type Operand,
  type Scatter,
  viewOf,
} from '@ostinato/core/backend';
import { cpu } from '../src/index.ts';

type Kernel = Exclude<Instr, { kind: 'scan' }>;
export type Data = Uint8Array<ArrayBuffer>[];

/** All places of a shape in row-major order. */
export function points(shape: readonly number[]): number[][] {
  let out: number[][] = [[]];
  for (const n of shape) out = out.flatMap((p) => Array.from({ length: n }, (_, i) => [...p, i]));
  return out;
}

const dot = (index: readonly number[], strides: readonly number[]): number =>
  index.reduce((sum, i, k) => sum + i * (strides[k] as number), 0);

export const element = (data: Data, o: Operand, index: readonly number[]): number =>
  viewOf(o.dtype, (data[o.buffer] as Uint8Array<ArrayBuffer>).buffer)[
    o.offset + dot(index, o.strides)
  ] as number;

function store(data: Data, o: Operand, index: readonly number[], value: number): void {
  viewOf(o.dtype, (data[o.buffer] as Uint8Array<ArrayBuffer>).buffer)[
    o.offset + dot(index, o.strides)
  ] = coerce[o.dtype](value);
}

const combiners = {
  sum: (a: number, b: number): number => a + b,
  max: (a: number, b: number): number => Math.max(a, b),
  min: (a: number, b: number): number => Math.min(a, b),
};

export function naiveLoop(loop: Loop, data: Data): void {
  const types = loop.args.map((a): DType => a.dtype);
  for (const i of points(loop.shape)) {
    const totals: number[] = [];
    for (const j of points(loop.over)) {
      const index = [...i, ...j];
      const args = loop.args.map((a) => element(data, a, index));
      loop.body.forEach((body, k) => {
        const x = evalExpr(body, { args, types, index });
        const total = totals[k];
        totals[k] = total === undefined ? x : combiners[loop.combine](total, x);
      });
    }
    totals.forEach((total, k) => {
      store(data, loop.outs[k] as Operand, i, total);
    });
  }
}

function naiveContract(i: Contract, data: Data): void {
  // In double precision: the loop that it means would round each product.
  const loop = contractAsLoop(i);
  for (const out of points(loop.shape)) {
    let sum = 0;
    for (const j of points(loop.over)) {
      const index = [...out, ...j];
      sum += element(data, i.args[0], index) * element(data, i.args[1], index);
    }
    store(data, i.outs[0], out, sum);
  }
}

function naiveGather({ rows, shape, args, outs }: Gather, data: Data): void {
  for (const [i, d] of points(shape) as [number, number][]) {
    const row = element(data, args[1], [i]);
    const inside = row >= 0 && row < rows;
    store(data, outs[0], [i, d], inside ? element(data, args[0], [row, d]) : 0);
  }
}

function naiveScatter({ rows, shape, args, outs }: Scatter, data: Data): void {
  for (const p of points([rows, shape[1]])) store(data, outs[0], p, 0);
  for (const [i, d] of points(shape) as [number, number][]) {
    const row = element(data, args[1], [i]);
    if (row < 0 || row >= rows) continue;
    const sum = element(data, outs[0], [row, d]) + element(data, args[0], [i, d]);
    store(data, outs[0], [row, d], sum);
  }
}

export function naive(instr: Kernel, given: Data): Data {
  const data = given.map((d) => d.slice());
  if (instr.kind === 'loop') naiveLoop(instr, data);
  else if (instr.kind === 'contract') naiveContract(instr, data);
  else if (instr.kind === 'gather') naiveGather(instr, data);
  else naiveScatter(instr, data);
  return data;
}

/** Runs one instruction twice on buffers that hold `given`, each after some bytes that must stay as they are. */
export async function onCpu(instr: Kernel, given: Data): Promise<Data> {
  const backend = cpu();
  const slots = given.map((d, k) => ({
    dtype: 'int32' as const,
    size: d.length / 4,
    label: `b${k}`,
  }));
  const all = slots.map((_, k) => k);
  const written = all.filter((k) => instr.buffers[k]?.access !== 'read');
  const executable = await backend.compile({
    slots,
    inputs: all,
    outputs: written,
    scratch: [],
    code: [instr],
  });
  const pad = 16;
  let out: Data = [];
  for (let run = 0; run < 2; run++) {
    const refs = given.map((d) => {
      const buffer = backend.alloc(d.length + 2 * pad);
      backend.write(buffer, new Uint8Array(d.length + 2 * pad).fill(77));
      backend.write(buffer, d, pad);
      return { buffer, offset: pad };
    });
    executable.run(
      refs,
      written.map((k) => refs[k] as (typeof refs)[number]),
    );
    out = [];
    for (const { buffer } of refs) {
      const bytes = await backend.read(buffer);
      const edges = [...bytes.slice(0, pad), ...bytes.slice(-pad)];
      if (edges.some((b) => b !== 77)) throw new Error('wrote outside the window');
      out.push(bytes.slice(pad, -pad) as Uint8Array<ArrayBuffer>);
      backend.free(buffer);
    }
  }
  return out;
}

export const bytesOf = (x: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(x.buffer, x.byteOffset, x.byteLength).slice();

/** How far two float32 buffers differ: relative to the larger of 1 and their size. NaN equals NaN. */
export function worstDifference(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): number {
  const x = new Float32Array(a.buffer);
  const y = new Float32Array(b.buffer);
  return x.reduce((worst, p, i) => {
    const q = y[i] as number;
    if (Object.is(p, q) || p === q) return worst;
    const d = Math.abs(p - q) / Math.max(1, Math.abs(q));
    return Number.isNaN(d) ? Number.POSITIVE_INFINITY : Math.max(worst, d);
  }, 0);
}
