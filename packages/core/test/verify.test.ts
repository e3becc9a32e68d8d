import { describe, expect, test } from 'vitest';
import {
  apply,
  arg,
  axisIndex,
  cast,
  constant,
  type DType,
  type Instr,
  type Loop,
  type Operand,
  type Program,
  type ProgramBuilder,
  programBuilder,
  type Rows,
  type Scan,
  type Slot,
  verify,
  window,
} from '../src/backend/index.ts';
import { folds, lattice, meet, visitPoints } from '../src/ir/overlap.ts';

const build = (parts: (b: ProgramBuilder) => void, arenas = 0): Program => {
  const b = programBuilder();
  parts(b);
  return b.program({ arenas });
};

/** y = -x on 8 elements, through any windows. */
const negate = (
  x: readonly [number[], number],
  y: readonly [number[], number],
  shape = [8],
): Program =>
  build((b) => {
    const [from, to] = [b.input('x', 'float32', 8), b.output('y', 'float32', 8)];
    const body = [apply('neg', arg(0))];
    b.loop({ shape, args: [window(from, ...x)], body, outs: [window(to, ...y)] });
  });

const withSlot = (p: Program, k: number, change: Partial<Slot>): Program => ({
  ...p,
  slots: p.slots.map((s, i) => (i === k ? { ...s, ...change } : s)),
});

const withInstr = (p: Program, k: number, change: (i: Instr) => object): Program => ({
  ...p,
  code: p.code.map((i, at) => (at === k ? ({ ...i, ...change(i) } as Instr) : i)),
});

/** h' = h + x, y = h'; 3 steps of 2 elements. */
const scanBody = (): Program =>
  build((b) => {
    const [h, x] = [b.input('h', 'float32', 2), b.input('x', 'float32', 2)];
    const [next, y] = [b.output('next', 'float32', 2), b.output('y', 'float32', 2)];
    const sum = apply('add', arg(0), arg(1));
    const args = [window(h, [1]), window(x, [1])];
    b.loop({ shape: [2], args, body: [sum, sum], outs: [window(next, [1]), window(y, [1])] });
  });

const scanned = (change: Partial<Parameters<ProgramBuilder['scan']>[0]> = {}): Program =>
  build((b) => {
    const [h, x] = [b.donated('h', 'float32', 2), b.input('x', 'float32', 6)];
    const y = b.output('y', 'float32', 6);
    b.scan({
      label: 'sum',
      length: 3,
      body: scanBody(),
      init: [window(h)],
      xs: [window(x, [2])],
      finals: [window(h)],
      ys: [window(y, [2])],
      ...change,
    });
  });

const withScan = (change: (s: Scan) => object): Program =>
  withInstr(scanned(), 0, (i) => change(i as Scan));

const withRows = (change: Partial<Rows>): Program => {
  const both = [true, true];
  const rows = { count: 2, inputs: both, outputs: both, axis: [0], stride: [1, 1, 1, 1] };
  return withScan(() => ({ rows: { ...rows, ...change } }));
};

test('accepts right programs', () => {
  verify(negate([[1], 0], [[-1], 7]));
  verify(scanned());
  verify(withRows({}));
  verify({ slots: [], inputs: [], outputs: [], scratch: [], code: [] });
});

describe('slots', () => {
  const p = negate([[1], 0], [[1], 0]);
  test.each<[string, Program, string]>([
    ['no elements', withSlot(p, 0, { size: 0 }), '%0 x has size 0'],
    ['part of one', withSlot(p, 0, { size: 2.5 }), '%0 x has size 2.5'],
    ['unknown input', { ...p, inputs: [0, 5] }, 'inputs name slot 5 of 2'],
    ['twice', { ...p, outputs: [1, 1] }, 'outputs [1,1] name one slot twice'],
    ['callers in an arena', withSlot(p, 1, { arena: 0, offset: 0 }), '%1 y is an input or output'],
  ])('%s', (_, program, message) => {
    expect(() => verify(program)).toThrow(message);
  });
});

