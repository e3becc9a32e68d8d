/** Compiled functions: what is compiled when, which buffers live, and what happens when something goes wrong. */
import fc from 'fast-check';
import ndarray from 'ndarray';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { type Backend, copied, reference } from '../src/backend/index.ts';
import { currentPath } from '../src/errors.ts';
import * as o from '../src/index.ts';
import { counted, spying } from './spy.ts';
import { backend, expectError, f64, i32 } from './support.ts';

const { add, compile, explain, mul, run, tensor, Tensor } = o;
type T = o.Tensor;

const numbers = async (t: T): Promise<number[]> => [...(await t.read()).data];

describe('compiling', () => {
  test('once per structure, shape and type', async () => {
    let traced = 0;
    const f = compile(backend, (x: T | null, y: T) => {
      traced++;
      return x ? add(x, y) : y;
    });
    expect(f.compilations).toBe(0);
    await f(tensor([1, 2]), tensor([3, 4]));
    await f(tensor([5, 6]), tensor([3, 4]));
    expect([traced, f.compilations]).toEqual([1, 1]);
    await f(tensor([1]), tensor([1]));
    expect(f.compilations).toBe(2);
    await f(i32([1]), i32([1]));
    expect(f.compilations).toBe(3);
    await f(null, i32([1]));
    expect([traced, f.compilations]).toEqual([4, 4]);
    f.dispose();
  });

  test('calls of several forms, taking turns', async () => {
    type Args = { readonly x: T; readonly y: T | null };
    const f = compile(backend, ({ x, y }: Args) => (y ? add(x, y) : mul(x, 2)));
    const calls: readonly (readonly [o.Feed<Args>, number[]])[] = [
      [{ x: tensor([1, 2]), y: null }, [2, 4]],
      [{ x: tensor([1, 2]), y: tensor([3, 4]) }, [4, 6]],
      [{ x: tensor([1, 2, 3]), y: null }, [2, 4, 6]],
      [{ x: tensor([[1, 2, 3]]), y: null }, [2, 4, 6]],
      [{ x: i32([1, 2, 3]), y: null }, [2, 4, 6]],
      [{ x: 3, y: { data: [4], shape: [] } }, [7]],
    ];
    for (const [first] of calls)
      for (const [second, expected] of calls) {
        o.dispose(await f(first));
        const y = await f(second);
        expect(await numbers(y)).toEqual(expected);
      }
    expect(f.compilations).toBe(calls.length);
  });

  test('concurrent first calls compile once', async () => {
    const spy = spying();
    let traced = 0;
    const f = compile(spy, (x: T) => {
      traced++;
      return mul(x, 2);
    });
    const all = await Promise.all([1, 2, 3].map((v) => f(v)));
    expect(await Promise.all(all.map((t) => t.item()))).toEqual([2, 4, 6]);
    expect([traced, spy.programs.length]).toEqual([1, 1]);
  });

  test('a failed compilation is tried again', async () => {
    const spy = spying();
    const f = compile(spy, (x: T) => mul(x, 2));
    spy.failNext = 'compile';
    await expectError('out-of-memory', [], () => f(1));
    expect(f.compilations).toBe(0);
    expect(await (await f(4)).item()).toBe(8);
  });

  test('a function that throws leaves no scope path behind', async () => {
    const f = compile(backend, (x: T) =>
      o.named('encoder', () =>
        o.named('lstm', (): T => {
          throw new RangeError(`mine ${x.rank}`);
        }),
      ),
    );
    await expect(f(1)).rejects.toThrow('mine 0');
    expect(currentPath()).toBe('');
    const e = await expectError('shape-mismatch', [], () => o.reshape(f64([1]), [2]));
    expect(e.path).toBe('');
  });
});

