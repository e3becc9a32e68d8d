/** The file format, byte by byte, and that no damage passes. */
import { type HostArray, tensor } from '@ostinato/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../src/checkpoint/crc32c.ts';
import {
  decodeParams,
  decodeSafetensors,
  encodeParams,
  encodeSafetensors,
  memoryStore,
} from '../src/index.ts';

const tensors: { [name: string]: HostArray } = {
  b: {
    data: Float32Array.of(1, -0, Number.NaN, Number.POSITIVE_INFINITY),
    shape: [2, 2],
    dtype: 'float32',
  },
  a: { data: Int32Array.of(-2147483648, 7), shape: [2], dtype: 'int32' },
  flag: { data: Uint32Array.of(1, 0, 1), shape: [3], dtype: 'bool' },
  u: { data: Uint32Array.of(4294967295), shape: [], dtype: 'uint32' },
  wide: { data: Float64Array.of(Math.PI), shape: [1], dtype: 'float64' },
};
const file = encodeSafetensors({ tensors, metadata: { z: 'last', note: 'ü' } });

test('CRC-32C gives the known answers of RFC 3720', () => {
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
});

test('a checksum can be taken in pieces', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(40), (bytes, at) => {
      const cut = Math.min(at, bytes.length);
      expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
    }),
  );
});

test('what is written is read, bit by bit', () => {
  expect(decodeSafetensors(file)).toEqual({ tensors, metadata: { z: 'last', note: 'ü' } });
  const bits = decodeSafetensors(file).tensors.b?.data as Float32Array;
  expect(Object.is(bits[1], -0)).toBe(true);
});

test("Node's Buffers are read as other bytes are, wherever they begin in their memory", () => {
  for (const before of [0, 1, 8, 13]) {
    const around = Buffer.alloc(before + file.length);
    around.set(file, before);
    const read = decodeSafetensors(around.subarray(before));
    expect(read, `at ${before}`).toEqual(decodeSafetensors(file));
    around.fill(0);
    expect(read.tensors, `at ${before}`).toEqual(tensors);
  }
});

test('what is kept in memory is a copy, of a Buffer too', async () => {
  const store = memoryStore();
  for (const bytes of [Uint8Array.of(1, 2), Buffer.from([1, 2])]) {
    await store.write('run', bytes);
    bytes[0] = 9;
    const read = (await store.read('run')) as Uint8Array;
    expect(read).toEqual(Uint8Array.of(1, 2));
    read[0] = 9;
    expect(await store.read('run')).toEqual(Uint8Array.of(1, 2));
  }
});

test('the bytes depend on nothing but the content', () => {
  const reversed = Object.fromEntries(Object.entries(tensors).reverse());
  expect(encodeSafetensors({ tensors: reversed, metadata: { note: 'ü', z: 'last' } })).toEqual(
    file,
  );
});