describe('arenas', () => {
  const planned = (): Program =>
    build((b) => {
      const x = window(b.input('x', 'float32', 8), [1]);
      const [p, q] = [b.scratch('p', 'float32', 8), b.scratch('q', 'float32', 8)];
      const y = window(b.output('y', 'float32', 8), [1]);
      const body = [apply('neg', arg(0))];
      b.loop({ shape: [8], args: [x], body, outs: [window(p, [1])] });
      b.loop({ shape: [8], args: [window(p, [1])], body, outs: [window(q, [1])] });
      const args = [window(p, [1]), window(q, [1])];
      b.loop({ shape: [8], args, body: [apply('add', arg(0), arg(1))], outs: [y] });
    }, 1);
  const q = { ...(planned().slots[2] as Slot), offset: 16 };

  test('a good plan', () => verify(planned()));
  test.each<[string, Program, string]>([
    ['missing', { ...planned(), scratch: [] }, '%1 p lies in arena 0 of 0'],
    [
      'too small',
      { ...planned(), scratch: [48] },
      '%2 q takes bytes 32 to 64 of arena 0, which has 48',
    ],
    ['crooked', withSlot(planned(), 2, { offset: 33 }), '%2 q starts at byte 33'],
    [
      'a value overwritten while it is needed',
      withInstr(
        withInstr(withSlot(planned(), 2, { offset: 16 }), 1, (i) => ({
          outs: [{ ...(i as Loop).outs[0], slot: 2, offset: 4 }],
        })),
        2,
        (i) => {
          const [a, b] = (i as Loop).args as [Operand, Operand];
          return { args: [a, { ...b, offset: (q.offset as number) / 4 }] };
        },
      ),
      'instruction 1 (loop): out %2 q overlaps arg %1 p',
    ],
  ])('%s', (_, program, message) => {
    expect(() => verify(program)).toThrow(message);
  });

  test('a place that another value took', () => {
    // p and r share bytes 0 to 32; p is read after r was written.
    const good = build((b) => {
      const x = window(b.input('x', 'float32', 8), [1]);
      const [p, r] = [b.scratch('p', 'float32', 8), b.scratch('r', 'float32', 8)];
      const y = window(b.output('y', 'float32', 8), [1]);
      const copy = (from: typeof x, to: typeof x): void =>
        b.loop({ shape: [8], args: [from], body: [arg(0)], outs: [to] });
      copy(x, window(p, [1]));
      copy(x, window(r, [1]));
      copy(window(p, [1]), y);
    }, 1);
    const bad = withInstr(withSlot(good, 2, { offset: 0 }), 1, (i) => ({
      outs: [{ ...(i as Loop).outs[0], offset: 0 }],
    }));
    expect(() => verify(bad)).toThrow('instruction 2 (loop): arg %1 p was overwritten by %2 r');
  });
});

describe('windows', () => {
  test.each<[string, Program, string]>([
    [
      'past the end',
      negate([[1], 1], [[1], 0]),
      'instruction 0 (loop): arg %0 x reaches elements 1 to 8 of 8',
    ],
    ['before the start', negate([[-1], 6], [[1], 0]), 'reaches elements -1 to 6 of 8'],
    ['far strides', negate([[4, 2], 0], [[4, 1], 0], [2, 4]), 'reaches elements 0 to 10 of 8'],
    ['too few strides', negate([[1], 0], [[4, 1], 0], [2, 4]), 'has strides [1] for shape [2,4]'],
    ['broken offset', negate([[1], 0.5], [[1], 0], [4]), 'Use whole numbers'],
    ['no points', negate([[1], 0], [[1], 0], [0]), 'has an axis of size 0'],
    ['one element twice', negate([[1], 0], [[0], 0]), 'out %1 y writes an element twice'],
    [
      'elements twice',
      negate([[4, 1], 0], [[1, 1], 0], [2, 4]),
      'out %1 y writes an element twice',
    ],
  ])('%s', (_, program, message) => {
    expect(() => verify(program)).toThrow(message);
  });
});

