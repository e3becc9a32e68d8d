/**
 * The safetensors format (github.com/huggingface/safetensors): eight bytes of header length, a header of JSON with
 * dtype, shape and data_offsets of each tensor and strings under `__metadata__`, then the data. Knows named host arrays;
 * knows no tree and no training.
 *
 * Files are a function of their content: tensors by element size, the widest first, then by name, so that each lies
 * aligned; keys of the metadata sorted; the header filled with spaces to a multiple of eight.
 */
import { fail, type HostArray } from '@ostinato/core';
import { host } from '../host.ts';
import { crc32c } from './crc32c.ts';

/** What is in a file: tensors by name, and texts. */
export interface SafetensorsFile {
  readonly tensors: { readonly [name: string]: HostArray };
  readonly metadata: { readonly [key: string]: string };
}

type Unchecked = { readonly [key: string]: unknown };

const METADATA = '__metadata__';
/**
 * The metadata key of a CRC-32C over the whole file, taken with zeros in its own place. Not SHA-256: pages that are not
 * served over https have no WebCrypto, and damage is what this is for, not attacks.
 */
const CHECKSUM = 'crc32c';
const NO_CHECKSUM = '00000000';
/** Says that a checksum must be there, so that damage to its name does not pass. */
const WRITER = { writer: 'ostinato' };

const codes = {
  float64: 'F64',
  float32: 'F32',
  int32: 'I32',
  uint32: 'U32',
  bool: 'BOOL',
} satisfies Record<HostArray['dtype'], string>;

const sizes: { readonly [code: string]: number } = { F64: 8, F32: 4, I32: 4, U32: 4, BOOL: 1 };

const arrays = {
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint32Array,
} satisfies Record<HostArray['dtype'], unknown>;

/** Writes a file that other tools read too, with a checksum among its metadata. */
export function encodeSafetensors({ tensors, metadata }: SafetensorsFile): Uint8Array {
  const places = placesOf(tensors);
  const text = new host.TextEncoder().encode(headerOf(places, metadata));
  const length = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + length + (places.at(-1)?.to ?? 0));
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.fill(0x20, 8, 8 + length);
  file.set(text, 8);
  for (const { from, array } of places) writeElements(file, 8 + length + from, array);
  const sum = crc32c(file).toString(16).padStart(8, '0');
  file.set(new host.TextEncoder().encode(sum), checksumPlace(file, 8 + length));
  return file;
}

/** A tensor to write, and which bytes of the data its elements become. */
interface Place {
  readonly name: string;
  readonly array: HostArray;
  readonly from: number;
  readonly to: number;
}

function placesOf(tensors: SafetensorsFile['tensors']): Place[] {
  if (Object.hasOwn(tensors, METADATA))
    fail(
      'option-invalid',
      `encodeSafetensors: "${METADATA}" cannot be a tensor's name, the format keeps its metadata there. Use another name.`,
    );
  const sized = Object.entries(tensors).map(([name, array]) => {
    requireWhole(name, array);
    return { name, array, size: sizes[codes[array.dtype]] as number };
  });
  sized.sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
  let end = 0;
  return sized.map(({ name, array, size }) => {
    const from = end;
    end += array.data.length * size;
    return { name, array, from, to: end };
  });
}

/** Types alone do not say that an array has as many elements as its shape, and parameters come as any tree. */
function requireWhole(name: string, { data, shape, dtype }: HostArray): void {
  const count = shape.reduce((a, b) => a * b, 1);
  if (Object.hasOwn(arrays, dtype) && data instanceof arrays[dtype] && data.length === count)
    return;
  fail(
    'host-array',
    `encodeSafetensors: "${name}" is ${dtype}[${shape}], its data a ${data.constructor.name}(${data.length}). Give what read() gives: a typed array of the dtype with all elements of the shape.`,
  );
}

