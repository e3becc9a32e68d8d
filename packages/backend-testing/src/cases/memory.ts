/** Memory: what was written comes back, zero at first, in call order. */
import { arg, type Backend, programBuilder, window } from '@ostinato/core/backend';
import { type ConformanceCase, withBackend } from '../case.ts';

const bytes = (n: number, from = 1): Uint8Array =>
  Uint8Array.from({ length: n }, (_, k) => (from + 7 * k) & 0xff);

function same(got: Uint8Array, want: Uint8Array, what: string): void {
  if (got.length < want.length) throw new Error(`${what}: ${got.length} of ${want.length} bytes`);
  want.forEach((b, k) => {
    if (got[k] !== b) throw new Error(`${what}: byte ${k} is ${got[k]}, should be ${b}`);
  });
}

async function zeroAtFirst(backend: Backend): Promise<void> {
  for (const size of [4, 16, 100, 5000]) {
    const first = backend.alloc(size);
    same(await backend.read(first, 0, size), new Uint8Array(size), 'a new buffer');
    backend.write(first, bytes(size));
    backend.free(first);
    // Even where the backend hands out the same memory again.
    const again = backend.alloc(size);
    same(await backend.read(again, 0, size), new Uint8Array(size), 'a recycled buffer');
    backend.free(again);
  }
}

async function offsets(backend: Backend): Promise<void> {
  const buffer = backend.alloc(64);
  const want = new Uint8Array(64);
  for (const [at, n] of [
    [0, 8],
    [12, 4],
    [60, 4],
    [4, 20],
  ] as const) {
    backend.write(buffer, bytes(n, at), at);
    want.set(bytes(n, at), at);
  }
  // A view into a larger array: only its own bytes count.
  backend.write(buffer, bytes(40).subarray(8, 16), 32);
  want.set(bytes(40).subarray(8, 16), 32);
  same(await backend.read(buffer), want, 'the whole buffer');
  same(await backend.read(buffer, 8), want.subarray(8), 'from byte 8 on');
  const part = await backend.read(buffer, 32, 8);
  same(part, want.subarray(32, 40), '8 bytes from 32');
  if (part.length !== 8) throw new Error(`a read of 8 bytes gave ${part.length}`);
  backend.free(buffer);
}

async function copies(backend: Backend): Promise<void> {
  const buffer = backend.alloc(16);
  const data = bytes(16);
  backend.write(buffer, data);
  data.fill(0);
  const first = await backend.read(buffer);
  same(first, bytes(16), 'a write that was changed afterwards');
  first.fill(9);
  same(await backend.read(buffer), bytes(16), 'a buffer whose read was changed');
  backend.write(buffer, new Uint8Array(16));
  same(first, new Uint8Array(16).fill(9), 'a read after another write');
  backend.free(buffer);
}

/** Memory may put a copy where the caller says, or not look at it and give a copy of its own. */
async function givenArrays(backend: Backend): Promise<void> {
  const buffer = backend.alloc(64);
  const want = bytes(64);
  backend.write(buffer, want);
  const blocks = [new ArrayBuffer(96), new ArrayBuffer(96, { maxByteLength: 100 })];
  const shared = typeof SharedArrayBuffer === 'undefined' ? [] : [new SharedArrayBuffer(96)];
  for (const block of [...blocks, ...shared]) {
    const whole = new Uint8Array(block);
    for (const [at, n, place] of [
      [0, 64, 0],
      [8, 16, 20],
      [60, 4, 92],
    ] as const) {
      whole.fill(9);
      const into = new Uint8Array(block, place, n);
      const got = await backend.read(buffer, at, n, into);
      same(got, want.subarray(at, at + n), `${n} bytes from ${at} into an array`);
      if (got.length !== n) throw new Error(`a read of ${n} bytes gave ${got.length}`);
      if (got !== into) continue;
      const around = whole.some((b, k) => (k < place || k >= place + n) && b !== 9);
      if (around) throw new Error(`a read into ${n} bytes at ${place} wrote outside of them`);
    }
  }
  const into = new Uint8Array(64);
  const early = backend.read(buffer, 0, 64, into);
  backend.write(buffer, new Uint8Array(64));
  const first = await early;
  same(first, want, 'a read into an array, before another write');
  const kept = first.slice();
  const second = await backend.read(buffer, 0, 64, into);
  same(second, new Uint8Array(64), 'the next read into the same array');
  if (first !== into) same(first, kept, 'a copy of its own after the next read');

  backend.write(buffer, want);
  const block = new ArrayBuffer(64, { maxByteLength: 64 });
  const going = new Uint8Array(block, 0, 64);
  const late = backend.read(buffer, 0, 64, going);
  block.resize(0); // as a transfer to another thread does
  const own = await late;
  if (own !== going) same(own, want, 'a read into an array that lost its memory meanwhile');
  same(await backend.read(buffer, 0, 64, going), want, 'a read into an array without memory');
  backend.free(buffer);
}