describe('buffers', () => {
  const p = negate([[1], 0], [[1], 0]);
  const [x, y] = (p.code[0] as Instr).buffers as [Instr['buffers'][0], Instr['buffers'][0]];
  test.each<[string, object, string]>([
    ['not listed', { buffers: [x] }, 'out %1 y lies in slot 1, its buffer 1 is not listed'],
    ['another slot', { buffers: [y, x] }, 'arg %0 x lies in slot 0, its buffer 0 is slot 1'],
    [
      'wrong access',
      { buffers: [{ ...x, access: 'readwrite' }, y] },
      'says readwrite, operands say read',
    ],
    [
      'unused',
      { buffers: [x, y, { source: 'arena', index: 0, access: 'read' }] },
      'operands say unused',
    ],
    ['twice', { buffers: [x, y, x] }, 'list slot 0 twice'],
  ])('%s', (_, change, message) => {
    expect(() => verify(withInstr(p, 0, () => change))).toThrow(message);
  });

  test('more than the backend binds, or larger', () => {
    expect(() => verify(p, { buffers: 1 })).toThrow('touches 2 buffers, the backend binds 1');
    expect(() => verify(p, { bindingBytes: 16 })).toThrow(
      '%0 x has 32 bytes, one binding holds 16',
    );
    verify(p, { buffers: 2, bindingBytes: 32 });
  });
});

describe('types', () => {
  const typed = (x: DType, y: DType, body = arg(0), over: number[] = []): Program =>
    build((b) => {
      const args = [window(b.input('x', x, 4), [1])];
      const shape = over.length > 0 ? [] : [4];
      const outs = [window(b.output('y', y, over.length > 0 ? 1 : 4), over.length > 0 ? [] : [1])];
      b.loop({ shape, over, args, body: [body], outs });
    });
  const product = (x: DType, y: DType): Program =>
    build((b) => {
      const args = [window(b.input('x', x, 4), [1]), window(b.input('w', y, 4), [1])] as const;
      b.contract({ shape: [], over: [4], args, out: window(b.output('y', x, 1)) });
    });
  const gathered = (index: DType, table: DType, out: DType): Program =>
    build((b) => {
      const args = [
        window(b.input('t', table, 4), [2, 1]),
        window(b.input('i', index, 3), [1]),
      ] as const;
      b.gather({ rows: 2, shape: [3, 2], args, out: window(b.output('y', out, 6), [2, 1]) });
    });
  test.each<[string, Program, string]>([
    ['out', typed('float32', 'int32'), 'expression 0 is float32, its out is int32'],
    ['op', typed('bool', 'bool', apply('add', arg(0), arg(0))), 'add(bool, bool) has no type'],
    ['mixed', typed('int32', 'int32', apply('add', arg(0), constant(1))), 'add(int32, float32)'],
    ['argument', typed('int32', 'int32', arg(3)), 'reads argument 3 of 1'],
    ['axis', typed('int32', 'int32', axisIndex(1)), 'reads axis 1 of 1'],
    ['sum of bool', typed('bool', 'bool', arg(0), [4]), 'sums bool'],
    ['product', product('int32', 'int32'), 'a product of int32 and int32 into int32'],
    ['mixed product', product('float32', 'float64'), 'a product of float32 and float64'],
    ['index', gathered('float32', 'float32', 'float32'), 'the index is float32'],
    ['rows', gathered('int32', 'float32', 'int32'), 'takes float32 and gives int32'],
    [
      'operand',
      withInstr(typed('int32', 'int32'), 0, (i) => ({
        args: [{ ...(i as Loop).args[0], dtype: 'float32' }],
        body: [cast('int32', arg(0))],
      })),
      'arg %0 x says float32, its slot int32',
    ],
  ])('%s', (_, program, message) => {
    expect(() => verify(program)).toThrow(message);
  });

  test('good ones', () => {
    verify(typed('bool', 'int32', cast('int32', arg(0)), [4]));
    verify(product('float64', 'float64'));
    verify(gathered('uint32', 'bool', 'bool'));
  });
});