describe('arguments', () => {
  const double = compile(backend, (x: T) => mul(x, 2));

  test('numbers, host tensors, device tensors, plain records', async () => {
    expect(await numbers(await double(3))).toEqual([6]);
    expect(await numbers(await double(f64([1, 2])))).toEqual([2, 4]);
    const there = await run(backend, f64([5]));
    expect(await numbers(await double(there))).toEqual([10]);
    expect(await numbers(await double({ data: [1, 2], shape: [2] }))).toEqual([2, 4]);
    const read = await there.read();
    expect(await numbers(await double(read))).toEqual([10]);
  });

  test('trees of them', async () => {
    const f = compile(backend, (p: { b: T; a: readonly T[]; none: null }) => add(p.b, p.a[0] as T));
    expect(await numbers(await f({ none: null, b: 1, a: [{ data: [2], shape: [1] }] }))).toEqual([
      3,
    ]);
  });

  test('strided, offset and reversed ndarrays', async () => {
    const x = ndarray(Float64Array.from([0, 1, 2, 3, 4, 5, 6, 7]), [2, 4]);
    expect(await numbers(await double(x.transpose(1, 0)))).toEqual([0, 8, 2, 10, 4, 12, 6, 14]);
    expect(await numbers(await double(x.hi(2, 3).lo(1, 1)))).toEqual([10, 12]);
    expect(await numbers(await double(x.step(1, -2)))).toEqual([6, 2, 14, 10]);
    expect((await double(x.pick(1, null))).shape).toEqual([4]);
  });

  test('bools from the host become 0 and 1', async () => {
    const f = compile(backend, (x: T) => o.cast(x, 'int32'));
    const x = { data: Uint32Array.of(0, 1, 7), shape: [3], dtype: 'bool' };
    expect(await numbers(await f(x))).toEqual([0, 1, 1]);
    const bytes = { data: Uint8Array.of(0, 1, 7), shape: [3], dtype: 'bool' };
    expect(tensor(bytes).dtype).toBe('bool');
    expect(await numbers(await f(tensor(bytes)))).toEqual([0, 1, 1]);
  });

  test('numbers become what they are to be without passing through another type', async () => {
    const plain = { data: [16777217, 0.1], shape: [2] };
    for (const [dtype, wanted] of [
      ['int32', [16777217, 0]],
      ['float64', [16777217, 0.1]],
      ['float32', [16777216, Math.fround(0.1)]],
    ] as const) {
      expect(await numbers(tensor(plain, { dtype }))).toEqual(wanted);
      expect(await numbers(tensor([16777217, 0.1], { dtype }))).toEqual(wanted);
    }
    const cast = tensor(f64([1.5, -2.5]), { dtype: 'int32' });
    expect(await numbers(await run(backend, cast))).toEqual([1, -2]);
    expect(await numbers(tensor({ data: Int8Array.of(-1, 2), shape: [2] }))).toEqual([-1, 2]);
  });

  test('plain numbers have the type that their record names, if it is one of ours', async () => {
    const f = compile(backend, (x: T) => o.add(x, x));
    const x = { data: [1, 2.9], shape: [2] };
    for (const [dtype, own, sums] of [
      ['int32', 'int32', [2, 4]],
      ['float32', 'float32', [2, Math.fround(5.8)]],
      ['generic', 'float32', [2, Math.fround(5.8)]],
    ] as const) {
      const named = { ...x, dtype };
      expect(tensor(named).dtype).toBe(own);
      expect(await numbers(await f(named))).toEqual(sums);
    }
    expect(tensor({ ...x, dtype: 'int32' }, { dtype: 'float32' }).dtype).toBe('float32');
  });

  test('what does not fit', async () => {
    await expectError('host-array', ['"0"', 'has 3 elements', 'holds 2'], () =>
      double({ data: [1, 2], shape: [3] }),
    );
    await expectError('host-array', ['Int8Array', 'tensor(array'], () =>
      double({ data: Int8Array.of(1), shape: [1] }),
    );
    for (const give of [double, tensor])
      await expectError('host-array', ['dtype is int32', 'Float32Array', 'leave dtype out'], () =>
        give({ data: Float32Array.of(1), shape: [1], dtype: 'int32' }),
      );
    await expectError('host-array', ['strides [1] from 0', 'a stride per axis'], () =>
      double({ data: [1, 2], shape: [1, 2], stride: [1] }),
    );
    for (const broken of [{ stride: [0.5] }, { stride: [1], offset: 0.5 }])
      await expectError('host-array', ['Give whole numbers'], () =>
        double({ data: [1, 2, 3], shape: [2], ...broken }),
      );
    await expectError('host-array', [], () => double({ data: [1, 2], shape: [2], stride: [2] }));
    await expectError('host-array', ['NaN'], () =>
      double({ data: [1, 2], shape: [1], stride: [1], offset: Number.NaN }),
    );
    await expectError('host-array', ['Float32Array', 'tensor({ data, shape })'], () =>
      tensor(new Float32Array(3) as never),
    );
    await expectError('dtype-mismatch', ['float16', 'int32'], () =>
      tensor([1], { dtype: 'float16' as never }),
    );
    await expectError('shape-invalid', ['Empty'], () => double({ data: [], shape: [0] }));
    await expectError('not-run', ['never ran', 'await run'], () => double(mul(tensor([1]), 2)));
    await expectError('tree-leaf', ['"0"', 'is "x"'], () => double('x' as never));
    await expectError('tree-leaf', ['Map'], () => double(new Map() as never));
  });

  test('a number is seen as a tensor, so a function that says number does not typecheck', async () => {
    const twice = compile(backend, (x: T, n: number) => (n > 1 ? mul(x, 2) : x));
    // @ts-expect-error: nothing fits a number
    const call = (): Promise<T> => twice(tensor([1]), 5);
    await expectError('not-run', ['"1" is no number', 'greater(a, b)'], call);
    const rated = compile(backend, ({ rate }: { rate: number }) => add(rate, 1));
    // @ts-expect-error: nor in a record
    expect(await numbers(await rated({ rate: 5 }))).toEqual([6]);
    const chosen = compile(backend, (x: T, sign: 'plus' | 'minus') => (sign === 'plus' ? x : x));
    // @ts-expect-error: a string is no leaf
    await expectError('tree-leaf', ['"1"'], () => chosen(tensor([1]), 'plus'));
    expectTypeOf<o.Feed<{ x: T; y?: T | null; rest: readonly T[] }>>().toEqualTypeOf<{
      readonly x: T | o.HostInput | number;
      readonly y?: T | o.HostInput | number | null;
      readonly rest: readonly (T | o.HostInput | number)[];
    }>();
  });
  test('are read at the call, not when a compilation is done', async () => {
    const f = compile(backend, (x: T) => mul(x, 2));
    const data = Float32Array.of(1);
    const first = f({ data, shape: [1] });
    data[0] = 5;
    const second = f({ data, shape: [1] });
    data[0] = 7;
    expect(await numbers(await first)).toEqual([2]);
    expect(await numbers(await second)).toEqual([10]);
    const third = f({ data, shape: [1] });
    data[0] = 9;
    expect(await numbers(await third)).toEqual([14]);
  });

  test('a tensor disposed right after a call has been used, or is reported', async () => {
    const f = compile(backend, (x: T) => mul(x, 2));
    const [a, b] = [await run(backend, f64([1])), await run(backend, f64([2]))];
    const first = f(a);
    a.dispose();
    await expectError('disposed', ['"0"'], () => first);
    const second = f(b);
    b.dispose();
    expect(await numbers(await second)).toEqual([4]);
  });

  test('ids from the host are checked before they are uploaded', async () => {
    const spy = spying();
    const f = compile(spy, (table: T, ids: { words: T }) => o.gather(table, ids.words));
    const table = f64([[1], [2]]);
    await f(table, { words: i32([0, 1]) });
    const { writes, runs } = { writes: spy.writes, runs: spy.runs.length };
    await expectError('index-out-of-range', ['"1.words"', 'holds 2 at 1', '2 rows', '0 to 1'], () =>
      f(table, { words: i32([0, 2]) }),
    );
    await expectError('index-out-of-range', ['holds -1'], () => f(table, { words: i32([-1, 0]) }));
    expect([spy.writes, spy.runs.length]).toEqual([writes, runs]);
    // Ids that a graph computed cannot be checked: they read 0.
    const g = compile(backend, (ids: T) => o.gather(table, add(ids, 5)));
    expect(await numbers(await g(i32([0])))).toEqual([0]);
  });

  test('ids that the function holds itself may lie outside on purpose', async () => {
    const ids = i32([0, -1]);
    const f = compile(backend, (table: T) => o.gather(table, ids));
    expect(await numbers(await f(f64([[1], [2]])))).toEqual([1, 0]);
  });

  test('ids through a scan and through views', async () => {
    const f = compile(
      backend,
      (table: T, ids: T) =>
        o.scan((c: T, id: T) => [c, o.gather(table, o.reshape(id, [1]))], f64(0), ids)[1],
    );
    await expectError('index-out-of-range', ['"1"', 'holds 9'], () => f(f64([[1]]), i32([0, 9])));
  });

  test('ids of two tables in one array', async () => {
    const f = compile(backend, (large: T, small: T, ids: T) =>
      add(o.gather(large, o.at(ids, 0, 1)), o.gather(small, o.at(ids, 1, 1))),
    );
    const tables = [f64([[0], [1], [2], [3]]), f64([[10], [20]])] as const;
    const ids = (...data: number[]) => ({ data: Int32Array.from(data), shape: [2, 2] });
    expect(await numbers(await f(...tables, ids(3, 0, 2, 1)))).toEqual([13, 22]);
    await expectError('index-out-of-range', ['holds 2 at 3', '2 rows'], () =>
      f(...tables, ids(3, 0, 2, 2)),
    );
  });

  const cuts: readonly ((t: T) => T)[] = [
    (t) => o.slice(t, 0, (t.shape[0] as number) >> 1),
    (t) => o.slice(t, t.rank - 1, 0, 1),
  ];
  const slices = (chain: readonly ((t: T) => T)[]): boolean => chain.some((f) => cuts.includes(f));
  const turns: readonly ((t: T) => T)[] = [
    ...cuts,
    (t) => o.transpose(t),
    (t) => o.flip(t, 0),
    (t) => o.reshape(t, [t.size]),
    (t) => o.reshape(t, [t.shape[0] as number, t.size / (t.shape[0] as number)]),
    (t) => o.broadcastTo(t, [2, ...t.shape]),
    (t) => o.stopGradient(t),
  ];
  const chain = fc.array(fc.constantFrom(...turns), { maxLength: 5 });
  const through = (chain: readonly ((t: T) => T)[], t: T): T =>
    chain.reduce((x, f) => (x.rank > 0 ? f(x) : x), t);

  test('through any views, and steps of a scan, no ids are refused that nobody reads', () =>
    fc.assert(
      fc.asyncProperty(chain, chain, fc.boolean(), async (outer, inner, looped) => {
        const seen = (x: T): T => {
          const all = through(outer, x);
          if (!looped) return through(inner, all);
          return o.scan((c: T, xt: T) => [c, through(inner, xt)], i32(0), all)[1];
        };
        const f = compile(backend, (ids: T) => {
          const table = f64([[1], [2]]);
          const all = through(outer, ids);
          if (!looped) return o.gather(table, through(inner, all));
          return o.scan((c: T, xt: T) => [c, o.gather(table, through(inner, xt))], i32(0), all)[1];
        });
        const ids = (of: (k: number) => number) => ({
          data: Int32Array.from({ length: 12 }, (_, k) => of(k)),
          shape: [3, 4],
        });
        const read = new Set(await numbers(await compile(backend, seen)(ids((k) => k))));
        for (let at = 0; at < 12; at++) {
          const wrong = ids((k) => (k === at ? 2 : 0));
          const refused = f(wrong).then(
            () => false,
            ({ code }) => code === 'index-out-of-range',
          );
          // All that are read are seen, but for slices of what strides cannot describe.
          if (read.has(at) && !slices(outer) && !slices(inner)) expect(await refused).toBe(true);
          if (!read.has(at)) expect(await refused).toBe(false);
        }
      }),
      { numRuns: 60 },
    ));
});

