import {
  arg,
  type OstinatoError,
  type Program,
  programBuilder,
  window,
} from '@ostinato/core/backend';
import { describeOnGpu } from '@ostinato/software-gpu/vitest';
import { describe, expect, test } from 'vitest';
import type { Health } from '../src/health.ts';
import { DeviceMemory } from '../src/memory.ts';
import { open } from './gpu.ts';

const MiB = 2 ** 20;

/** A device that counts its bytes, and lists the buffers that command buffers clear. */
function countingDevice() {
  const counts = { bytes: 0, cleared: [] as unknown[] };
  const createBuffer = ({ size }: { size: number }) => {
    counts.bytes += size;
    return {
      size,
      destroy: () => {
        counts.bytes -= size;
      },
      mapAsync: async () => undefined,
      getMappedRange: () => new ArrayBuffer(8),
      unmap: () => undefined,
    };
  };
  const encoder = () => {
    const recorded: unknown[] = [];
    return {
      clearBuffer: (gpu: unknown) => recorded.push(gpu),
      copyBufferToBuffer: () => undefined,
      finish: () => recorded,
    };
  };
  const submit = ([recorded]: unknown[][]): void => {
    counts.cleared.push(...(recorded as unknown[]));
  };
  const device = {
    limits: { maxBufferSize: 1024 * MiB },
    createBuffer,
    createCommandEncoder: encoder,
    queue: { submit },
  } as unknown as GPUDevice;
  const healthy = { check: () => undefined } as unknown as Health;
  return { memory: new DeviceMemory(device, healthy), counts };
}

describe('pools', () => {
  test('what was read through, and what was freed, is kept up to a limit', async () => {
    const { memory, counts } = countingDevice();
    for (let size = 1; size <= 200; size++) {
      const buffer = memory.alloc(size * MiB);
      await memory.read(buffer);
      memory.free(buffer);
    }
    expect(counts.bytes).toBeLessThanOrEqual(512 * MiB);
    // Small ones come back.
    const before = counts.bytes;
    memory.free(memory.alloc(4096));
    memory.free(memory.alloc(4096));
    expect(counts.bytes - before).toBe(4096);
    memory.dispose();
    expect(counts.bytes).toBe(0);
  });

  test('a large buffer is no larger than it must be', () => {
    const { memory, counts } = countingDevice();
    memory.alloc(513 * MiB + 4);
    expect(counts.bytes - 513 * MiB).toBeLessThanOrEqual(256);
  });

  test('recycled buffers are zeroed, also after commands that could not be recorded', () => {
    const { memory, counts } = countingDevice();
    memory.free(memory.alloc(64));
    const { gpu } = memory.alloc(64);
    const fails = (): never => {
      throw new Error('as expected');
    };
    expect(() => memory.submit(fails)).toThrow('as expected');
    expect(counts.cleared).toEqual([]);
    memory.submit(() => undefined);
    memory.submit(() => undefined);
    expect(counts.cleared).toEqual([gpu]);
  });
});

/** y = x, twice. */
function copies(): Program {
  const b = programBuilder();
  const [x, y, z] = [
    b.input('x', 'float32', 64),
    b.output('y', 'float32', 64),
    b.output('z', 'float32', 64),
  ];
  for (const out of [y, z])
    b.loop({ shape: [64], args: [window(x, [1])], body: [arg(0)], outs: [window(out, [1])] });
  return b.program();
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'nothing',
    (error: OstinatoError) => error.code ?? error,
  );

await describeOnGpu('buffers', () => {
  test('places that WebGPU refuses are named before it does', async () => {
    const backend = await open();
    const { align } = backend.limits;
    const executable = await backend.compile(copies());
    const [p, q] = [backend.alloc(4 * align), backend.alloc(4 * align)];
    const at = (buffer: typeof p, offset = 0) => ({ buffer, offset });
    const r = backend.alloc(256);
    const run =
      (...outs: ReturnType<typeof at>[]) =>
      () =>
        executable.run([at(p)], outs);
    expect(run(at(q), at(p, align))).toThrow(/"x" lies in one buffer with "z", which is written/);
    expect(run(at(q, 4), at(r))).toThrow(/"y" starts at byte 4.+multiple of/);
    // Two that are written may lie side by side.
    backend.write(p, new Uint8Array(256).fill(7));
    run(at(q), at(q, align))();
    const values = await backend.read(q);
    for (const first of [0, align])
      expect(values.slice(first, first + 256)).toEqual(new Uint8Array(256).fill(7));
    backend.dispose();
  });

  test('bytes that threads share are written as any others are', async () => {
    const backend = await open();
    const buffer = backend.alloc(8);
    const shared = new Uint8Array(new SharedArrayBuffer(12), 4, 8);
    shared.set([1, 2, 3, 4, 5, 6, 7, 8]);
    backend.write(buffer, shared);
    expect([...(await backend.read(buffer, 0, 8))]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    backend.free(buffer);
  });

  test('what is under way when the backend goes says so', async () => {
    const backend = await open({ profile: true });
    const executable = await backend.compile(copies());
    const [x, ...out] = [0, 1, 2].map(() => ({ buffer: backend.alloc(256), offset: 0 }));
    executable.run([x as (typeof out)[number]], out);
    const pending = [
      backend.read((x as (typeof out)[number]).buffer),
      backend.timings(),
      backend.compile(copies()),
    ].map(codeOf);
    backend.dispose();
    expect(await Promise.all(pending)).toEqual(['disposed', 'disposed', 'disposed']);
    expect(backend.counts().buffers).toBe(0);
  });

  test('a read that is through when the backend goes is through, or says so', async () => {
    const backend = await open();
    const buffer = backend.alloc(64);
    const [first, second] = [backend.read(buffer), codeOf(backend.read(buffer))];
    const closed = first.then(() => backend.dispose());
    expect(['nothing', 'disposed']).toContain(await second);
    await closed;
  });
});
