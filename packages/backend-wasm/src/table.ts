/**
 * Rows picked from a table, and rows added into one. Knows windows; knows no expression. Threads share the rows to pick, but
 * of rows to add each takes some columns: so every sum is one thread's, in order. Elements are moved as words, whatever
 * they mean. An index is compared unsigned, so that a negative one is out of range like one too large.
 */
import type { Gather, Operand, Scatter } from '@ostinato/core/backend';
import type { FunctionBuilder, Local } from './assembler/function.ts';
import { i32, type Value, v128 } from './assembler/instructions.ts';

/** Which parts a function does, known when it runs. */
export interface Parts {
  readonly first: Local<'i32'>;
  readonly count: Local<'i32'>;
}

/** Parts are rows. */
export function emitGather(
  f: FunctionBuilder,
  instr: Gather,
  buffers: readonly Local<'i32'>[],
  parts?: Parts,
): void {
  const { rows, shape, args, outs } = instr;
  const [table, index] = args;
  const [out] = outs;
  const [n, d] = shape;
  const part = (o: Operand): Value<'i32'> => {
    const from = start(f, o, buffers);
    return parts ? i32.add(from, i32.mul(f.get(parts.first), 4 * stride(o, 0))) : from;
  };
  const first = f.let('table', start(f, table, buffers));
  const at = f.let('index', part(index));
  const to = f.let('out', part(out));
  const from = f.local('i32', 'from');
  const row = f.local('i32', 'row');
  repeat(f, parts ? parts.count : n, () => {
    f.set(row, i32.load(f.get(at)));
    f.if(
      i32.op('lt_u', f.get(row), i32.const(rows)),
      () => {
        f.set(from, i32.add(f.get(first), i32.mul(f.get(row), 4 * stride(table, 0))));
        const source = { address: from, step: stride(table, 1) };
        elements(f, { d }, [{ address: to, step: stride(out, 1) }, source], (x) => x.load(1));
      },
      () => elements(f, { d }, [{ address: to, step: stride(out, 1) }], (x) => x.zero),
    );
    f.advance(at, 4 * stride(index, 0));
    f.advance(to, 4 * stride(out, 0));
  });
}

/** Parts are runs of columns, the last of them shorter, if there are several; else there is one part. */
export const scatterParts = ({ shape: [, d], args, outs }: Scatter): number =>
  stride(args[0], 1) === 1 && stride(outs[0], 1) === 1 ? Math.ceil(d / run) : 1;

export function emitScatter(
  f: FunctionBuilder,
  instr: Scatter,
  buffers: readonly Local<'i32'>[],
  parts?: Parts,
): void {
  const { rows, shape, args, outs } = instr;
  const [x, index] = args;
  const [out] = outs;
  const [n, d] = shape;
  const float = out.dtype === 'float32';
  const columns = { d, parts: parts && partsOfRow(f, d, parts) };
  const part = (o: Operand): Value<'i32'> => {
    const from = start(f, o, buffers);
    return parts ? i32.add(from, i32.mul(f.get(parts.first), 4 * run)) : from;
  };
  const first = f.let('out', part(out));
  const at = f.let('index', start(f, index, buffers));
  const from = f.let('x', part(x));
  const to = f.let('to', f.get(first));
  const row = f.local('i32', 'row');
  const target = { address: to, step: stride(out, 1) };
  const all = (): void => {
    f.times(rows, () => {
      elements(f, columns, [target], (e) => e.zero);
      f.advance(to, 4 * stride(out, 0));
    });
    f.times(n, () => {
      f.set(row, i32.load(f.get(at)));
      f.if(i32.op('lt_u', f.get(row), i32.const(rows)), () => {
        f.set(to, i32.add(f.get(first), i32.mul(f.get(row), 4 * stride(out, 0))));
        elements(f, columns, [target, { address: from, step: stride(x, 1) }], (e) =>
          float ? v128.f32x4('add', e.load(0), e.load(1)) : v128.i32x4('add', e.load(0), e.load(1)),
        );
      });
      f.advance(at, 4 * stride(index, 0));
      f.advance(from, 4 * stride(x, 0));
    });
  };
  if (parts) f.if(f.get(parts.count), all);
  else all();
}

/** Columns of a part: a line of the cache, so that no two threads write to one where rows begin on lines. */
const run = 16;

/** Of some parts of a row: how many are whole runs, and whether the columns after those are among them. */
interface SomeOfRow {
  readonly whole: Local<'i32'>;
  readonly rest: Local<'i32'>;
}

function partsOfRow(f: FunctionBuilder, d: number, { first, count }: Parts): SomeOfRow {
  const whole = Math.floor(d / run);
  const end = i32.add(f.get(first), f.get(count));
  const rest = f.let('rest', i32.op('gt_u', end, i32.const(whole)));
  return { whole: f.let('whole', i32.op('sub', f.get(count), f.get(rest))), rest };
}

/** A count that is known only when the code runs may be 0. */
function repeat(f: FunctionBuilder, n: number | Local<'i32'>, body: () => void): void {
  if (typeof n === 'number') f.times(n, body);
  else f.if(f.get(n), () => f.times(f.get(n), body));
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
  { d, parts }: { readonly d: number; readonly parts?: SomeOfRow | undefined },
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
  const several = (width: 1 | 4, count: number): void => {
    for (let k = 0; k < count; k++) put(width, k);
    cursors.forEach((c, row) => {
      f.advance(c, 4 * width * count * (rows[row] as Row).step);
    });
  };
  const all = (width: 1 | 4, n: number): void => {
    f.times(Math.floor(n / unrolled), () => several(width, unrolled));
    if (n % unrolled > 0) several(width, n % unrolled);
  };
  if (!parts) {
    all(4, vectors);
    all(1, d - 4 * vectors);
    return;
  }
  repeat(f, parts.whole, () => several(4, run / 4));
  if (d % run > 0)
    f.if(f.get(parts.rest), () => {
      all(4, Math.floor((d % run) / 4));
      all(1, d % 4);
    });
}

const one = ([address, offset]: [Value<'i32'>, number]): [Value<'i32'>, 1, number] => [
  address,
  1,
  offset,
];