/** Memory may show the bytes themselves: always those that a read would give. */
async function views(backend: Backend): Promise<void> {
  const b = programBuilder();
  const [from, to] = [b.input('from', 'uint32', 4), b.output('to', 'uint32', 4)];
  b.loop({ shape: [4], args: [window(from, [1])], body: [arg(0)], outs: [window(to, [1])] });
  const copy = await backend.compile(b.program());
  const [first, second] = [backend.alloc(16), backend.alloc(32)];
  const check = async (buffer: unknown, at: number, n: number, what: string): Promise<void> => {
    const view = backend.view?.(buffer, at, n);
    const shown = view && Uint8Array.from(view);
    const read = await backend.read(buffer, at, n);
    if (!shown) return;
    if (shown.length !== n) throw new Error(`${what}: a view of ${n} bytes has ${shown.length}`);
    same(shown, read, what);
  };
  await check(first, 0, 16, 'a view of a new buffer');
  backend.write(first, bytes(16));
  await check(first, 0, 16, 'a view after a write');
  await check(first, 4, 8, 'a view of 8 bytes from 4');
  copy.run([{ buffer: first, offset: 0 }], [{ buffer: second, offset: 0 }]);
  await check(second, 0, 16, 'a view after a run');
  await check(second, 16, 16, 'a view behind what a run wrote');
  await check(second, 0, 32, 'a view of all');
  copy.dispose();
  backend.free(first);
  backend.free(second);
}

async function independent(backend: Backend): Promise<void> {
  const buffers = [0, 1, 2].map((k) => {
    const buffer = backend.alloc(16, `buffer ${k}`);
    backend.write(buffer, bytes(16, k));
    return buffer;
  });
  backend.free(buffers[1]);
  same(await backend.read(buffers[0]), bytes(16, 0), 'the first buffer');
  same(await backend.read(buffers[2]), bytes(16, 2), 'the third buffer');
  backend.free(buffers[0]);
  backend.free(buffers[2]);
}

async function callOrder(backend: Backend): Promise<void> {
  const b = programBuilder();
  const [from, to] = [b.input('from', 'uint32', 4), b.output('to', 'uint32', 4)];
  b.loop({ shape: [4], args: [window(from, [1])], body: [arg(0)], outs: [window(to, [1])] });
  const copy = await backend.compile(b.program());
  const ref = (buffer: unknown): { buffer: unknown; offset: number } => ({ buffer, offset: 0 });
  const [a, c, d] = [backend.alloc(16), backend.alloc(16), backend.alloc(16)];
  backend.write(a, bytes(16, 1));
  copy.run([ref(a)], [ref(c)]);
  backend.write(a, bytes(16, 2));
  const early = backend.read(a);
  copy.run([ref(a)], [ref(d)]);
  backend.write(a, bytes(16, 3));
  copy.run([ref(d)], [ref(a)]);
  const late = backend.read(a);
  backend.write(a, new Uint8Array(16));
  same(await backend.read(c), bytes(16, 1), 'the first run');
  same(await early, bytes(16, 2), 'a read before the second run');
  same(await backend.read(d), bytes(16, 2), 'the second run');
  same(await late, bytes(16, 2), 'a read after the third run');
  same(await backend.read(a), new Uint8Array(16), 'the last write');
  copy.dispose();
  for (const buffer of [a, c, d]) backend.free(buffer);
}

export const memoryCases = (): ConformanceCase[] => [
  withBackend('memory: a buffer is zero at first', zeroAtFirst),
  withBackend('memory: reads and writes at offsets', offsets),
  withBackend('memory: reads and writes copy', copies),
  withBackend('memory: reads into an array of the caller', givenArrays),
  withBackend('memory: views show what reads give', views),
  withBackend('memory: buffers are independent', independent),
  withBackend('memory: writes, runs and reads take effect in call order', callOrder),
];
