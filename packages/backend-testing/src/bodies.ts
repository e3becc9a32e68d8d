/** Bodies of scans, each with what it needs to be run: recurrent cells, counters, and what tries a backend's buffers. */
import {
  apply,
  arg,
  axisIndex,
  cast,
  constant,
  type Expr,
  type Program,
  type ProgramBuilder,
  programBuilder,
  type Rows,
  type SlotWindow,
  window,
} from '@ostinato/core/backend';

/** The body's inputs are `consts` constants, then `carries` carries, then xs. */
export interface Body {
  readonly program: Program;
  readonly consts: number;
  readonly carries: number;
  readonly rows?: Rows;
}

interface Sizes {
  readonly rows: number;
  readonly units: number;
  /** Arenas of the body. */
  readonly arenas: number;
}

const half = constant(0.5);
const add = (a: Expr, b: Expr): Expr => apply('add', a, b);
const mul = (a: Expr, b: Expr): Expr => apply('mul', a, b);

/** [rows, width] of a dense slot. */
const matrix = (slot: number, width: number, offset = 0): SlotWindow =>
  window(slot, [width, 1], offset);

/** out[r, j] = sum over i of x[r, i] * w[i, j] */
function product(
  b: ProgramBuilder,
  [rows, inner, width]: readonly [number, number, number],
  [x, w, out]: readonly [number, number, number],
): void {
  b.contract({
    shape: [rows, width],
    over: [inner],
    args: [window(x, [inner, 0, 1]), window(w, [0, 1, width])],
    out: window(out, [width, 1]),
  });
}

/** h' = tanh(x + h W); y = h' */
export function elman({ rows, units, arenas }: Sizes): Body {
  const b = programBuilder();
  const n = rows * units;
  const w = b.input('w', 'float32', units * units);
  const [h, x] = [b.input('h', 'float32', n), b.input('x', 'float32', n)];
  const [next, y] = [b.output('next', 'float32', n), b.output('y', 'float32', n)];
  const z = b.scratch('z', 'float32', n);
  product(b, [rows, units, units], [h, w, z]);
  const value = apply('tanh', add(arg(1), mul(half, arg(0))));
  const args = [matrix(z, units), matrix(x, units)];
  const outs = [matrix(next, units), matrix(y, units)];
  b.loop({ shape: [rows, units], args, body: [value, value], outs });
  return {
    program: b.program({ arenas }),
    consts: 1,
    carries: 1,
    rows: {
      count: rows,
      inputs: [false, true, true],
      outputs: [true, true],
      axis: [0, 0],
      stride: [null, units, units, units, units, units],
    },
  };
}

/** Gates in the order input, forget, candidate, output. */
export function lstm({ rows, units, arenas }: Sizes): Body {
  const b = programBuilder();
  const [n, wide] = [rows * units, 4 * units];
  const u = b.input('u', 'float32', units * wide);
  const [h, c] = [b.input('h', 'float32', n), b.input('c', 'float32', n)];
  const x = b.input('x', 'float32', rows * wide);
  const [hNext, cNext] = [b.output('h', 'float32', n), b.output('c', 'float32', n)];
  const y = b.output('y', 'float32', n);
  const z = b.scratch('z', 'float32', rows * wide);
  product(b, [rows, units, wide], [h, u, z]);
  const gates = [0, 1, 2, 3].flatMap((k) => [
    matrix(z, wide, k * units),
    matrix(x, wide, k * units),
  ]);
  const gate = (k: number): Expr => add(mul(half, arg(2 * k)), arg(2 * k + 1));
  const kept = mul(apply('sigmoid', gate(1)), arg(8));
  const cell = add(kept, mul(apply('sigmoid', gate(0)), apply('tanh', gate(2))));
  const shown = mul(apply('sigmoid', gate(3)), apply('tanh', cell));
  const args = [...gates, matrix(c, units)];
  const outs = [hNext, cNext, y].map((slot) => matrix(slot, units));
  b.loop({ shape: [rows, units], args, body: [shown, cell, shown], outs });
  return {
    program: b.program({ arenas }),
    consts: 1,
    carries: 2,
    rows: {
      count: rows,
      inputs: [false, true, true, true],
      outputs: [true, true, true],
      axis: [0, 0],
      stride: [null, units, units, wide, units, units, units, wide],
    },
  };
}

