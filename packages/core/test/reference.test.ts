import { describe, expect, test } from 'vitest';
import {
  apply,
  arg,
  axisIndex,
  type Backend,
  bytesPerElement,
  cast,
  constant,
  type DType,
  type Expr,
  evalExpr,
  evaluator,
  type Program,
  programBuilder,
  reference,
  viewOf,
  window,
} from '../src/backend/index.ts';

/** Runs a program on arrays: one per input, and gives one array of numbers per output. */
async function run(
  backend: Backend<ArrayBuffer>,
  program: Program,
  inputs: readonly (readonly number[])[],
): Promise<number[][]> {
  const executable = await backend.compile(program);
  const refs = new Map(
    [...new Set([...program.inputs, ...program.outputs])].map((k) => {
      const { size, dtype } = program.slots[k] as Program['slots'][number];
      return [k, { buffer: backend.alloc(size * bytesPerElement[dtype]), offset: 0 }] as const;
    }),
  );
  const refOf = (k: number): { buffer: ArrayBuffer; offset: number } => refs.get(k) as never;
  program.inputs.forEach((k, i) => {
    const { dtype } = program.slots[k] as Program['slots'][number];
    const data = viewOf(
      dtype,
      new ArrayBuffer((inputs[i] as number[]).length * bytesPerElement[dtype]),
    );
    data.set(inputs[i] as number[]);
    backend.write(refOf(k).buffer, new Uint8Array(data.buffer));
  });
  executable.run(program.inputs.map(refOf), program.outputs.map(refOf));
  return Promise.all(
    program.outputs.map(async (k) => {
      const { size, dtype } = program.slots[k] as Program['slots'][number];
      const bytes = await backend.read(refOf(k).buffer, 0, size * bytesPerElement[dtype]);
      return [...viewOf(dtype, bytes.buffer)];
    }),
  );
}

describe('loops', () => {
  test('computes at the precision of its type', async () => {
    const third = (dtype: DType): Program => {
      const b = programBuilder();
      const y = b.output('y', dtype, 1);
      const body = [apply('div', constant(1, dtype), constant(3, dtype))];
      b.loop({ shape: [1], body, outs: [window(y, [1])] });
      return b.program();
    };
    expect(await run(reference(), third('float64'), [])).toEqual([[1 / 3]]);
    expect(await run(reference(), third('float32'), [])).toEqual([[Math.fround(1 / 3)]]);
    expect(await run(reference(), third('int32'), [])).toEqual([[0]]);
  });

  test('reads windows with offset, zero and negative strides', async () => {
    const b = programBuilder();
    const x = b.input('x', 'float32', 6);
    const y = b.output('y', 'float32', 6);
    const flipped = window(x, [-3, 0], 4);
    const body = [apply('add', arg(0), cast('float32', axisIndex(1)))];
    b.loop({ shape: [2, 3], args: [flipped], body, outs: [window(y, [1, 2])] });
    const inputs = [[10, 20, 30, 40, 50, 60]];
    expect(await run(reference(), b.program(), inputs)).toEqual([[50, 20, 51, 21, 52, 22]]);
  });

  test('sums in float64', async () => {
    const b = programBuilder();
    const x = b.input('x', 'float32', 3);
    const y = b.output('y', 'float32', 2);
    const args = [window(x, [0, 1])];
    b.loop({ shape: [1], over: [3], args, body: [arg(0)], outs: [window(y, [1])] });
    const max = { shape: [1], over: [3], combine: 'max', args, body: [arg(0)] } as const;
    b.loop({ ...max, outs: [window(y, [1], 1)] });
    // In float32, 1e8 + 1 is 1e8.
    expect(await run(reference(), b.program(), [[1e8, 1, -1e8]])).toEqual([[1, 1e8]]);
    expect(await run(reference(), b.program(), [[Number.NaN, 1, 2]])).toEqual([
      [Number.NaN, Number.NaN],
    ]);
  });
});

describe('gather and scatter', () => {
  test('read 0 and drop where the index is out of range', async () => {
    const b = programBuilder();
    const [table, index] = [b.input('table', 'float32', 4), b.input('index', 'int32', 4)];
    const picked = b.output('picked', 'float32', 8);
    const spread = b.output('spread', 'float32', 4);
    const rows = window(table, [2, 1]);
    const ids = window(index, [1]);
    b.gather({ rows: 2, shape: [4, 2], args: [rows, ids], out: window(picked, [2, 1]) });
    const back = window(picked, [2, 1]);
    b.scatter({ rows: 2, shape: [4, 2], args: [back, ids], out: window(spread, [2, 1]) });
    const inputs = [
      [1, 2, 3, 4],
      [1, -1, 1, 2],
    ];
    expect(await run(reference(), b.program(), inputs)).toEqual([
      [3, 4, 0, 0, 3, 4, 0, 0],
      [0, 0, 6, 8],
    ]);
  });
});

