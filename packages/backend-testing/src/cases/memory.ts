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
  withBackend('memory: buffers are independent', independent),
  withBackend('memory: writes, runs and reads take effect in call order', callOrder),
];