describe('captured tensors', () => {
  test('host values are uploaded once', async () => {
    const spy = spying();
    const weights = tensor([10, 20]);
    const f = compile(spy, (x: T) => mul(x, weights));
    const x = await run(spy, tensor([1, 2]));
    spy.writes = 0;
    expect(await numbers(await f(x))).toEqual([10, 40]);
    expect(await numbers(await f(x))).toEqual([10, 40]);
    expect(spy.writes).toBe(1);
  });

  test('device values are read where they lie, and must live', async () => {
    const weights = await run(backend, tensor([10, 20]));
    const f = compile(backend, (x: T) => mul(x, weights));
    expect(await numbers(await f(tensor([1, 2])))).toEqual([10, 40]);
    weights.dispose();
    await expectError('disposed', ['captured'], () => f(tensor([1, 2])));
    await expectError('disposed', [], () => compile(backend, () => weights)());
  });

  test('a tensor of another traced function, or of a scan step, is refused', async () => {
    let escaped: T | undefined;
    const f = compile(backend, (x: T) => {
      escaped = mul(x, 2);
      return escaped;
    });
    await f(1);
    await expectError('escaped-tensor', ['Return it'], () => run(backend, escaped as T));
    let inside: T | undefined;
    const [last] = o.scan(
      (c: T, x: T) => {
        inside = x;
        return [add(c, x), null];
      },
      f64(0),
      f64([1]),
    );
    await expectError('escaped-tensor', [], () => run(backend, { last, inside }));
  });
});

