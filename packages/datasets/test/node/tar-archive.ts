/** Writes small tar archives for tests, in the forms that readTar must know. */

interface Entry {
  readonly name: string;
  readonly text?: string;
  readonly type?: string;
  /** How a name beyond 100 bytes is written. */
  readonly long?: 'prefix' | 'gnu' | 'pax';
  /** In GNU's own format, whose headers may have a time where POSIX has the prefix. */
  readonly atime?: string;
}

/** Blocks of 512 bytes and no end. */
export function tarBlocks(entries: readonly Entry[]): Buffer {
  return Buffer.concat(entries.flatMap(entryBlocks));
}

export function tarArchive(entries: readonly Entry[]): Buffer {
  return Buffer.concat([tarBlocks(entries), Buffer.alloc(1024)]);
}

function entryBlocks({ name, text = '', type = '0', long, atime }: Entry): Buffer[] {
  const content = Buffer.from(text);
  const blocks = (header: Buffer, data: Buffer): Buffer[] => [header, data, padding(data.length)];
  switch (long) {
    case 'prefix': {
      const cut = name.lastIndexOf('/', 150);
      return blocks(
        header(name.slice(cut + 1), content.length, type, { at345: name.slice(0, cut) }),
        content,
      );
    }
    case 'gnu': {
      const data = Buffer.from(`${name}\0`);
      return [
        ...blocks(header('././@LongLink', data.length, 'L'), data),
        ...blocks(header(name.slice(0, 100), content.length, type), content),
      ];
    }
    case 'pax': {
      const data = Buffer.from(`${paxRecord('mtime', '1.5')}${paxRecord('path', name)}`);
      return [
        ...blocks(header('PaxHeaders/x', data.length, 'x'), data),
        ...blocks(header('short', content.length, type), content),
      ];
    }
    default:
      return blocks(
        header(name, content.length, type, atime ? { at345: atime, magic: 'ustar  \0' } : {}),
        content,
      );
  }
}

function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  const length = bytes + String(bytes + String(bytes).length).length;
  return `${length}${rest}`;
}

function padding(bytes: number): Buffer {
  return Buffer.alloc((512 - (bytes % 512)) % 512);
}

function header(
  name: string,
  size: number,
  type: string,
  { at345 = '', magic = 'ustar\x0000' } = {},
): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100);
  block.write('0000644\0', 100);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write('        ', 148);
  block.write(type, 156);
  block.write(magic, 257);
  block.write(at345, 345, 155);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
