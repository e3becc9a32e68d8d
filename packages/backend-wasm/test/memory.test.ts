import fc from 'fast-check';
import { expect, test } from 'vitest';
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