describe('overlap', () => {
  const inOne = (
    x: readonly [number[], number],
    y: readonly [number[], number],
    more = {},
  ): Program =>
    build((b) => {
      const slot = b.donated('x', 'float32', 8);
      b.loop({
        shape: [4],
        args: [window(slot, ...x)],
        body: [arg(0)],
        outs: [window(slot, ...y)],
        ...more,
      });
    });

  test('in place, side by side and between', () => {
    verify(inOne([[1], 2], [[1], 2]));
    verify(inOne([[1], 0], [[1], 4]));
    verify(inOne([[2], 0], [[2], 1]));
  });

  test.each<[string, Program, string]>([
    ['shifted', inOne([[1], 0], [[1], 1]), 'out %0 x overlaps arg %0 x'],
    ['reversed', inOne([[1], 0], [[-1], 3]), 'out %0 x overlaps arg %0 x'],
    ['reduced', inOne([[0, 1], 0], [[1], 0], { over: [4] }), 'out %0 x overlaps arg %0 x'],
    [
      'two outs',
      build((b) => {
        const y = b.output('y', 'float32', 8);
        const outs = [window(y, [2], 0), window(y, [3], 1)];
        b.loop({ shape: [2], body: [constant(1), constant(2)], outs });
        b.loop({
          shape: [3],
          body: [constant(1), constant(2)],
          outs: [window(y, [2], 0), window(y, [3], 1)],
        });
      }),
      'instruction 1 (loop): out %0 y and out %0 y overlap',
    ],
    [
      'an input that is not donated',
      build((b) => {
        const x = b.input('x', 'float32', 4);
        b.loop({ shape: [4], body: [constant(1)], outs: [window(x, [1])] });
      }),
      'out %0 x is an input that is not donated',
    ],
  ])('%s', (_, program, message) => {
    expect(() => verify(program)).toThrow(message);
  });

  test('the exact test agrees with counting', () => {
    let seed = 1;
    const some = (low: number, high: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return low + ((seed >>> 8) % (high - low + 1));
    };
    for (let k = 0; k < 3000; k++) {
      const draw = (): { start: number; shape: number[]; strides: number[] } => {
        const rank = some(0, 3);
        const list = (low: number, high: number): number[] =>
          Array.from({ length: rank }, () => some(low, high));
        return { start: some(0, 20), shape: list(1, 4), strides: list(-7, 7) };
      };
      const [p, q] = [draw(), draw()];
      const [a, b] = [p, q].map((w) => lattice(w.start, w.shape, w.strides)) as [never, never];
      const points = new Set<number>();
      visitPoints(a, (x) => points.add(x));
      let common = false;
      visitPoints(b, (x) => {
        common ||= points.has(x);
      });
      expect(meet(a, b)).toBe(common);
      const count = p.shape.reduce((n, m) => n * m, 1);
      expect(folds(p.shape, p.strides)).toBe(points.size < count);
    }
  });

  test('large windows are quick', () => {
    const a = lattice(0, [64, 500, 256], [512 * 500, 512, 1]);
    expect(meet(a, lattice(256, [64, 500, 256], [512 * 500, 512, 1]))).toBe(false);
    expect(meet(a, lattice(255, [64, 500, 256], [512 * 500, 512, 1]))).toBe(true);
    expect(folds([64, 500, 256], [512 * 500, 512, 1])).toBe(false);
  });
});

describe('values', () => {
  const [x, t, y] = [0, 1, 2];
  const chain = (first: Partial<Parameters<ProgramBuilder['loop']>[0]>): Program =>
    build((b) => {
      b.input('x', 'float32', 4);
      b.scratch('t', 'float32', 4);
      b.output('y', 'float32', 4);
      const copy = { shape: [4], args: [window(x, [1])], body: [arg(0)], outs: [window(t, [1])] };
      b.loop({ ...copy, ...first });
      b.loop({ ...copy, args: [window(t, [1])], outs: [window(y, [1])] });
    });
  test.each<[string, Program, string]>([
    [
      'read before written',
      chain({ outs: [window(y, [1])] }),
      'instruction 1 (loop): arg %1 t is read before it is written',
    ],
    ['written in part', chain({ shape: [3] }), 'arg %1 t is written in parts, and word 3 is not'],
    [
      'never written',
      { ...chain({}), code: chain({}).code.slice(0, 1) },
      'output %2 y is never written',
    ],
  ])('%s', (_, program, message) => {
    expect(() => verify(program)).toThrow(message);
  });
});