describe('names', () => {
  const one = (x: number): HostArray => ({
    data: Float32Array.of(x),
    shape: [1],
    dtype: 'float32',
  });
  /** A record that has "__proto__" as a key like any other. */
  const named = <T>(names: readonly string[], of: (i: number) => T): { [name: string]: T } =>
    Object.fromEntries(names.map((name, i) => [name, of(i)]));

  test('that every object has are names like others', () => {
    const names = ['constructor', 'toString', 'hasOwnProperty', '__proto__', 'w'];
    const params = named(names, one);
    const like = named(names, () => tensor([0]));
    const read = decodeParams(encodeParams(params), like);
    expect(Object.entries(read).sort()).toEqual(Object.entries(params).sort());
    const nested = decodeParams(encodeParams({ layer: params }), { layer: like });
    expect(Object.entries(nested.layer).sort()).toEqual(Object.entries(params).sort());
    const foreign = encodeParams({ w: one(1) });
    for (const name of names.slice(0, -1))
      expect(() =>
        decodeParams(
          foreign,
          named([name], () => tensor([0])),
        ),
      ).toThrow(`file: holds nothing at "${name}", this run has float32[1] there`);
  });

  test('that are numbers stand behind the checksum, in metadata too', () => {
    const params = [one(1), { deep: [one(2)] }];
    const like = [tensor([0]), { deep: [tensor([0])] }];
    const note = { 7: 'x'.repeat(99) };
    expect(decodeParams(encodeParams(params, note), like)).toEqual(params);
    expect(decodeSafetensors(encodeParams(params, note)).metadata).toEqual(note);
  });

  test('that two tensors would have are refused', () => {
    expect(() => encodeParams({ 'a.b': one(1), a: { b: one(2) } })).toThrow(
      'two tensors have the path "a.b"',
    );
  });

  test('"__metadata__" is what the format keeps for itself', () => {
    expect(() => encodeParams({ __metadata__: one(1) })).toThrow(
      /"__metadata__" cannot be a tensor's name.*Use another name.*\[option-invalid\]/,
    );
    const inner = { layer: { __metadata__: one(1) } };
    const like = { layer: { __metadata__: tensor([0]) } };
    expect(decodeParams(encodeParams(inner), like)).toEqual(inner);
  });
});

test('the layout is that of the format: length, header of JSON, aligned data', () => {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  expect(length % 8).toBe(0);
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  expect(header.wide).toEqual({ dtype: 'F64', shape: [1], data_offsets: [0, 8] });
  expect(header.a).toEqual({ dtype: 'I32', shape: [2], data_offsets: [8, 16] });
  expect(header.flag).toEqual({ dtype: 'BOOL', shape: [3], data_offsets: [36, 39] });
  expect(file.length).toBe(8 + length + 39);
  expect([...file.subarray(8 + length + 8, 8 + length + 16)]).toEqual([0, 0, 0, 128, 7, 0, 0, 0]);
});

test('a file of another writer is read without a checksum', () => {
  const header = new TextEncoder().encode(
    '{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"__metadata__":{"format":"pt"}}',
  );
  const foreign = new Uint8Array(8 + header.length + 4);
  foreign[0] = header.length;
  foreign.set(header, 8);
  foreign.set(new Uint8Array(Float32Array.of(2.5).buffer), 8 + header.length);
  const { tensors: read, metadata } = decodeSafetensors(foreign);
  expect(read.x?.data[0]).toBe(2.5);
  expect(metadata).toEqual({ format: 'pt' });
});

describe('damage is refused', () => {
  const code = (bytes: Uint8Array): string => {
    try {
      decodeSafetensors(bytes, 'mine');
    } catch (e) {
      return (e as { code: string }).code;
    }
    return 'passed';
  };

  test('at every length that is too short', () => {
    for (let n = 0; n < file.length; n++)
      expect(code(file.slice(0, n)), `${n} bytes`).toBe('checkpoint-damaged');
  });

  test('for every single bit that is flipped', () => {
    for (let i = 0; i < file.length * 8; i++) {
      const bad = file.slice();
      bad[i >> 3] = (bad[i >> 3] as number) ^ (1 << (i & 7));
      expect(code(bad), `bit ${i}`).toMatch(/^checkpoint-(damaged|foreign)$/);
    }
  });

  test('with bytes added, and with a message that says what, got and do', () => {
    const longer = new Uint8Array(file.length + 1);
    longer.set(file);
    expect(code(longer)).toBe('checkpoint-damaged');
    expect(() => decodeSafetensors(longer, 'mine')).toThrow(
      /^mine: has the checksum [0-9a-f]{8}, its header says [0-9a-f]{8}\. .*use another copy/,
    );
  });

  test('for element types that we do not have', () => {
    const header = new TextEncoder().encode(
      '{"x":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}',
    );
    const foreign = new Uint8Array(8 + header.length + 4);
    foreign[0] = header.length;
    foreign.set(header, 8);
    expect(code(foreign)).toBe('checkpoint-foreign');
  });
});
