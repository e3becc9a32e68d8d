/** A worker that leads: everything in call order, a thread that stays free, errors that arrive, and no worker left. */
import { execFileSync } from 'node:child_process';
import {
  apply,
  arg,
  axisIndex,
  type Backend,
  cast,
  type Executable,
  type Program,
  programBuilder,
  type Ref,
  window,
} from '@ostinato/core/backend';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { FunctionBuilder } from '../src/assembler/function.ts';
import { f32, i32 } from '../src/assembler/instructions.ts';
import { encodeModule } from '../src/assembler/module.ts';
import { openWasm, type WasmOptions } from '../src/backend.ts';
import { Heap, type WasmBuffer } from '../src/memory.ts';
import { openLead } from '../src/threads/lead.ts';
import { openPool } from '../src/threads/pool.ts';
import { trainingStep } from './training.ts';

type Wasm = Backend<WasmBuffer>;

const led = (options: WasmOptions): Promise<Wasm> => openWasm(options, { led: true });

const sizes = { words: 40, steps: 7, batch: 13, units: 12 };

const step = async (backend: Wasm): Promise<number[][]> =>
  (await trainingStep(backend as unknown as Backend, sizes)).map((v) => [
    ...new Uint32Array(v.buffer, v.byteOffset, v.length),
  ]);

const ref = (buffer: WasmBuffer): Ref<WasmBuffer> => ({ buffer, offset: 0 });

const bytesOf = (values: readonly number[]): Uint8Array =>
  new Uint8Array(Float32Array.from(values).buffer);

const valuesOf = (bytes: Uint8Array): number[] => [...new Float32Array(bytes.slice().buffer)];

/** out = a + b */
function sum(size: number): Program {
  const p = programBuilder();
  const [a, b] = [p.input('a', 'float32', size), p.input('b', 'float32', size)];
  const out = p.output('out', 'float32', size);
  p.loop({
    shape: [size],
    args: [window(a, [1]), window(b, [1])],
    body: [apply('add', arg(0), arg(1))],
    outs: [window(out, [1])],
  });
  return p.program();
}

/** out = x w, with w of [depth, columns]: w is packed, and stays so until it is written. */
function product(rows: number, depth: number, columns: number): Program {
  const p = programBuilder();
  const x = p.input('x', 'float32', rows * depth);
  const w = p.input('w', 'float32', depth * columns);
  const out = p.output('out', 'float32', rows * columns);
  p.contract({
    shape: [rows, columns],
    over: [depth],
    args: [window(x, [depth, 0, 1]), window(w, [0, 1, columns])],
    out: window(out, [columns, 1]),
  });
  return p.program();
}

/** out[i] = sum over k of sin(x[i] + k): some nanoseconds per term. */
function longWork(rows: number, terms: number): Program {
  const p = programBuilder();
  const x = p.input('x', 'float32', rows);
  const out = p.output('out', 'float32', rows);
  p.loop({
    shape: [rows],
    over: [terms],
    args: [window(x, [1, 0])],
    body: [apply('sin', apply('add', arg(0), cast('float32', axisIndex(1))))],
    outs: [window(out, [1])],
  });
  return p.program();
}

/** Half a second or so on one thread. */
const heavy = longWork(32, 1 << 20);

async function start(backend: Wasm, program = heavy): Promise<() => WasmBuffer> {
  const executable = await backend.compile(program);
  const x = backend.alloc(128, 'x');
  return () => {
    const out = backend.alloc(128, 'out');
    executable.run([ref(x)], [ref(out)]);
    return out;
  };
}