describe('scans', () => {
  const body = scanBody();
  test.each<[string, Program, string]>([
    ['no steps', withScan(() => ({ length: 0 })), 'instruction 0 (scan "sum"): has 0 steps'],
    ['inputs', withScan(() => ({ xs: [] })), 'has 2 inputs for 0 consts, 1 carries and 0 xs'],
    ['outputs', withScan(() => ({ ys: [] })), 'has 2 outputs for 1 carries and 0 ys'],
    ['finals', withScan(() => ({ finals: [] })), 'has 1 init and 0 finals'],
    [
      'carry',
      withScan(() => ({ body: withSlot(body, 2, { size: 3 }) })),
      'carry 0 goes in as float32[2] and comes out as float32[3]',
    ],
    [
      'in and out',
      withScan(() => ({ body: { ...body, outputs: [0, 3] } })),
      'has %0 h as input and output',
    ],
    [
      'window of xs',
      withScan((s) => ({ xs: [{ ...s.xs[0], strides: [3] }] })),
      'arg %1 x reaches elements 0 to 7 of 6',
    ],
    [
      'ys over each other',
      withScan((s) => ({ ys: [{ ...s.ys[0], strides: [1] }] })),
      'out %2 y is written twice by different steps',
    ],
    ['rows', withRows({ inputs: [true] }), 'rows.inputs has 1 entries, the body has 2'],
    [
      'rows written by an instruction without',
      withRows({ axis: [null], stride: [null, null, 1, 1] }),
      'rows: instruction 0 (loop) of the body writes %2 next, and only one of the two has rows',
    ],
    [
      'rows read by an instruction without',
      withRows({ axis: [null], stride: [null, 1, null, null] }),
      'rows: instruction 0 (loop) of the body reads %1 x, and only one of the two has rows',
    ],
    [
      'an instruction with rows that writes what has none',
      withRows({ stride: [1, 1, 1, null] }),
      'of the body writes %3 y, and only one of the two has rows',
    ],
    [
      'rows as far apart as they are not',
      withRows({ stride: [1, 2, 1, 1] }),
      'reads %1 x along axis 0 with stride 1, its rows are 2 apart',
    ],
    [
      'what rows share, read as if it were theirs',
      withRows({ stride: [1, null, 1, 1] }),
      'reads %1 x along axis 0 with stride 1, its rows are 0 apart',
    ],
    [
      'more rows than an instruction has',
      withRows({ count: 3 }),
      'rows: axis 0 of instruction 0 has 2 of 3 rows',
    ],
    [
      'inside the body',
      withScan(() => ({ body: withInstr(body, 0, () => ({ shape: [3] })) })),
      'instruction 0, body of scan "sum": instruction 0 (loop): arg %0 h reaches elements 0 to 2 of 2',
    ],
    [
      'a carry written in part',
      withScan(() => ({ body: withInstr(body, 0, () => ({ shape: [1] })) })),
      'output %2 next is written in parts',
    ],
    ['finals over ys', scanned({ finals: [window(2)] }), 'out %2 y and out %2 y overlap'],
  ])('%s', (_, program, message) => {
    expect(() => verify(program)).toThrow(message);
  });

  test('finals lie where their own init lay, and over nothing else', () => {
    const twoCarries = (finals: readonly [number, number]): Program => {
      const inner = build((b) => {
        const [p, q] = [b.input('p', 'float32', 2), b.input('q', 'float32', 2)];
        const outs = [b.output('p', 'float32', 2), b.output('q', 'float32', 2)];
        const args = [window(p, [1]), window(q, [1])];
        b.loop({ shape: [2], args, body: [arg(1), arg(0)], outs: outs.map((o) => window(o, [1])) });
      });
      return build((b) => {
        const both = b.donated('both', 'float32', 4);
        const init = [window(both), window(both, [], 2)];
        b.scan({ length: 2, body: inner, init, finals: finals.map((at) => window(both, [], at)) });
      });
    };
    verify(twoCarries([0, 2]));
    expect(() => verify(twoCarries([2, 0]))).toThrow('out %0 both overlaps arg %0 both');
  });

  test('ys that lie batch-major: steps leave gaps for each other', () => {
    // [2 rows, 3 steps, 1]: a step touches elements 0 and 3 of its window.
    const inner = build((b) => {
      const y = b.output('y', 'float32', 4);
      b.loop({ shape: [2], body: [constant(1)], outs: [window(y, [3])] });
    });
    const outer = (stride: number): Program =>
      build((b) => {
        const y = b.output('y', 'float32', 10);
        b.scan({ length: 3, body: inner, ys: [window(y, [stride])] });
      });
    expect(() => verify(outer(3))).toThrow('written twice by different steps');
    // All but the last elements, which no step touches.
    expect(() => verify(outer(1))).toThrow('output %0 y is written in parts, and word 6 is not');
  });
});

test('errors have a code', () => {
  expect(() => verify(scanned({ length: 0 }))).toThrow(
    expect.objectContaining({ code: 'program-invalid' }),
  );
});
