import { add, compile, mul, type Tensor } from '@ostinato/core';
import { apply, arg, type Backend, programBuilder, window } from '@ostinato/core/backend';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wasm } from '../src/index.ts';
import { Heap, type WasmBuffer } from '../src/memory.ts';

test('parts never overlap, start on cache lines, and are zero', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 300_000 })), { maxLength: 60 }),
      (actions) => {
        const heap = new Heap();
        const live: WasmBuffer[] = [];
        for (const [free, n] of actions) {
          if (free && live.length > 0) {
            const [gone] = live.splice(n % live.length, 1) as [WasmBuffer];
            new Uint8Array(heap.memory.buffer, gone.address, gone.bytes).fill(0xff);
            heap.free(gone);
            continue;
          }
          const buffer = heap.alloc(n);
          expect(buffer.address % 64).toBe(0);
          const bytes = new Uint8Array(heap.memory.buffer, buffer.address, n);
          expect(bytes.every((b) => b === 0)).toBe(true);
          for (const other of live)
            expect(
              buffer.address >= other.address + other.bytes ||
                other.address >= buffer.address + buffer.bytes,
            ).toBe(true);
          live.push(buffer);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('what is freed is used again, so memory does not grow', () => {
  const heap = new Heap();
  const size = 3 << 20;
  heap.free(heap.alloc(size));
  const before = heap.memory.buffer.byteLength;
  for (let k = 0; k < 50; k++) {
    const [a, b] = [heap.alloc(size / 3), heap.alloc(size / 2)];
    heap.free(a);
    heap.free(b);
  }
  expect(heap.memory.buffer.byteLength).toBe(before);
});

test('an engine that has fewer addresses left than 4 GiB gets along with these; without any, opening says so', async () => {
  const { Memory } = WebAssembly;
  let most = 8192;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      if ((descriptor.maximum as number) > most) throw new RangeError('no room');
      super(descriptor);
    }
  };
  try {
    const heap = new Heap();
    const kept = heap.alloc(2 ** 28);
    heap.write(kept, Uint8Array.of(7));
    expect(() => heap.alloc(2 ** 28)).toThrow(/no room for 268435456 bytes/);
    expect((await heap.read(kept, 0, 1))[0]).toBe(7);
    most = 0;
    await expect(wasm()).rejects.toMatchObject({ code: 'out-of-memory' });
  } finally {
    WebAssembly.Memory = Memory;
  }
});

test('asking for more than there can be is an error, and nothing is lost', async () => {
  const heap = new Heap();
  const kept = heap.alloc(8);
  heap.write(kept, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  expect(() => heap.alloc(5 * 2 ** 30, 'huge')).toThrow(/no room for .* \("huge"\)/);
  expect([...(await heap.read(kept))]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(heap.alloc(64).bytes).toBe(64);
});

test('a freed buffer can be neither read nor written; freeing twice is nothing', async () => {
  const heap = new Heap();
  const buffer = heap.alloc(16);
  heap.free(buffer);
  heap.free(buffer);
  expect(() => heap.write(buffer, new Uint8Array(4))).toThrow(/freed/);
  await expect(heap.read(buffer)).rejects.toMatchObject({ code: 'disposed' });
});

test("a program that was disposed, or whose backend was, cannot run: its memory may be somebody else's", async () => {
  const p = programBuilder();
  const [x, y] = [p.input('x', 'float32', 4), p.output('y', 'float32', 4)];
  p.loop({
    shape: [4],
    args: [window(x, [1])],
    body: [apply('add', arg(0), arg(0))],
    outs: [window(y, [1])],
  });
  const program = p.program();
  for (const how of ['program', 'backend', 'backend, while it compiles'] as const) {
    const backend = await wasm({ threads: 2, threadsFrom: 1 });
    const refs = [16, 16].map((n) => ({ buffer: backend.alloc(n), offset: 0 }));
    const compiling = backend.compile(program);
    if (how === 'backend, while it compiles') {
      backend.dispose();
      await expect(compiling).rejects.toThrow(/disposed/);
      continue;
    }
    const executable = await compiling;
    const run = () => executable.run(refs.slice(0, 1), refs.slice(1));
    run();
    if (how === 'program') executable.dispose();
    if (how === 'backend') backend.dispose();
    expect(run).toThrow(/disposed/);
    backend.dispose();
  }
});

test('as many buffers as a function may have parameters, and no more', async () => {
  const backend = (await wasm({ threads: 1 })) as unknown as Backend;
  const make = (k: number) => ({ data: Float32Array.of(k, -k), shape: [2] });
  const count = 300; // four of each make 1200
  const all = (by: number) => Array.from({ length: count }, (_, k) => make(by * k));
  const step = compile(backend, (p: Tensor[], m: Tensor[]) =>
    p.map((x, k) => [add(x, m[k] as Tensor), mul(x, m[k] as Tensor)]),
  );
  const out = await step(all(1), all(2));
  for (const k of [0, 7, count - 1]) {
    const [sum, product] = out[k] as Tensor[];
    expect([...((await sum?.read())?.data ?? [])]).toEqual([3 * k, -3 * k]);
    expect([...((await product?.read())?.data ?? [])]).toEqual([2 * k * k, 2 * k * k]);
  }
  backend.dispose();
});

test('memory goes soon after a backend is disposed, though engines do not count what is shared', async () => {
  const memories: WeakRef<ArrayBufferLike>[] = [];
  for (let k = 0; k < 40; k++) {
    const backend = await wasm({ threads: 1 });
    const buffer = backend.alloc(1 << 26);
    const view = backend.view?.(buffer, 0, 1) as Uint8Array;
    memories.push(new WeakRef(view.buffer));
    backend.dispose();
    await new Promise((resolve) => setImmediate(resolve)); // until then, what was looked at stays
  }
  // 2.6 GB, were none collected.
  expect(memories.filter((m) => m.deref()).length).toBeLessThan(20);
});