describe('numbers', () => {
  test('the bits of one thread, however many there are', async () => {
    const alone = await openWasm({ threads: 1 }, {});
    const want = await step(alone);
    alone.dispose();
    for (const threads of [2, 3, 5]) {
      const backend = await led({ threads, threadsFrom: 0 });
      for (let run = 0; run < 2; run++) expect(await step(backend)).toEqual(want);
      expect(await Promise.all([1, 2, 3].map(() => step(backend)))).toEqual([want, want, want]);
      expect(backend.info().notes).toContain(`threads: ${threads}, led by a worker`);
      backend.dispose();
    }
  });

  test('writes, runs, reads and recycled memory take effect in call order', async () => {
    const backend = await led({ threads: 2, threadsFrom: 0 });
    const size = 40;
    const add = await backend.compile(sum(size));
    const place = fc.nat({ max: 4 });
    const action = fc.oneof(
      fc.record({ kind: fc.constant('write' as const), at: place, value: fc.nat({ max: 99 }) }),
      fc.record({ kind: fc.constant('add' as const), a: place, b: place, out: place }),
      fc.record({ kind: fc.constant('renew' as const), at: place }),
      fc.record({
        kind: fc.constant('read' as const),
        at: place,
        block: fc.constantFrom(undefined, ArrayBuffer, SharedArrayBuffer),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        const buffers = Array.from({ length: 5 }, () => backend.alloc(size * 4));
        const model = buffers.map(() => new Array<number>(size).fill(0));
        const reads: { want: readonly number[]; got: Promise<Uint8Array> }[] = [];
        const read = (at: number, into?: Uint8Array): void => {
          reads.push({
            want: model[at] as number[],
            got: backend.read(buffers[at] as WasmBuffer, 0, size * 4, into),
          });
        };
        for (const action of actions)
          if (action.kind === 'write') {
            const values = model[action.at]?.map((_, k) => action.value + k) as number[];
            model[action.at] = values;
            const bytes = bytesOf(values);
            backend.write(buffers[action.at] as WasmBuffer, bytes);
            bytes.fill(0); // what the caller does with it afterwards is nobody's business
          } else if (action.kind === 'add') {
            const { a, b, out } = action;
            if (out === a || out === b || a === b) continue; // refs share no memory
            const [x, y] = [model[a] as number[], model[b] as number[]];
            model[out] = x.map((v, k) => Math.fround(v + (y[k] as number)));
            add.run(
              [ref(buffers[a] as WasmBuffer), ref(buffers[b] as WasmBuffer)],
              [ref(buffers[out] as WasmBuffer)],
            );
          } else if (action.kind === 'renew') {
            backend.free(buffers[action.at] as WasmBuffer);
            buffers[action.at] = backend.alloc(size * 4);
            model[action.at] = new Array<number>(size).fill(0);
          } else {
            const { at, block: Block } = action;
            read(at, Block && new Uint8Array(new Block(size * 4 + 8), 4, size * 4));
          }
        for (let at = 0; at < buffers.length; at++) read(at);
        for (const buffer of buffers) backend.free(buffer); // after the reads were asked for
        for (const { want, got } of reads) expect(valuesOf(await got)).toEqual(want);
      }),
      { numRuns: 100 },
    );
    backend.dispose();
  });

  test('an array on shared memory is filled by the worker, any other has its copy from this thread', async () => {
    const backend = await led({ threads: 2, threadsFrom: 0 });
    const add = await backend.compile(sum(2));
    const [a, b, c] = [backend.alloc(8), backend.alloc(8), backend.alloc(8)];
    backend.write(a, bytesOf([1, 2]));
    backend.write(b, bytesOf([3, 4]));
    add.run([ref(a), ref(b)], [ref(c)]);
    const shared = new Uint8Array(new SharedArrayBuffer(24), 8, 8);
    expect(await backend.read(c, 0, 8, shared)).toBe(shared);
    expect(valuesOf(shared)).toEqual([4, 6]);
    const own = new Uint8Array(8);
    const copy = await backend.read(c, 0, 8, own);
    expect(copy).not.toBe(own);
    expect(valuesOf(copy)).toEqual([4, 6]);
    backend.dispose();
  });

  test('weights that stay packed are packed again when they were written, run by run', async () => {
    const [rows, depth, columns] = [9, 24, 40];
    const series = (n: number, seed: number): number[] =>
      Array.from({ length: n }, (_, k) => Math.sin(k * 0.7 + seed));
    const outputs = async (backend: Wasm): Promise<number[][]> => {
      const executable = await backend.compile(product(rows, depth, columns));
      const x = backend.alloc(rows * depth * 4);
      const w = backend.alloc(depth * columns * 4);
      backend.write(x, bytesOf(series(rows * depth, 0)));
      const reads: Promise<Uint8Array>[] = [];
      for (const seed of [1, 2, 2, 3]) {
        if (seed !== 2 || reads.length < 2)
          backend.write(w, bytesOf(series(depth * columns, seed)));
        const out = backend.alloc(rows * columns * 4);
        executable.run([ref(x), ref(w)], [ref(out)]);
        reads.push(backend.read(out));
        backend.free(out);
      }
      return (await Promise.all(reads)).map(valuesOf);
    };
    const [one, other] = [
      await openWasm({ threads: 1 }, {}),
      await led({ threads: 2, threadsFrom: 0 }),
    ];
    const [want, got] = [await outputs(one), await outputs(other)];
    expect(got).toEqual(want);
    expect(want[0]).not.toEqual(want[1]);
    expect(want[1]).toEqual(want[2]);
    expect(want[2]).not.toEqual(want[3]);
    one.dispose();
    other.dispose();
  });

  test('a program that ran here before there was a lead goes on there', async () => {
    const backend = await led({ threads: 2 });
    const [rows, depth, columns] = [4, 24, 40];
    const light = await backend.compile(product(rows, depth, columns));
    const x = backend.alloc(rows * depth * 4);
    const w = backend.alloc(depth * columns * 4);
    const out = backend.alloc(rows * columns * 4);
    const again = async (executable: Executable<WasmBuffer>, value: number): Promise<number[]> => {
      backend.write(x, bytesOf(new Array(rows * depth).fill(value)));
      executable.run([ref(x), ref(w)], [ref(out)]);
      return valuesOf(await backend.read(out));
    };
    const all = (value: number): number[] => new Array(rows * columns).fill(value);
    backend.write(w, bytesOf(new Array(depth * columns).fill(0.5)));
    expect(await again(light, 1)).toEqual(all(depth / 2));
    const run = await start(backend); // starts the workers
    const long = run();
    expect(await again(light, 2)).toEqual(all(depth)); // what was packed here is used there
    backend.write(w, bytesOf(new Array(depth * columns).fill(2)));
    expect(await again(light, 3)).toEqual(all(6 * depth));
    light.dispose();
    expect((await backend.read(long)).length).toBe(128);
    backend.dispose();
  });

  test('memory grows while the lead computes', async () => {
    const backend = await led({ threads: 2, threadsFrom: 0 });
    const add = await backend.compile(sum(1 << 20));
    const run = await start(backend);
    const first = valuesOf(await backend.read(run()));
    const busy = run();
    const [a, b, out] = [0, 1, 2].map(() => backend.alloc(4 << 20)) as [
      WasmBuffer,
      WasmBuffer,
      WasmBuffer,
    ];
    backend.write(a, bytesOf(new Array(1 << 20).fill(1)));
    backend.write(b, bytesOf(new Array(1 << 20).fill(2)));
    add.run([ref(a), ref(b)], [ref(out)]);
    expect(valuesOf(await backend.read(out)).every((x) => x === 3)).toBe(true);
    expect(valuesOf(await backend.read(busy))).toEqual(first);
    backend.dispose();
  });
});