describe('donation', () => {
  test('the result lies in the donated buffer, and nothing is allocated after the first call', async () => {
    const spy = spying();
    const step = compile(spy, (p: { w: T; b: T }, x: T) => ({ w: add(p.w, x), b: mul(p.b, 2) }), {
      donate: [0],
    });
    let p = await run(spy, { w: tensor([1, 2]), b: tensor([3]) });
    const x = tensor([1, 1]);
    p = await step(p, x);
    const allocs = spy.allocs;
    for (let i = 0; i < 5; i++) p = await step(p, x);
    expect(spy.allocs).toBe(allocs);
    expect(await numbers(p.w)).toEqual([7, 8]);
    expect(await numbers(p.b)).toEqual([192]);
    const last = spy.runs.at(-1);
    expect(last?.outputs.map((r) => last.inputs.some((i) => i.buffer === r.buffer))).toEqual([
      true,
      true,
    ]);
    expect(o.leaks(spy).length).toBe(2);
    o.dispose(p);
    step.dispose();
    expect(spy.live.size).toBe(0);
  });

  test('donated host values do not share the upload buffer with the result', async () => {
    const spy = spying();
    const step = compile(spy, (x: T) => add(x, 1), { donate: [0] });
    const a = await step(tensor([1, 2]));
    const b = await step(tensor([5, 6]));
    const c = await step(a);
    expect(await numbers(b)).toEqual([6, 7]);
    expect(await numbers(c)).toEqual([3, 4]);
    expect(step.compilations).toBe(1);
    o.dispose([b, c]);
    step.dispose();
    expect(spy.live.size).toBe(0);
  });

  test('two donated tensors may change places', async () => {
    const swap = compile(backend, (a: T, b: T) => [b, a] as const, { donate: [0, 1] });
    const [a, b] = await swap(await run(backend, f64([1])), await run(backend, f64([2])));
    expect([await a.item(), await b.item()]).toEqual([2, 1]);
  });

  test('a donated tensor that no result fits gives its buffer to a later result', async () => {
    const spy = spying();
    const f = compile(spy, (x: T, y: T) => o.sum(add(x, y), { axes: 0 }), {
      donate: [0],
      label: 'total',
    });
    const x = await run(spy, tensor([1, 2, 3]));
    expect(await (await f(x, tensor([0, 0, 0]))).item()).toBe(6);
    await expectError('donated', ['"total"'], () => x.read());
    f.dispose();
  });

  test('using a donated tensor names the call', async () => {
    const spy = spying();
    const step = compile(spy, (x: T) => add(x, 1), { donate: [0], label: 'train step' });
    const x = await run(spy, tensor([1]));
    const y = await step(x);
    await expectError('donated', ['"train step"', 'Use the result'], () => x.read());
    await expectError('donated', ['train step: argument "0"'], () => step(x));
    expect(o.leaks(spy).length).toBe(1);
    x.dispose(); // nothing happens: it is no longer the owner
    expect(await y.item()).toBe(2);
  });

  test('a donated tensor that is disposed before its call fails is gone', async () => {
    const spy = spying();
    const failing = compile(spy, (_x: T): T => o.fail('option-invalid', 'no'), { donate: [0] });
    const x = await run(spy, tensor([1]));
    const before = spy.live.size;
    const call = failing(x);
    x.dispose();
    await expectError('option-invalid', [], () => call);
    expect(o.leaks(spy)).toEqual([]);
    expect(spy.live.size).toBe(before - 1);
    await expectError('disposed', [], () => x.read());
  });

  test('the same tensor twice is refused, in either order', async () => {
    const both = (donate: number[]) => compile(backend, (a: T, b: T) => add(a, b), { donate });
    const x = await run(backend, tensor([1]));
    for (const donate of [[0], [1], [0, 1]])
      await expectError('donated', ['same tensor', 'do not donate'], () => both(donate)(x, x));
    const tied = compile(backend, (p: T[]) => p.map((t) => add(t, 1)), { donate: [0] });
    await expectError('donated', ['"0.1"', '"0.0"'], () => tied([x, x]));
    expect(await x.item()).toBe(1);
  });

  test.each(['alloc', 'compile', 'run'] as const)(
    'a call that fails at %s gives donated tensors back',
    async (at) => {
      const spy = spying();
      const step = compile(spy, (x: T, y: T) => ({ sum: add(x, y), more: o.concat([x, y]) }), {
        donate: [0],
      });
      const x = await run(spy, tensor([1]));
      const before = spy.live.size;
      spy.failNext = at;
      await expectError('out-of-memory', [], () => step(x, tensor([2])));
      if (at !== 'run') expect(spy.live.size).toBe(before);
      expect(await x.item()).toBe(1);
      expect(o.leaks(spy).length).toBe(1);
      const y = await step(x, tensor([2]));
      expect(await y.sum.item()).toBe(3);
      o.dispose(y);
      step.dispose();
      expect(spy.live.size).toBe(0);
    },
  );

  test('a call whose arguments are refused donates nothing', async () => {
    const step = compile(backend, (x: T, ids: T) => ({ x: add(x, 1), row: o.gather(x, ids) }), {
      donate: [0],
    });
    const x = await run(backend, f64([[1], [2]]));
    await expectError('index-out-of-range', [], () => step(x, i32([2])));
    await expectError('host-array', [], () => step(x, { data: [1], shape: [2] }));
    expect(await numbers(x)).toEqual([1, 2]);
    // All reads of the old value come before the new one is written.
    const y = await step(x, i32([1]));
    expect(await numbers(y.row)).toEqual([2]);
    expect(await numbers(y.x)).toEqual([2, 3]);
  });
});

