import { type DType, OstinatoError, type Program } from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import { cpu } from '../src/index.ts';

const codeOf = async (f: () => unknown): Promise<string | null> => {
  try {
    await f();
    return null;
  } catch (error) {
    return error instanceof OstinatoError ? error.code : String(error);
  }
};

const copy = (dtype: DType): Program => ({
  slots: [
    { dtype, size: 1, label: 'x' },
    { dtype, size: 1, label: 'y' },
  ],
  inputs: [0],
  outputs: [1],
  scratch: [],
  code: [
    {
      kind: 'loop',
      buffers: [
        { source: 'slot', index: 0, access: 'read' },
        { source: 'slot', index: 1, access: 'write' },
      ],
      shape: [1],
      over: [],
      combine: 'sum',
      args: [{ slot: 0, buffer: 0, dtype, offset: 0, strides: [1] }],
      body: [{ op: 'arg', index: 0 }],
      outs: [{ slot: 1, buffer: 1, dtype, offset: 0, strides: [1] }],
    },
  ],
});

describe('cpu', () => {
  test('names its variant', () => {
    expect(cpu().info()).toMatchObject({ name: 'cpu', variant: 'javascript' });
  });

  test('memory starts as zeros, and a read is a copy', async () => {
    const backend = cpu();
    const buffer = backend.alloc(6);
    expect([...(await backend.read(buffer))]).toEqual([0, 0, 0, 0, 0, 0]);
    backend.write(buffer, Uint8Array.of(1, 2), 4);
    const read = await backend.read(buffer, 3);
    read[0] = 9;
    expect([...(await backend.read(buffer, 3, 3))]).toEqual([0, 1, 2]);
  });

  test('refuses sizes, ranges and buffers that make no sense', async () => {
    const backend = cpu();
    for (const bytes of [0, -4, 1.5, Number.NaN])
      expect(await codeOf(() => backend.alloc(bytes))).toBe('option-invalid');
    expect(await codeOf(() => backend.alloc(2 ** 52))).toBe('out-of-memory');
    const buffer = backend.alloc(8);
    expect(await codeOf(() => backend.write(buffer, new Uint8Array(5), 4))).toBe('option-invalid');
    expect(await codeOf(() => backend.read(buffer, 4, 5))).toBe('option-invalid');
    expect(await codeOf(() => backend.read(buffer, -1))).toBe('option-invalid');
    backend.free(buffer);
    expect(await codeOf(() => backend.read(buffer))).toBe('disposed');
  });

  test('says at once that it has no float64', async () => {
    expect(await codeOf(() => cpu().compile(copy('float64')))).toBe('unsupported-dtype');
    expect(await codeOf(() => cpu().compile(copy('float32')))).toBe(null);
  });
});