describe('the thread that asks', () => {
  test('stays free while a run is in flight', async () => {
    const backend = await led({ threads: 2 });
    const run = await start(backend);
    await backend.read(run());
    const events: string[] = [];
    const timer = setInterval(() => events.push('timer'), 5);
    const out = run();
    events.push('asked');
    await backend.read(out).then(() => events.push('read'));
    clearInterval(timer);
    backend.dispose();
    expect(events[0]).toBe('asked');
    expect(events.at(-1)).toBe('read');
    expect(events.filter((e) => e === 'timer').length).toBeGreaterThan(2);
  });

  test('keeps what is light, and starts no worker for it', async () => {
    const backend = await led({ threads: 2 });
    const [a, b, out] = [0, 1, 2].map(() => backend.alloc(16)) as [
      WasmBuffer,
      WasmBuffer,
      WasmBuffer,
    ];
    backend.write(a, bytesOf([1, 2, 3, 4]));
    const add = await backend.compile(sum(4));
    let read = false;
    add.run([ref(a), ref(b)], [ref(out)]);
    const values = backend.read(out).then((bytes) => {
      read = true;
      return valuesOf(bytes);
    });
    // Only what is here already can be read without a turn of the event loop.
    for (let k = 0; k < 10; k++) await null;
    expect(read).toBe(true);
    expect(await values).toEqual([1, 2, 3, 4]);
    backend.dispose();
  });
});