/** h' = tanh(x + norm(h W) * gain): two reductions per row, and a constant that rows share. */
export function normed({ rows, units, arenas }: Sizes): Body {
  const b = programBuilder();
  const n = rows * units;
  const w = b.input('w', 'float32', units * units);
  const gain = b.input('gain', 'float32', units);
  const [h, x] = [b.input('h', 'float32', n), b.input('x', 'float32', n)];
  const next = b.output('next', 'float32', n);
  const y = b.output('y', 'float32', rows);
  const z = b.scratch('z', 'float32', n);
  const [mean, square] = [b.scratch('mean', 'float32', rows), b.scratch('square', 'float32', rows)];
  product(b, [rows, units, units], [h, w, z]);
  const size: Expr = { op: 'const', dtype: 'float32', value: 1 / units, fromSize: true };
  b.loop({
    shape: [rows],
    over: [units],
    args: [matrix(z, units)],
    body: [mul(size, arg(0)), mul(size, mul(arg(0), arg(0)))],
    outs: [window(mean, [1]), window(square, [1])],
  });
  const variance = apply('sub', arg(2), mul(arg(1), arg(1)));
  const scale = apply('sqrt', add(apply('max', variance, constant(0)), half));
  const centred = apply('div', apply('sub', arg(0), arg(1)), scale);
  b.loop({
    shape: [rows, units],
    args: [
      matrix(z, units),
      window(mean, [1, 0]),
      window(square, [1, 0]),
      matrix(x, units),
      window(gain, [0, 1]),
    ],
    body: [apply('tanh', add(arg(3), mul(centred, arg(4))))],
    outs: [matrix(next, units)],
  });
  const last = matrix(next, units);
  b.loop({
    shape: [rows],
    over: [units],
    combine: 'max',
    args: [last],
    body: [arg(0)],
    outs: [window(y, [1])],
  });
  return {
    program: b.program({ arenas }),
    consts: 2,
    carries: 1,
    rows: {
      count: rows,
      inputs: [false, false, true, true],
      outputs: [true, true],
      axis: [0, 0, 0, 0],
      stride: [null, null, units, units, units, 1, units, 1, 1],
    },
  };
}

/** A counter that rows share, a mask without rows, and carries that stand still where the mask is false. */
export function counted({ rows, units, arenas }: Sizes): Body {
  const b = programBuilder();
  const n = rows * units;
  const [count, h] = [b.input('count', 'int32', 1), b.input('h', 'float32', n)];
  const mask = b.input('mask', 'bool', 1);
  const [more, next] = [b.output('count', 'int32', 1), b.output('h', 'float32', n)];
  const step = b.output('step', 'float32', 1);
  const up = add(arg(0), cast('int32', arg(1)));
  b.loop({
    shape: [1],
    args: [window(count, [1]), window(mask, [1])],
    body: [up, mul(cast('float32', up), constant(0.25))],
    outs: [window(more, [1]), window(step, [1])],
  });
  const moved = apply('sin', add(arg(1), cast('float32', arg(2))));
  b.loop({
    shape: [rows, units],
    args: [window(mask, [0, 0]), matrix(h, units), window(more, [0, 0])],
    body: [apply('select', arg(0), moved, arg(1))],
    outs: [matrix(next, units)],
  });
  return {
    program: b.program({ arenas }),
    consts: 0,
    carries: 2,
    rows: {
      count: rows,
      inputs: [false, true, false],
      outputs: [false, true, false],
      axis: [null, 0],
      stride: [null, units, null, null, units, null],
    },
  };
}