describe('buffers', () => {
  test('disposed results are used again', async () => {
    const spy = spying();
    const f = compile(spy, (x: T) => ({ a: mul(x, 2), b: add(x, 1) }));
    for (let i = 0; i < 4; i++) {
      const y = await f(i);
      expect(await y.b.item()).toBe(i + 1);
      o.dispose(y);
    }
    expect(spy.allocs).toBe(3); // one upload, two results
    f.dispose();
    f.dispose();
    expect([spy.live.size, spy.executables]).toEqual([0, 0]);
  });

  test('a caller that hoards results does not make spares grow', async () => {
    const spy = spying();
    const f = compile(spy, (x: T) => mul(x, 2));
    const all = [];
    for (let i = 0; i < 20; i++) all.push(await f(i));
    o.dispose(all);
    expect(spy.live.size).toBeLessThanOrEqual(3);
    f.dispose();
    expect(spy.live.size).toBe(0);
  });

  test('results outlive the function, and give their buffers back later', async () => {
    const spy = spying();
    const f = compile(spy, (x: T) => mul(x, 2));
    const y = await f(21);
    f.dispose();
    expect(await y.item()).toBe(42);
    expect(spy.live.size).toBe(1);
    y.dispose();
    y.dispose();
    expect(spy.live.size).toBe(0);
    await expectError('compiled-disposed', ['Compile it again'], () => f(1));
    await expectError('disposed', ['Dispose it after its last use'], () => y.read());
  });

  test('a function disposed while it compiles keeps nothing', async () => {
    const spy = spying();
    const weights = tensor([1, 2]);
    const f = compile(spy, (x: T) => mul(x, weights));
    const pending = f(1);
    f.dispose();
    await expectError('compiled-disposed', [], () => pending);
    expect([spy.live.size, spy.executables]).toEqual([0, 0]);
  });

  test('compile errors leave nothing allocated', async () => {
    const cell = (x: T): unknown =>
      o.scan((h: T, xt: T) => [o.tanh(o.matmul(add(h, xt), xt)), null], o.zeros([2, 2]), x)[0];
    const x = tensor([
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    const { backend: fine, counts: all } = counted();
    const f = compile(fine, cell);
    await f(x);
    f.dispose();
    for (let failKernel = 1; failKernel <= all.kernels; failKernel++) {
      const { backend: failing, counts } = counted({ failKernel });
      await expectError('out-of-memory', [], () => compile(failing, cell)(x));
      expect(counts.live, `kernel ${failKernel}`).toBe(0);
    }
  });

  test('dispose frees what a kernel backend allocated', async () => {
    const { backend: b, counts } = counted();
    const f = compile(b, (x: T) => o.scan((h: T, xt: T) => [add(h, xt), h], o.scalar(0), x));
    const y = await f(tensor([1, 2, 3]));
    o.dispose(y);
    f.dispose();
    expect(counts.live).toBe(0);
  });

  test('leaks lists exactly what is alive, with a place in the caller', async () => {
    const spy = spying();
    const f = compile(spy, (x: T) => ({ twice: mul(x, 2), h: o.cast(x, 'int32') }));
    expect(o.leaks(spy)).toEqual([]);
    const y = await f(1);
    expect(o.leaks(spy)).toMatchObject([
      { label: 'h', shape: [], dtype: 'int32', bytes: 4 },
      { label: 'twice', shape: [], dtype: 'float32', bytes: 4 },
    ]);
    for (const { place } of o.leaks(spy)) expect(place).toContain('trace.test');
    y.h.dispose();
    expect(o.leaks(spy).map((l) => l.label)).toEqual(['twice']);
    {
      using gone = y.twice;
      expect(await gone.item()).toBe(2);
    }
    expect(o.leaks(spy)).toEqual([]);
  });

  test('leaks of a function called often have a place too', async () => {
    const spy = spying();
    const f = compile(spy, (x: T) => mul(x, 2));
    const held: T[] = []; // what nobody holds is given back at any time
    for (let k = 0; k < 600; k++) held.push(await f(k));
    const found = o.leaks(spy);
    expect(found.length).toBe(600);
    for (const { place } of found) expect(place).toContain('trace.test');
    o.dispose(held);
    expect(o.leaks(spy)).toEqual([]);
  });

  test('scope disposes what it owns, however it ends', async () => {
    const spy = spying();
    const f = compile(spy, (x: T) => ({ a: mul(x, 2), b: [x] }));
    const value = await o.scope(async (own) => (await own(await f(1)).a.read()).data[0]);
    expect(value).toBe(2);
    await expect(
      o.scope(async (own) => {
        own(await f(1));
        throw new Error('mine');
      }),
    ).rejects.toThrow('mine');
    expect(o.leaks(spy)).toEqual([]);
  });
});

describe('run', () => {
  test('evaluates shared parts once', async () => {
    const { backend: b, counts } = counted();
    const shared = o.matmul(
      tensor([
        [1, 2],
        [3, 4],
      ]),
      tensor([
        [1, 0],
        [0, 1],
      ]),
    );
    const y = await run(b, { a: o.sum(shared), b: o.max(shared), c: shared });
    expect(await y.a.item()).toBe(10);
    expect(counts.launches).toBe(3);
    o.dispose(y);
    expect(counts.live).toBe(0);
  });

  test('keeps the tree, null and undefined included', async () => {
    const y = await run(backend, { z: [f64(1), null], a: undefined, e: {} });
    expect(y).toMatchObject({ z: [{ shape: [] }, null], a: undefined, e: {} });
    expect(y.z[0]).toBeInstanceOf(Tensor);
  });

  test('copies what already ran', async () => {
    const x = await run(backend, f64([1]));
    const y = await run(backend, x);
    x.dispose();
    expect(await y.item()).toBe(1);
  });
});

describe('backends', () => {
  test('two in one process', async () => {
    const [a, b] = [reference(), counted().backend];
    const f = (x: T): T => mul(x, 2);
    const [x, y] = [await compile(a, f)(1), await compile(b, f)(2)];
    expect([await x.item(), await y.item()]).toEqual([2, 4]);
    await expectError('wrong-backend', ['"reference"', '"counted"', 'Read it'], () =>
      compile(b, f)(x),
    );
    await expectError('wrong-backend', ['captured'], () => compile(b, (z: T) => add(z, x))(1));
  });
});

describe('reading', () => {
  test('lazy tensors say that they never ran, with their scope', async () => {
    const lazy = o.named('encoder', () => o.named('lstm', () => add(f64([1]), 1)));
    await expectError('not-run', ['"encoder/lstm/map"', 'run(backend, tensor)'], () => lazy.read());
  });
  test('read gives a copy with shape and dtype', async () => {
    const x = await run(backend, i32([[1, 2]]));
    const first = await x.read();
    expect(first).toEqual({ data: Int32Array.of(1, 2), shape: [1, 2], dtype: 'int32' });
    first.data[0] = 9;
    expect(await numbers(x)).toEqual([1, 2]);
    const host = i32([5]);
    (await host.read()).data[0] = 6;
    expect(await numbers(host)).toEqual([5]);
  });

  describe('into an array', () => {
    /** As a device answers: later, and from a copy of its own or into the array, as asked. */
    const later = (takes: boolean, meanwhile = () => {}): Backend<ArrayBuffer> => ({
      ...backend,
      async read(buffer, at, bytes, into) {
        const copy = await backend.read(buffer, at, bytes);
        await Promise.resolve().then(meanwhile);
        return takes ? copied(copy, into) : copy;
      },
    });
    /** To an interface without targets. */
    const old: Backend<ArrayBuffer> = {
      ...backend,
      read: (buffer, at, bytes) => backend.read(buffer, at, bytes),
    };
    const blocks = {
      plain: (bytes: number) => new ArrayBuffer(bytes),
      resizable: (bytes: number) => new ArrayBuffer(bytes, { maxByteLength: 2 * bytes }),
      shared: (bytes: number) => new SharedArrayBuffer(bytes),
    };
    test.each(['float32', 'int32', 'uint32', 'bool', 'float64'] as const)(
      'gives what a read gives, in any %s array, and nothing beside it',
      async (dtype) => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 20 }),
            fc.constantFrom(...Object.values(blocks)),
            fc.record({ before: fc.nat({ max: 3 }), after: fc.nat({ max: 3 }) }),
            fc.constantFrom(null, backend, old, later(true), later(false)),
            async (values, blockOf, { before, after }, on) => {
              const host = tensor(values, { dtype });
              const x = on ? await run(on, host) : host;
              const { data, shape } = await x.read();
              const size = before + values.length + after;
              const around = new (data.constructor as Float32ArrayConstructor)(
                blockOf(size * data.BYTES_PER_ELEMENT),
              ).fill(7);
              const into = around.subarray(before, before + values.length);
              const got = await x.read({ into });
              expect(got.data).toBe(into);
              expect([got.shape, got.dtype]).toEqual([shape, dtype]);
              const sevens = (n: number): number[] => new Array(n).fill(7);
              expect([...around]).toEqual([...sevens(before), ...data, ...sevens(after)]);
              x.dispose();
            },
          ),
        );
      },
    );
    test('has the type of the array', () => {
      const x = tensor([1]);
      const words = () => x.read({ into: new Int32Array(1) });
      expectTypeOf(words).returns.resolves.toEqualTypeOf<o.HostArray<Int32Array<ArrayBuffer>>>();
      expectTypeOf(x.read).returns.resolves.toExtend<o.HostArray>();
      // @ts-expect-error: bytes are no elements
      expect(() => x.read({ into: new Uint8Array(4) })).toBeTypeOf('function');
    });
    test('the values are those at the call', async () => {
      const f = compile(backend, (x: T) => mul(x, 2), { donate: [0] });
      const first = await f(tensor([1, 2]));
      const into = new Float32Array(2);
      const reading = first.read({ into });
      await f(first);
      expect((await reading).data).toBe(into);
      expect([...into]).toEqual([2, 4]);
    });
    test('an array that does not fit is refused', async () => {
      const host = tensor([[1, 2]]);
      const transferred = new Float32Array(2);
      transferred.buffer.transfer();
      const block = new ArrayBuffer(8, { maxByteLength: 8 });
      const shrunk = new Float32Array(block);
      block.resize(4);
      for (const x of [host, await run(backend, host)])
        for (const [into, got] of [
          [new Float64Array(2), 'got Float64Array(2)'],
          [new Uint32Array(2), 'got Uint32Array(2)'],
          [new Float32Array(3), 'got Float32Array(3)'],
          [transferred, 'got Float32Array(0)'],
          [shrunk, 'got Float32Array(1)'],
          [[0, 0] as never, 'got Array(2)'],
        ] as const)
          await expectError(
            'host-array',
            ['float32[1,2]', 'fits Float32Array(2)', got, 'transferred'],
            () => x.read({ into }),
          );
      const truth = tensor([true]);
      expect([...(await truth.read({ into: new Uint32Array(1) })).data]).toEqual([1]);
    });
    test.each([true, false])(
      'an array that is transferred before the device answers (takes targets: %s)',
      async (takes) => {
        const into = new Float32Array(2);
        const on = later(takes, () => into.buffer.transfer());
        const x = await run(on, tensor([1, 2]));
        await expectError('host-array', ['got Float32Array(0)'], () => x.read({ into }));
      },
    );
    test('tensors that have no values say what they say without', async () => {
      const into = new Float32Array(2);
      await expectError('not-run', ['never ran'], () => add(tensor([1, 2]), 1).read({ into }));
      const gone = await run(backend, tensor([1, 2]));
      gone.dispose();
      await expectError('disposed', ['read'], () => gone.read({ into }));
      expect([...into]).toEqual([0, 0]);
    });
  });
  describe('looking in place', () => {
    /** As a device far away: nothing lies in this thread's memory. */
    const far: Backend<ArrayBuffer> = { ...backend, view: () => undefined };
    /** Its buffers begin anywhere. */
    const odd: Backend<ArrayBuffer> = {
      ...backend,
      view(buffer, at, bytes) {
        const around = new Uint8Array(bytes + 1);
        around.set(backend.view?.(buffer, at, bytes) ?? []);
        return around.copyWithin(1, 0).subarray(1);
      },
    };
    /** As `odd`, in Node's Buffers, whose slices share their bytes. */
    const node: Backend<ArrayBuffer> = {
      ...odd,
      view(buffer, at, bytes) {
        const seen = odd.view?.(buffer, at, bytes);
        return seen && Buffer.from(seen.buffer, seen.byteOffset, bytes);
      },
    };
    test.each(['float32', 'int32', 'uint32', 'bool', 'float64'] as const)(
      'shows %s as a read gives it',
      async (dtype) => {
        const host = tensor([[0, 1, 1]], { dtype });
        for (const x of [
          host,
          await run(backend, host),
          await run(far, host),
          await run(odd, host),
          await run(node, host),
        ]) {
          const read = await x.read();
          expect(await o.peek(x, ({ data, ...rest }) => ({ ...rest, data: data.slice() }))).toEqual(
            read,
          );
        }
      },
    );
    test('nothing is copied where the backend shows its memory', async () => {
      const x = await run(backend, tensor([1, 2]));
      const seen = await o.peek(x, ({ data }) => data.buffer);
      expect(await o.peek(x, ({ data }) => data.buffer)).toBe(seen);
      expect((await x.read()).data.buffer).not.toBe(seen);
    });
    test('a function that looks must not be async, and what it throws comes through', async () => {
      const x = await run(backend, tensor([1]));
      await expectError('option-invalid', ['peek', 'float32[1]', 'promise', 'read()'], () =>
        o.peek(x, async ({ data }) => data[0]),
      );
      const thrown = new Error('of the caller');
      await expect(
        o.peek(x, () => {
          throw thrown;
        }),
      ).rejects.toBe(thrown);
      expect(await o.peek(x, () => null)).toBe(null);
    });
    test('tensors that have no values say so', async () => {
      await expectError('not-run', ['never ran'], () => o.peek(add(tensor([1]), 1), () => 0));
      const gone = await run(backend, tensor([1]));
      gone.dispose();
      await expectError('disposed', ['peek'], () => o.peek(gone, () => 0));
    });
  });
  test('item needs one element', () =>
    expectError('shape-mismatch', ['item', 'Use read'], () => f64([1, 2]).item()));
});