const headerOf = (places: readonly Place[], metadata: SafetensorsFile['metadata']): string =>
  orderedJson([
    [METADATA, metadataJson(metadata)],
    ...places.map(({ name, array: { dtype, shape }, from, to }) => {
      const stored = { dtype: codes[dtype], shape: [...shape], data_offsets: [from, to] };
      return [name, JSON.stringify(stored)] as const;
    }),
  ]);

function metadataJson(metadata: SafetensorsFile['metadata']): string {
  const own = { [CHECKSUM]: NO_CHECKSUM, ...WRITER };
  const given = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, text] of given) {
    if (Object.hasOwn(own, key))
      fail(
        'option-invalid',
        `encodeSafetensors: the metadata has the key "${key}", which the file's checksum needs. Use another key.`,
      );
    if (typeof text !== 'string')
      fail(
        'option-invalid',
        `encodeSafetensors: the metadata's "${key}" is of type ${typeof text}, the format has strings only. Give String(value) or JSON.`,
      );
  }
  const all = [...Object.entries(own), ...given];
  return orderedJson(all.map(([key, text]) => [key, JSON.stringify(text)]));
}

/** JSON of a record. An object would put keys that are numbers first, and "__proto__" nowhere. */
const orderedJson = (entries: readonly (readonly [key: string, json: string])[]): string =>
  `{${entries.map(([key, json]) => `${JSON.stringify(key)}:${json}`)}}`;

/** Reads a file; with a checksum of our own in it, the file is checked against it. */
export function decodeSafetensors(file: Uint8Array, name = 'file'): SafetensorsFile {
  const { header, start } = readHeader(file, name);
  const { [CHECKSUM]: sum, ...rest } = readMetadata(header, name);
  const { writer, ...own } = rest;
  const isOurs = writer === WRITER.writer;
  if (sum !== undefined) verifyChecksum(file, start, sum, name);
  else if (isOurs) damaged(name, 'has lost its checksum');
  const data = file.subarray(start);
  const entries = Object.entries(header)
    .filter(([key]) => key !== METADATA)
    .map(([key, stored]) => readEntry(key, stored, name));
  verifyLayout(entries, data.length, name);
  const tensors = entries.map((entry) => [entry.name, readElements(data, entry)]);
  return { tensors: Object.fromEntries(tensors), metadata: isOurs ? own : rest };
}

const damaged = (name: string, what: string, cause?: unknown): never =>
  fail(
    'checkpoint-damaged',
    `${name}: ${what}. The file was cut off or changed after it was written, or is no safetensors file; use another copy.`,
    cause === undefined ? {} : { cause },
  );

function readHeader(file: Uint8Array, name: string): { header: Unchecked; start: number } {
  if (file.length < 8) return damaged(name, `has ${file.length} bytes, a header needs 8`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const start = 8 + length;
  if (start > file.length)
    return damaged(name, `has ${file.length} bytes, its header says that it goes to ${start}`);
  let header: unknown;
  try {
    header = JSON.parse(
      new host.TextDecoder('utf-8', { fatal: true }).decode(file.subarray(8, start)),
    );
  } catch (cause) {
    return damaged(name, 'has a header that is no JSON', cause);
  }
  if (!isRecord(header)) return damaged(name, 'has a header that is no record');
  return { header, start };
}

const isRecord = (x: unknown): x is Unchecked =>
  typeof x === 'object' && x !== null && !Array.isArray(x);

function readMetadata(header: Unchecked, name: string): { readonly [key: string]: string } {
  const metadata = header[METADATA] ?? {}; // other writers' files may have none
  if (!isRecord(metadata) || Object.values(metadata).some((text) => typeof text !== 'string'))
    return damaged(name, 'has metadata that is no record of strings');
  return metadata as { readonly [key: string]: string };
}

/** Where the eight digits of the checksum are: the first key of the metadata, as we write it. */
function checksumPlace(file: Uint8Array, start: number): number {
  const text = new host.TextDecoder('latin1').decode(file.subarray(8, Math.min(start, 8 + 64)));
  const found = text.indexOf(`"${CHECKSUM}":"`);
  return found < 0 ? -1 : 8 + found + CHECKSUM.length + 4;
}

function verifyChecksum(file: Uint8Array, start: number, want: string, name: string): void {
  const place = checksumPlace(file, start);
  if (place < 0) damaged(name, 'has its checksum in another place than we write it');
  const digits = NO_CHECKSUM.length;
  const head = crc32c(file.subarray(0, place));
  const zeros = crc32c(new host.TextEncoder().encode(NO_CHECKSUM), head);
  const got = crc32c(file.subarray(place + digits), zeros)
    .toString(16)
    .padStart(8, '0');
  if (got !== want) damaged(name, `has the checksum ${got}, its header says ${want}`);
}

function writeElements(file: Uint8Array, at: number, { data, dtype }: HostArray): void {
  // A byte of its own would make 0 of 256, which is true on every backend, and others' tools know 0 and 1 only.
  if (dtype === 'bool')
    file.set(
      Uint8Array.from(data, (x) => (x === 0 ? 0 : 1)),
      at,
    );
  else if (littleEndian) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
  } else {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    file.set(swapped(bytes, data.BYTES_PER_ELEMENT), at);
  }
}