/** Writes the next carries before it reads the old ones for the last time, and swaps two of them. */
export function lateReader({ rows, units, arenas }: Sizes): Body {
  const b = programBuilder();
  const n = rows * units;
  const [p, q, x] = ['p', 'q', 'x'].map((label) => b.input(label, 'float32', n)) as [
    number,
    number,
    number,
  ];
  const [pNext, qNext] = [b.output('p', 'float32', n), b.output('q', 'float32', n)];
  const y = b.output('y', 'float32', n);
  const flat = (slot: number): SlotWindow => window(slot, [1]);
  const sum = apply('tanh', add(arg(0), arg(1)));
  b.loop({ shape: [n], args: [flat(p), flat(x)], body: [sum], outs: [flat(qNext)] });
  b.loop({ shape: [n], args: [flat(q)], body: [arg(0)], outs: [flat(pNext)] });
  const all = [p, q, pNext, qNext].map(flat);
  const mixed = add(arg(0), mul(half, apply('sub', arg(1), apply('mul', arg(2), arg(3)))));
  b.loop({ shape: [n], args: all, body: [mixed], outs: [flat(y)] });
  return { program: b.program({ arenas }), consts: 0, carries: 2 };
}

/** Rows mix: the product runs over the batch. */
export function mixing({ rows, units, arenas }: Sizes): Body {
  const b = programBuilder();
  const n = rows * units;
  const w = b.input('w', 'float32', rows * rows);
  const [h, x] = [b.input('h', 'float32', n), b.input('x', 'float32', n)];
  const [next, y] = [b.output('next', 'float32', n), b.output('y', 'float32', units)];
  const z = b.scratch('z', 'float32', n);
  b.contract({
    shape: [rows, units],
    over: [rows],
    args: [window(w, [rows, 0, 1]), window(h, [0, 1, units])],
    out: matrix(z, units),
  });
  const args = [matrix(z, units), matrix(x, units)];
  b.loop({
    shape: [rows, units],
    args,
    body: [apply('tanh', add(mul(half, arg(0)), arg(1)))],
    outs: [matrix(next, units)],
  });
  const columns = [window(next, [1, units])];
  b.loop({ shape: [units], over: [rows], args: columns, body: [arg(0)], outs: [window(y, [1])] });
  return { program: b.program({ arenas }), consts: 1, carries: 1 };
}

/** Looks rows of a table up by whole numbers, and counts them in a carry. */
export function lookup({ rows, units, arenas }: Sizes): Body {
  const b = programBuilder();
  const words = 5;
  const table = b.input('table', 'float32', words * units);
  const [seen, ids] = [b.input('seen', 'float32', words * units), b.input('ids', 'int32', rows)];
  const next = b.output('seen', 'float32', words * units);
  const y = b.output('y', 'float32', rows * units);
  const hits = b.scratch('hits', 'float32', words * units);
  const pair = [matrix(table, units), window(ids, [1])] as const;
  b.gather({ rows: words, shape: [rows, units], args: pair, out: matrix(y, units) });
  const found = [matrix(y, units), window(ids, [1])] as const;
  b.scatter({ rows: words, shape: [rows, units], args: found, out: matrix(hits, units) });
  const flat = (slot: number): SlotWindow => window(slot, [1]);
  const sum = apply('tanh', add(arg(0), mul(half, arg(1))));
  b.loop({
    shape: [words * units],
    args: [flat(seen), flat(hits)],
    body: [sum],
    outs: [flat(next)],
  });
  return { program: b.program({ arenas }), consts: 1, carries: 1 };
}