test('explain shows launches, bytes, scratch and the program', async () => {
  const f = compile(backend, (x: T) => o.sum(o.matmul(x, x)), { label: 'loss' });
  expect(explain(f)).toBe('loss on reference: 0 compiled');
  await f(
    tensor([
      [1, 2],
      [3, 4],
    ]),
  );
  expect(explain(f)).toMatchInlineSnapshot(`
    "loss on reference: 1 compiled

    2 launches (1 contract, 1 loop); 16 bytes in, 4 out, 16 scratch
    in  %0 0: float32[4]
    out %1 reduce: float32[1]
    scratch 16 bytes
    contract [2,2] over [2] %0 0<2,0,1> * %0 0<0,1,2> -> %2 contract<2,1>
    loop [] sum over [2,2]
        %1 reduce<> = %2 contract<2,1>"
  `);
});

describe('tensor()', () => {
  test('nested numbers and booleans, scalars, types', async () => {
    expect(tensor(3).shape).toEqual([]);
    expect(tensor([[true], [false]]).dtype).toBe('bool');
    expect(tensor([1, 2]).dtype).toBe('float32');
    expect(await numbers(tensor([1.9, -1], { dtype: 'int32' }))).toEqual([1, -1]);
    expect(
      await numbers(tensor({ data: Int8Array.of(-3), shape: [1] }, { dtype: 'int32' })),
    ).toEqual([-3]);
    const same = f64([1]);
    expect(tensor(same)).toBe(same);
  });
  test('copies', async () => {
    const data = Float32Array.of(1);
    const t = tensor({ data, shape: [1] });
    data[0] = 2;
    expect(await numbers(t)).toEqual([1]);
  });
  test('ragged or mixed nests are refused', async () => {
    await expectError('host-array', ['level 1', 'one length per level'], () =>
      tensor([[1, 2], [3]]),
    );
    await expectError('host-array', ['depth'], () => tensor([1, [2]]));
    await expectError('host-array', ['string'], () => tensor(['a'] as never));
    await expectError('shape-invalid', ['Empty'], () => tensor([]));
  });
});
