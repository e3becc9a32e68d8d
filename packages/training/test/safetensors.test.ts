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
  fromJson,
  memoryStore,
  toJson,
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

test('what is not zero is true in a file too, as on every backend', () => {
  const flag: HostArray = { data: Uint32Array.of(256, 2, 0), shape: [3], dtype: 'bool' };
  const read = decodeSafetensors(encodeSafetensors({ tensors: { flag }, metadata: {} }));
  expect(read.tensors.flag?.data).toEqual(Uint32Array.of(1, 1, 0)); // 256 is the byte 0
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

/** A file as others write it, without a checksum: a header and the data. */
function foreign(header: unknown, data: Float32Array = new Float32Array()): Uint8Array {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, new Uint8Array(data.buffer)]);
}

test('a file of another writer is read without a checksum, in any order, and with tensors of no size', () => {
  const header = {
    y: { dtype: 'F32', shape: [2], data_offsets: [4, 12] },
    none: { dtype: 'F32', shape: [3, 0], data_offsets: [4, 4] },
    x: { dtype: 'F32', shape: [], data_offsets: [0, 4] },
    __metadata__: { format: 'pt' },
  };
  const read = decodeSafetensors(foreign(header, Float32Array.of(2.5, 3, 4)));
  expect(read).toEqual({
    tensors: {
      x: { data: Float32Array.of(2.5), shape: [], dtype: 'float32' },
      none: { data: new Float32Array(), shape: [3, 0], dtype: 'float32' },
      y: { data: Float32Array.of(3, 4), shape: [2], dtype: 'float32' },
    },
    metadata: { format: 'pt' },
  });
  expect(decodeSafetensors(foreign({ __metadata__: null }))).toEqual({ tensors: {}, metadata: {} });
  const signed = { writer: 'another', format: 'pt' };
  expect(decodeSafetensors(foreign({ __metadata__: signed })).metadata).toEqual(signed);
});

test('arrays that would not be read again are refused', () => {
  const refused = (array: object, message: string): void =>
    expect(() => encodeParams({ w: array })).toThrow(`encodeSafetensors: "w" is ${message}. Give`);
  const data = Float32Array.of(1, 2);
  refused({ data, shape: [3], dtype: 'float32' }, 'float32[3], its data a Float32Array(2)');
  refused({ data, shape: [2], dtype: 'int32' }, 'int32[2], its data a Float32Array(2)');
  refused({ data, shape: [2], dtype: 'bool' }, 'bool[2], its data a Float32Array(2)');
  refused({ data, shape: [2], dtype: 'constructor' }, 'constructor[2], its data a Float32Array(2)');
  refused({ data: [1, 2], shape: [2] }, 'undefined[2], its data a Array(2)');
});

test('metadata that would break the file is refused', () => {
  const refused = (metadata: object, message: RegExp): void =>
    expect(() => encodeParams({}, metadata as { [key: string]: string })).toThrow(message);
  refused({ crc32c: 'x' }, /"crc32c", which .* Use another key\. \[option-invalid\]/);
  refused({ writer: 'me' }, /"writer", which .* Use another key\. \[option-invalid\]/);
  refused({ epoch: 3 }, /"epoch" is of type number, .* Give String\(value\).*\[option-invalid\]/);
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
    const header = { x: { dtype: 'BF16', shape: [2], data_offsets: [0, 4] } };
    expect(code(foreign(header, new Float32Array(1)))).toBe('checkpoint-foreign');
  });

  describe('in headers that no checksum guards', () => {
    const x = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
    const two = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
    const refused = (header: unknown, data: Float32Array, message: string): void => {
      expect(code(foreign(header, data))).toBe('checkpoint-damaged');
      expect(() => decodeSafetensors(foreign(header, data), 'mine')).toThrow(message);
    };

    test.each([[null], [[x]], ['x'], [3]])('that are no record: %j', (header) =>
      refused(header, new Float32Array(), 'mine: has a header that is no record.'),
    );

    test.each([['x'], [['x']], [3], [{ epoch: 3 }], [{ crc32c: 0 }], [{ note: null }]])(
      'with metadata that is no record of strings: %j',
      (metadata) =>
        refused(
          { x, __metadata__: metadata },
          new Float32Array(1),
          'mine: has metadata that is no record of strings.',
        ),
    );

    test.each([
      [null, 'is no record'],
      [[], 'is no record'],
      [1, 'is no record'],
      [{}, 'has no element type'],
      [{ ...x, dtype: ['F32'] }, 'has no element type'],
      [{ ...x, shape: undefined }, 'has the shape undefined'],
      [{ ...x, shape: 1 }, 'has the shape 1'],
      [{ ...x, shape: { length: 1 } }, 'has the shape {"length":1}'],
      [{ ...x, shape: [-1, -1] }, 'has the shape [-1,-1]'],
      [{ ...x, shape: [0.5, 2] }, 'has the shape [0.5,2]'],
      [{ ...x, shape: ['1'] }, 'has the shape ["1"]'],
      [{ ...x, shape: [null, 1] }, 'has the shape [null,1]'],
      [
        { ...x, shape: [2 ** 52, 2 ** 52, 4] },
        'of shape [4503599627370496,4503599627370496,4] has',
      ],
      [{ ...x, data_offsets: undefined }, 'has the offsets undefined'],
      [{ ...x, data_offsets: { 0: 0, 1: 4 } }, 'has the offsets {"0":0,"1":4}'],
      [{ ...x, data_offsets: [0] }, 'has the offsets [0]'],
      [{ ...x, data_offsets: [0, 4, 8] }, 'has the offsets [0,4,8]'],
      [{ ...x, data_offsets: ['0', '4'] }, 'has the offsets ["0","4"]'],
      [{ ...x, data_offsets: [0.5, 4.5] }, 'has the offsets [0.5,4.5]'],
      [{ ...x, data_offsets: [-4, 0] }, 'has the offsets [-4,0]'],
      [{ ...x, data_offsets: [4, 0] }, 'of shape [1] has 4 bytes, but lies at 4 to 0'],
      [{ ...x, data_offsets: [0, 8] }, 'of shape [1] has 4 bytes, but lies at 0 to 8'],
    ])('with a tensor that is %j', (stored, message) =>
      refused({ x: stored }, new Float32Array(1), `mine: "x": ${message}`),
    );

    test.each([
      [{ x: two }, 1, 'mine: has 4 bytes of data, its tensors take 8'],
      [{ x }, 2, 'mine: has 8 bytes of data, its tensors take 4'],
      [{}, 1, 'mine: has 4 bytes of data, its tensors take 0'],
      [
        { x: { ...x, data_offsets: [4, 8] } },
        2,
        'mine: "x": lies at 4 to 8, but what is before it ends at 0',
      ],
      [
        { x: two, y: { ...x, data_offsets: [4, 8] } },
        2,
        'mine: "y": lies at 4 to 8, but what is before it ends at 8',
      ],
      [{ x: two, y: two }, 2, 'mine: "y": lies at 0 to 8, but what is before it ends at 8'],
    ])('with tensors that do not fill the data: %j of %i elements', (header, count, message) =>
      refused(header, new Float32Array(count), message),
    );

    test('whose length is beyond all files', () => {
      const bytes = new Uint8Array(16).fill(255);
      expect(code(bytes)).toBe('checkpoint-damaged');
    });
  });
});

test('JSON keeps all numbers, and records that have a number', () => {
  const log = {
    loss: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.5],
    metrics: { number: Number.NaN },
    place: { street: 'Elm', number: '12' },
    alone: { number: '12' },
  };
  expect(fromJson(toJson(log))).toEqual(log);
});
