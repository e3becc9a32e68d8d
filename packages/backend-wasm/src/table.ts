/**
 * Rows picked from a table, and rows added into one. Knows windows; knows no expression. Elements are moved as words,
 * whatever they mean. An index is compared unsigned, so that a negative one is out of range like one too large.
 */
import type { Gather, Operand, Scatter } from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from './assembler/function.ts';
import { i32, type Value, v128 } from './assembler/instructions.ts';

export function emitGather(
  f: FunctionBuilder,
  instr: Gather,
  buffers: readonly Local<'i32'>[],
): void {
  const { rows, shape, args, outs } = instr;
  const [table, index] = args;
  const [out] = outs;
  const [n, d] = shape;
  const first = f.let('table', start(f, table, buffers));
  const at = f.let('index', start(f, index, buffers));
  const to = f.let('out', start(f, out, buffers));
  const from = f.local('i32', 'from');
  const row = f.local('i32', 'row');
  f.times(n, () => {
    f.set(row, i32.load(f.get(at)));
    f.if(
      i32.op('lt_u', f.get(row), i32.const(rows)),
      () => {
        f.set(from, i32.add(f.get(first), i32.mul(f.get(row), 4 * stride(table, 0))));
        const source = { address: from, step: stride(table, 1) };
        elements(f, d, [{ address: to, step: stride(out, 1) }, source], (x) => x.load(1));
      },
      () => elements(f, d, [{ address: to, step: stride(out, 1) }], (x) => x.zero),
    );
    f.advance(at, 4 * stride(index, 0));
    f.advance(to, 4 * stride(out, 0));
  });
}

export function emitScatter(
  f: FunctionBuilder,
  instr: Scatter,
  buffers: readonly Local<'i32'>[],
): void {
  const { rows, shape, args, outs } = instr;
  const [x, index] = args;
  const [out] = outs;
  const [n, d] = shape;
  const float = out.dtype === 'float32';
  const first = f.let('out', start(f, out, buffers));
  const at = f.let('index', start(f, index, buffers));
  const from = f.let('x', start(f, x, buffers));
  const to = f.let('to', f.get(first));
  const row = f.local('i32', 'row');
  const target = { address: to, step: stride(out, 1) };
  f.times(rows, () => {
    elements(f, d, [target], (e) => e.zero);
    f.advance(to, 4 * stride(out, 0));
  });
  f.times(n, () => {
    f.set(row, i32.load(f.get(at)));
    f.if(i32.op('lt_u', f.get(row), i32.const(rows)), () => {
      f.set(to, i32.add(f.get(first), i32.mul(f.get(row), 4 * stride(out, 0))));
      elements(f, d, [target, { address: from, step: stride(x, 1) }], (e) =>
        float ? v128.f32x4('add', e.load(0), e.load(1)) : v128.i32x4('add', e.load(0), e.load(1)),
      );
    });
    f.advance(at, 4 * stride(index, 0));
    f.advance(from, 4 * stride(x, 0));
  });
}

const stride = (o: Operand, axis: number): number => o.strides[axis] as number;

const start = (f: FunctionBuilder, o: Operand, buffers: readonly Local<'i32'>[]): Value<'i32'> =>
  i32.add(f.get(buffers[o.buffer] as Local<'i32'>), 4 * o.offset);

/** A row of elements. */
interface Row {
  readonly address: Local<'i32'>;
  /** Elements from one to the next. */
  readonly step: number;
}

/** One or four elements: read from the k-th row, or zeros. */
interface Elements {
  load(k: number): Value<'v128'>;
  readonly zero: Value<'v128'>;
}

/** The first of `rows` becomes `value` of them, four elements at a time where all are dense, else one by one. */
function elements(
  f: FunctionBuilder,
  d: number,
  rows: readonly Row[],
  value: (e: Elements) => Value<'v128'>,
): void {
  const dense = rows.every((r) => r.step === 1);
  const vectors = dense ? Math.floor(d / 4) : 0;
  const unrolled = 4;
  const cursors = rows.map((r) => f.let('at', f.get(r.address)));
  const put = (width: 1 | 4, k: number): void => {
    const place = (row: number): [Value<'i32'>, number] => {
      const bytes = 4 * width * k * (rows[row] as Row).step;
      const cursor = f.get(cursors[row] as Local<'i32'>);
      return bytes < 0 ? [i32.add(cursor, bytes), 0] : [cursor, bytes];
    };
    const [address, offset] = place(0);
    const out = value({
      load: (row) => (width === 4 ? v128.load(...place(row)) : v128.loadZero(...one(place(row)))),
      zero: v128.constI32(0),
    });
    if (width === 4) f.store('v128.store', address, out, offset);
    else f.do('v128.store32_lane', [address, out], [offset, 0]);
  };
  const run = (width: 1 | 4, n: number): void => {
    const several = (count: number): void => {
      for (let k = 0; k < count; k++) put(width, k);
      cursors.forEach((c, row) => {
        f.advance(c, 4 * width * count * (rows[row] as Row).step);
      });
    };
    f.times(Math.floor(n / unrolled), () => several(unrolled));
    if (n % unrolled > 0) several(n % unrolled);
  };
  run(4, vectors);
  run(1, d - 4 * vectors);
}

const one = ([address, offset]: [Value<'i32'>, number]): [Value<'i32'>, 1, number] => [
  address,
  1,
  offset,
];