/** h' = x + h / 2 over [T, 2], with the state before each step as y. */
function decay(length: number, reverse: boolean, donated: boolean): Program {
  const body = programBuilder();
  const h = body.input('h', 'float64', 2);
  const x = body.input('x', 'float64', 2);
  const next = body.output('next', 'float64', 2);
  const before = body.output('before', 'float64', 2);
  body.loop({
    shape: [2],
    args: [window(h, [1]), window(x, [1])],
    body: [apply('add', arg(1), apply('mul', arg(0), constant(0.5, 'float64'))), arg(0)],
    outs: [window(next, [1]), window(before, [1])],
  });
  const b = programBuilder();
  const init = donated ? b.donated('h', 'float64', 2) : b.input('h', 'float64', 2);
  const xs = b.input('xs', 'float64', 2 * length);
  const final = donated ? init : b.output('final', 'float64', 2);
  const ys = b.output('ys', 'float64', 2 * length);
  b.scan({
    length,
    reverse,
    body: body.program(),
    init: [window(init)],
    xs: [window(xs, [2])],
    finals: [window(final)],
    ys: [window(ys, [2])],
  });
  return b.program();
}

describe('scan', () => {
  const inputs = [
    [8, 0],
    [1, 10, 2, 20],
  ];
  test.each([false, true])('runs forward and in reverse, donated: %s', async (donated) => {
    expect(await run(reference(), decay(2, false, donated), inputs)).toEqual([
      [4.5, 25],
      [8, 0, 5, 10],
    ]);
    expect(await run(reference(), decay(2, true, donated), inputs)).toEqual([
      [4, 20],
      [6, 20, 8, 0],
    ]);
    const once = [
      [8, 0],
      [1, 10],
    ];
    expect(await run(reference(), decay(1, false, donated), once)).toEqual([
      [5, 10],
      [8, 0],
    ]);
  });
});

/** A whole LSTM layer: T=6, B=2, H=4, one product and one loop per step. */
function lstm(T: number, B: number, H: number): Program {
  const body = programBuilder();
  const u = body.input('u', 'float64', H * 4 * H);
  const h = body.input('h', 'float64', B * H);
  const c = body.input('c', 'float64', B * H);
  const x = body.input('x', 'float64', B * 4 * H);
  const [hNext, cNext] = [body.output('h', 'float64', B * H), body.output('c', 'float64', B * H)];
  const z = body.scratch('z', 'float64', B * 4 * H);
  const out = body.output('y', 'float64', B * H);
  body.contract({
    shape: [B, 4 * H],
    over: [H],
    args: [window(h, [H, 0, 1]), window(u, [0, 1, 4 * H])],
    out: window(z, [4 * H, 1]),
  });
  const gate = (k: number): Expr => apply('add', arg(2 * k), arg(2 * k + 1));
  const gates = [0, 1, 2, 3].flatMap((k) => [
    window(z, [4 * H, 1], k * H),
    window(x, [4 * H, 1], k * H),
  ]);
  const kept = apply('mul', apply('sigmoid', gate(0)), arg(8));
  const cell = apply('add', kept, apply('mul', apply('sigmoid', gate(1)), apply('tanh', gate(2))));
  const shown = apply('mul', apply('sigmoid', gate(3)), apply('tanh', cell));
  const outs = [hNext, cNext, out].map((k) => window(k, [H, 1]));
  body.loop({
    shape: [B, H],
    args: [...gates, window(c, [H, 1])],
    body: [shown, cell, shown],
    outs,
  });
  const b = programBuilder();
  const weights = b.input('u', 'float64', H * 4 * H);
  const [h0, c0] = [b.input('h0', 'float64', B * H), b.input('c0', 'float64', B * H)];
  const xs = b.input('xs', 'float64', T * B * 4 * H);
  const [hT, cT] = [b.scratch('hT', 'float64', B * H), b.scratch('cT', 'float64', B * H)];
  const ys = b.scratch('ys', 'float64', T * B * H);
  const loss = b.output('loss', 'float64', 1);
  b.scan({
    length: T,
    body: body.program({ arenas: 1 }),
    consts: [window(weights)],
    init: [window(h0), window(c0)],
    xs: [window(xs, [B * 4 * H])],
    finals: [window(hT), window(cT)],
    ys: [window(ys, [B * H])],
  });
  const args = [window(ys, [0, 1])];
  b.loop({
    shape: [1],
    over: [T * B * H],
    args,
    body: [apply('mul', arg(0), arg(0))],
    outs: [window(loss, [1])],
  });
  return b.program({ arenas: 1 });
}