/** Neither constants nor xs: whole numbers that wrap, and the index of an axis. */
export function alone({ rows, units, arenas }: Sizes): Body {
  const b = programBuilder();
  const n = rows * units;
  const [p, q] = [b.input('p', 'uint32', n), b.input('q', 'uint32', n)];
  const [pNext, qNext] = [b.output('p', 'uint32', n), b.output('q', 'uint32', n)];
  const y = b.output('y', 'bool', n);
  const flat = (slot: number): SlotWindow => window(slot, [1]);
  const sum = add(mul(arg(0), constant(2654435761, 'uint32')), arg(1));
  b.loop({
    shape: [n],
    args: [flat(p), flat(q)],
    body: [arg(1), add(sum, cast('uint32', axisIndex(0))), apply('less', arg(0), arg(1))],
    outs: [pNext, qNext, y].map(flat),
  });
  return { program: b.program({ arenas }), consts: 0, carries: 2 };
}

/** No carry: each step for itself. */
export function stateless({ rows, units, arenas }: Sizes): Body {
  const b = programBuilder();
  const n = rows * units;
  const [w, x] = [b.input('w', 'float32', units), b.input('x', 'float32', n)];
  const y = b.output('y', 'float32', rows);
  const args = [matrix(x, units), window(w, [0, 1])];
  b.loop({
    shape: [rows],
    over: [units],
    args,
    body: [mul(arg(0), arg(1))],
    outs: [window(y, [1])],
  });
  return { program: b.program({ arenas }), consts: 1, carries: 0 };
}

/** xs and ys lie batch-major, [rows, time, units]: a step's windows have gaps that belong to other steps. */
export function batchMajor({ rows, units, arenas }: Sizes, length: number): Body {
  const b = programBuilder();
  const row = length * units;
  const wide = (rows - 1) * row + units;
  const h = b.input('h', 'float32', rows * units);
  const x = b.input('x', 'float32', wide);
  const next = b.output('h', 'float32', rows * units);
  const y = b.output('y', 'float32', wide);
  const value = apply('tanh', add(arg(1), mul(half, arg(0))));
  b.loop({
    shape: [rows, units],
    args: [matrix(h, units), window(x, [row, 1])],
    body: [value, add(value, arg(0))],
    outs: [matrix(next, units), window(y, [row, 1])],
  });
  return {
    program: b.program({ arenas }),
    consts: 0,
    carries: 1,
    rows: {
      count: rows,
      inputs: [true, true],
      outputs: [true, true],
      axis: [0],
      stride: [units, row, units, row],
    },
  };
}

export type MakeBody = (sizes: Sizes) => Body;

/** One instance of another scan per step: its carry runs on from step to step. */
export function nested(inner: Body, innerLength: number, arenas: number): Body {
  const { program: body } = inner;
  const b = programBuilder();
  const slotOf = (k: number): Program['slots'][number] => body.slots[k] as Program['slots'][number];
  const names = body.inputs.map((k, i) => {
    const { label, dtype, size } = slotOf(k);
    const timed = i >= inner.consts + inner.carries;
    return b.input(label, dtype, timed ? size * innerLength : size);
  });
  const results = body.outputs.map((k, i) => {
    const { label, dtype, size } = slotOf(k);
    return b.output(label, dtype, i >= inner.carries ? size * innerLength : size);
  });
  const timed = (k: number, slot: number): SlotWindow => window(slot, [slotOf(k).size]);
  const [consts, rest] = [names.slice(0, inner.consts), names.slice(inner.consts)];
  const xs = rest.slice(inner.carries);
  const ys = results.slice(inner.carries);
  b.scan({
    label: 'inner',
    length: innerLength,
    body,
    consts: consts.map((slot) => window(slot)),
    init: rest.slice(0, inner.carries).map((slot) => window(slot)),
    xs: xs.map((slot, k) => timed(body.inputs[inner.consts + inner.carries + k] as number, slot)),
    finals: results.slice(0, inner.carries).map((slot) => window(slot)),
    ys: ys.map((slot, k) => timed(body.outputs[inner.carries + k] as number, slot)),
  });
  return { program: b.program({ arenas }), consts: inner.consts, carries: inner.carries };
}
