/**
 * Reads a tar archive from a stream: ustar, GNU long names, pax paths (POSIX.1-2017, pax "Interchange Format"). Knows
 * regular files only; links, devices and folders are passed over. Writes nothing, so a hostile name is the caller's
 * to refuse.
 */
import { DatasetError } from '../errors.ts';

const BLOCK = 512;

export interface TarFile {
  readonly name: string;
  readonly data: Uint8Array;
}

interface Header {
  readonly name: string;
  readonly size: number;
  readonly type: string;
}

/**
 * The regular files that are wanted, in order; others are passed over without being kept.
 *
 * @param source the archive, uncompressed, in chunks of any size; read to its end
 * @param wanted says by name which files to give
 * @throws DatasetError `data-broken`: a header whose checksum or size is wrong, a pax record whose length is, an archive that
 * ends within a file
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  wanted: (name: string) => boolean,
): AsyncGenerator<TarFile> {
  const reader = byteReader(source);
  let longName: string | undefined;
  for (let headers = 0; ; headers++) {
    // Some writers leave out the two zero blocks of the end.
    if (headers > 0 && longName === undefined && (await reader.isAtEnd())) return;
    const block = await reader.take(BLOCK);
    if (block.every((byte) => byte === 0)) break; // what follows is padding
    const header = parseHeader(block);
    const padding = (BLOCK - (header.size % BLOCK)) % BLOCK;
    const name = longName ?? header.name;
    const isFile = header.type === '0' || header.type === '\0';
    const isName = header.type === 'L' || header.type === 'x';
    if ((isFile && wanted(name)) || isName) {
      const data = await reader.take(header.size);
      await reader.skip(padding);
      if (isFile) yield { name, data };
      else longName = header.type === 'L' ? untilZero(data) : (paxPath(data) ?? longName);
    } else {
      await reader.skip(header.size + padding);
    }
    if (!isName) longName = undefined;
  }
  await reader.drain();
}

function parseHeader(block: Uint8Array): Header {
  const stated = octal(block.subarray(148, 156));
  // The checksum is the sum of all bytes with its own eight taken as spaces.
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum !== stated) {
    throw new DatasetError(
      'data-broken',
      `readTar: a header's checksum is ${sum}, stated is ${stated}. The archive is damaged or is no tar; fetch it again.`,
    );
  }
  // GNU's own format has "ustar  " here, and times where POSIX has the prefix.
  const isPosix = new TextDecoder().decode(block.subarray(257, 263)) === 'ustar\0';
  const prefix = isPosix ? untilZero(block.subarray(345, 500)) : '';
  const name = untilZero(block.subarray(0, 100));
  const size = octal(block.subarray(124, 136));
  if (!Number.isSafeInteger(size)) {
    throw new DatasetError(
      'data-broken',
      `readTar: the size of ${name} is no number. The archive is damaged; fetch it again.`,
    );
  }
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size,
    type: String.fromCharCode(block[156] as number),
  };
}

/** Octal digits, or GNU's binary form where the first bit is set; NaN if neither. */
function octal(field: Uint8Array): number {
  if (((field[0] as number) & 0x80) !== 0) {
    return field.slice(1).reduce((value, byte) => value * 256 + byte, 0);
  }
  const digits = untilZero(field).trim() || '0';
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

function untilZero(field: Uint8Array): string {
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** Records are "length key=value\n", the length in bytes, its own digits counted. */
function paxPath(data: Uint8Array): string | undefined {
  let path: string | undefined;
  for (let at = 0; at < data.length; ) {
    const [, digits] = /^(\d+) /.exec(untilZero(data.subarray(at, at + 20))) ?? [];
    if (digits === undefined) break;
    const end = at + Number(digits);
    const record = new TextDecoder().decode(data.subarray(at, end));
    const [, key, value] = /^\d+ ([^=]*)=([\s\S]*)\n$/.exec(record) ?? [];
    if (key === undefined || end > data.length) {
      throw new DatasetError(
        'data-broken',
        `readTar: byte ${at} of a pax header begins a record of ${digits} bytes, and ${data.length - at} are left; no "key=value" fills them. The archive is damaged; fetch it again.`,
      );
    }
    if (key === 'path') path = value;
    at = end;
  }
  return path;
}

interface ByteReader {
  take(count: number): Promise<Uint8Array>;
  skip(count: number): Promise<void>;
  isAtEnd(): Promise<boolean>;
  drain(): Promise<void>;
}

function byteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const chunks = source[Symbol.asyncIterator]();
  let chunk: Uint8Array = new Uint8Array(0);
  const isAtEnd = async (): Promise<boolean> => {
    while (chunk.length === 0) {
      const next = await chunks.next();
      if (next.done === true) return true;
      chunk = next.value;
    }
    return false;
  };
  /** Up to `count` bytes, at least one. */
  const some = async (count: number): Promise<Uint8Array> => {
    if (await isAtEnd()) {
      throw new DatasetError(
        'data-broken',
        'readTar: the archive ends in the middle. Fetch it again.',
      );
    }
    const part = chunk.subarray(0, count);
    chunk = chunk.subarray(part.length);
    return part;
  };
  return {
    async take(count) {
      const data = new Uint8Array(count);
      for (let at = 0; at < count; ) {
        const part = await some(count - at);
        data.set(part, at);
        at += part.length;
      }
      return data;
    },
    async skip(count) {
      for (let left = count; left > 0; ) left -= (await some(left)).length;
    },
    isAtEnd,
    async drain() {
      while ((await chunks.next()).done !== true);
    },
  };
}