/** What the header says of a tensor, each part by itself checked. */
interface Entry {
  readonly name: string;
  readonly dtype: HostArray['dtype'];
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

function readEntry(name: string, stored: unknown, file: string): Entry {
  const what = `${file}: "${name}"`;
  if (!isRecord(stored)) return damaged(what, 'is no record');
  const { dtype: code, shape, data_offsets: offsets } = stored;
  if (typeof code !== 'string') return damaged(what, 'has no element type');
  const dtype = (Object.keys(codes) as (keyof typeof codes)[]).find((k) => codes[k] === code);
  const size = sizes[code];
  if (dtype === undefined || size === undefined)
    return fail(
      'checkpoint-foreign',
      `${what} holds ${code} elements. Convert it to one of ${Object.values(codes).join(', ')}.`,
    );
  if (!areCounts(shape)) return damaged(what, `has the shape ${JSON.stringify(shape)}`);
  const [from, to] = areCounts(offsets) && offsets.length === 2 ? offsets : [];
  if (from === undefined || to === undefined)
    return damaged(what, `has the offsets ${JSON.stringify(offsets)}`);
  const bytes = shape.reduce((a, b) => a * b, size);
  if (to - from !== bytes)
    return damaged(what, `of shape [${shape}] has ${bytes} bytes, but lies at ${from} to ${to}`);
  return { name, dtype, shape, from, to };
}

const areCounts = (x: unknown): x is readonly number[] =>
  Array.isArray(x) && x.every((n) => Number.isSafeInteger(n) && n >= 0);

/** Tensors fill the data, in whatever order the header has them: the format has neither holes nor overlaps. */
function verifyLayout(entries: readonly Entry[], bytes: number, file: string): void {
  let end = 0;
  for (const { name, from, to } of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end)
      damaged(
        `${file}: "${name}"`,
        `lies at ${from} to ${to}, but what is before it ends at ${end}`,
      );
    end = to;
  }
  if (end !== bytes) damaged(file, `has ${bytes} bytes of data, its tensors take ${end}`);
}

function readElements(data: Uint8Array, { dtype, shape, from, to }: Entry): HostArray {
  // Not slice(): the file may be Node's Buffer, which would share its bytes, and begins anywhere in its memory.
  const bytes = new Uint8Array(data.subarray(from, to));
  if (dtype === 'bool') return { data: Uint32Array.from(bytes), shape, dtype };
  if (!littleEndian) swapped(bytes, arrays[dtype].BYTES_PER_ELEMENT);
  return { data: new arrays[dtype](bytes.buffer), shape, dtype };
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function swapped(bytes: Uint8Array, size: number): Uint8Array {
  for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
  return bytes;
}