/** Writes far outside the memory, in one thread only. */
function trapIn(thread: number): WebAssembly.Module {
  const f = new FunctionBuilder('trap');
  for (const name of ['first', 'count']) f.param('i32', name);
  const index = f.param('i32', 'thread');
  const here = i32.op('eq', f.get(index), i32.const(thread));
  f.store('f32.store', i32.mul(here, i32.const(-16)), f32.const(0));
  const memory = { shared: true, minimum: 1, maximum: 65536 };
  return new WebAssembly.Module(encodeModule([f.finish()], memory));
}

describe('the end', () => {
  for (const thread of [0, 1])
    test(`a trap in thread ${thread} rejects the next read and all that follows`, async () => {
      const heap = new Heap({ shared: true });
      const buffer = heap.alloc(64);
      const lead = await openLead(heap, 2);
      const code = { modules: [trapIn(thread)], names: ['trap'], parted: true };
      const loaded = lead.load(code);
      loaded.run([{ number: 0, args: [], parts: 2 }]);
      await expect(heap.read(buffer)).rejects.toMatchObject({
        code: 'device-lost',
        message: expect.stringMatching(/^wasm: read failed.*out of bounds.*Open a new backend/),
      });
      await expect(heap.read(buffer)).rejects.toMatchObject({ code: 'device-lost' });
      const late = [
        () => heap.write(buffer, new Uint8Array(4)),
        () => heap.alloc(64),
        () => loaded.run([]),
        () => lead.load(code),
      ];
      for (const f of late)
        expect(f).toThrow(/wasm: .* failed, a worker has ended .*out of bounds/);
      // What only gives back is never refused.
      loaded.drop();
      heap.free(buffer);
      lead.dispose();
    });

  test('without a lead, a trap in a helper fails the run', async () => {
    const heap = new Heap({ shared: true });
    const pool = await openPool(heap, 2);
    const loaded = await pool.load({ modules: [trapIn(1)], names: ['trap'], parted: true }, [
      () => undefined,
    ]);
    const run = (): void => loaded.run([{ number: 0, args: [], parts: 2 }]);
    expect(run).toThrow(/another thread/);
    expect(run).toThrow(/another thread/);
    // Its own error comes with an event.
    await vi.waitFor(() =>
      expect(run).toThrow(/wasm: run failed, a worker has ended .*out of bounds/),
    );
    loaded.drop();
    pool.dispose();
  });

  test('a module that no worker can make its own rejects the next read', async () => {
    const heap = new Heap({ shared: true });
    const buffer = heap.alloc(64);
    const lead = await openLead(heap, 2);
    const f = new FunctionBuilder('private');
    const memory = { shared: false, minimum: 1, maximum: 1 }; // ours is shared
    const module = new WebAssembly.Module(encodeModule([f.finish()], memory));
    lead.load({ modules: [module], names: ['private'], parted: true });
    await expect(heap.read(buffer)).rejects.toMatchObject({ code: 'device-lost' });
    lead.dispose();
  });

  test('dispose with work in flight rejects what waits, and what comes later', async () => {
    const backend = await led({ threads: 2 });
    const run = await start(backend);
    const out = run();
    const waiting = backend.read(out);
    backend.dispose();
    await expect(waiting).rejects.toMatchObject({ code: 'disposed' });
    await expect(backend.read(out)).rejects.toMatchObject({ code: 'disposed' });
    expect(() => backend.write(out, new Uint8Array(4))).toThrow(/disposed. Open another/);
    expect(run).toThrow(/disposed. Open another/);
    backend.free(out);
    backend.dispose();
  });

  const script = (end: string): string =>
    execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { openWasm } from ${JSON.stringify(new URL('../src/backend.ts', import.meta.url).href)};
         import { trainingStep } from ${JSON.stringify(new URL('./training.ts', import.meta.url).href)};
         const backend = await openWasm({ threads: 2, threadsFrom: 0 }, { led: true });
         await trainingStep(backend, ${JSON.stringify(sizes)});
         ${end}`,
      ],
      { encoding: 'utf8', timeout: 20_000 },
    );

  test('a script that forgets dispose ends by itself', () => {
    expect(script(`console.log('done');`)).toBe('done\n');
  });

  test('a script that waits for a read stays until it is there', () => {
    expect(
      script(`
        const buffer = backend.alloc(4);
        backend.write(buffer, Uint8Array.of(1, 2, 3, 4));
        console.log([...(await backend.read(buffer))].join());`),
    ).toBe('1,2,3,4\n');
  });
});