test('an executable that ran 200 times gives what it gave at first', async () => {
  const [T, B, H] = [6, 2, 4];
  const backend = reference();
  const program = lstm(T, B, H);
  const some = (n: number): number[] => Array.from({ length: n }, (_, k) => Math.sin(k * 1.7));
  const executable = await backend.compile(program);
  const inputs = [H * 4 * H, B * H, B * H, T * B * 4 * H].map((n) => {
    const buffer = backend.alloc(8 * n);
    backend.write(buffer, new Uint8Array(new Float64Array(some(n)).buffer));
    return { buffer, offset: 0 };
  });
  const outputs = [{ buffer: backend.alloc(8), offset: 0 }];
  const loss = async (): Promise<number> => {
    executable.run(inputs, outputs);
    const bytes = await backend.read((outputs[0] as { buffer: ArrayBuffer }).buffer);
    return new Float64Array(bytes.buffer)[0] as number;
  };
  const first = await loss();
  expect(first).toBeGreaterThan(0);
  for (let k = 0; k < 200; k++) expect(await loss()).toBe(first);
});

describe('checks', () => {
  test('use after free, short and missing buffers', async () => {
    const backend = reference();
    const executable = await backend.compile(decay(1, false, true));
    const ref = (bytes: number) => ({ buffer: backend.alloc(bytes), offset: 0 });
    const [h, x, y] = [ref(16), ref(16), ref(16)];
    executable.run([h, x], [h, y]);
    expect(() => executable.run([h, x], [h])).toThrow('no ref for %2 ys');
    expect(() => executable.run([h, ref(8)], [h, y])).toThrow('%1 xs needs 16 bytes');
    backend.free(x.buffer);
    expect(() => executable.run([h, x], [h, y])).toThrow('was freed');
    expect(() => backend.free(x.buffer)).toThrow('freed');
  });

  test('memory is zero at first, and a read is a copy', async () => {
    const backend = reference();
    const buffer = backend.alloc(8);
    const before = await backend.read(buffer, 2, 3);
    backend.write(buffer, new Uint8Array([1, 2, 3]), 2);
    expect([...before]).toEqual([0, 0, 0]);
    expect([...(await backend.read(buffer, 2, 3))]).toEqual([1, 2, 3]);
  });
});

describe('expressions', () => {
  test('shared parts are evaluated once: 60 doublings end', () => {
    let x: Expr = arg(0);
    for (let k = 0; k < 60; k++) x = apply('mul', apply('add', x, x), constant(0.5));
    expect(evalExpr(x, { args: [3], types: ['float32'], index: [] })).toBe(3);
    expect([...evaluator([x, x], ['float32'])([3], [])]).toEqual([3, 3]);
  });

  test('the evaluator agrees with evalExpr', () => {
    const x = apply(
      'select',
      apply('less', cast('float32', axisIndex(0)), arg(0)),
      apply('tanh', arg(0)),
      cast('float32', apply('mul', arg(1), constant(3, 'int32'))),
    );
    const types: DType[] = ['float32', 'int32'];
    for (const args of [
      [1.5, 7],
      [-2.25, 2 ** 30],
    ])
      for (const index of [[0], [3]])
        expect(evaluator([x], types)(args, index)[0]).toBe(evalExpr(x, { args, types, index }));
  });

  test('NaN is true', () => {
    const x = cast('bool', constant(Number.NaN));
    expect(evalExpr(x, { args: [], types: [], index: [] })).toBe(1);
  });

  test('whole numbers have no -0, from whatever they come', () => {
    for (const dtype of ['int32', 'uint32'] as const) {
      const x = cast('float32', cast(dtype, arg(0)));
      for (const value of [-0, -0.5])
        expect(evalExpr(x, { args: [value], types: ['float32'], index: [] })).toBe(0);
    }
  });
});

test('sums of integers wrap however many terms there are', async () => {
  const terms = 4_200_001; // doubles would round their sum, 9.02e15
  for (const dtype of ['int32', 'uint32'] as const) {
    const b = programBuilder();
    const x = b.input('x', dtype, 1);
    const y = b.output('y', dtype, 1);
    b.loop({
      shape: [],
      over: [terms],
      combine: 'sum',
      args: [window(x, [0])],
      body: [arg(0)],
      outs: [window(y, [])],
    });
    const [[sum]] = (await run(reference(), b.program(), [[2147483647]])) as [[number]];
    // Modulo 2^32 that is -terms, or 2^31 - terms where their number is odd.
    expect(sum).toBe(2 ** 31 - terms);
  }
});
