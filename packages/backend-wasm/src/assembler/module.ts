/** Functions to the bytes of a module that imports one memory. Knows the binary format (WebAssembly core, section 5). */
import type { Func, Local, Statement } from './function.ts';
import { bytesOfF32, codes, leb, signedLeb, type Type, type Value } from './instructions.ts';

const typeCode: { readonly [T in Type]: number } = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

export interface MemoryImport {
  readonly shared: boolean;
  readonly minimum: number;
  readonly maximum: number;
}

/** A name in the binary. V8 shares code among modules of equal bytes, whatever flags they were compiled with. */
export interface ModuleOptions {
  readonly tag?: string;
}

/** A growing array of bytes. */
class Bytes {
  private data = new Uint8Array(1 << 14);
  length = 0;

  push(byte: number): void {
    if (this.length === this.data.length) this.grow(1);
    this.data[this.length++] = byte;
  }

  all(bytes: ArrayLike<number>): void {
    if (this.length + bytes.length > this.data.length) this.grow(bytes.length);
    this.data.set(bytes, this.length);
    this.length += bytes.length;
  }

  view(): Uint8Array {
    return this.data.subarray(0, this.length);
  }

  private grow(by: number): void {
    const bigger = new Uint8Array(Math.max(2 * this.data.length, this.length + by));
    bigger.set(this.data);
    this.data = bigger;
  }
}

/** The binary of a module with these functions, in this order. The memory is imported as `env.memory`. */
export function encodeModule(
  functions: readonly Func[],
  memory: MemoryImport,
  options: ModuleOptions = {},
): Uint8Array<ArrayBuffer> {
  const out = new Bytes();
  out.all([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const section = (id: number, body: Bytes): void => {
    out.push(id);
    out.all(leb(body.length));
    out.all(body.view());
  };

  if (options.tag !== undefined) {
    const custom = new Bytes();
    custom.all([...text('ostinato'), ...text(options.tag)]);
    section(0, custom);
  }

  const types: string[] = [];
  const typeOf = functions.map((f) => {
    const key = f.params.map((p) => p.type).join(',');
    if (!types.includes(key)) types.push(key);
    return types.indexOf(key);
  });
  const typeSection = new Bytes();
  typeSection.all(leb(types.length));
  for (const key of types) {
    const params = key === '' ? [] : (key.split(',') as Type[]);
    typeSection.all([0x60, ...leb(params.length), ...params.map((t) => typeCode[t]), 0]);
  }
  section(1, typeSection);

  const imports = new Bytes();
  const limits = memory.shared
    ? [3, ...leb(memory.minimum), ...leb(memory.maximum)]
    : [1, ...leb(memory.minimum), ...leb(memory.maximum)];
  imports.all([...leb(1), ...text('env'), ...text('memory'), 2, ...limits]);
  section(2, imports);

  const declared = new Bytes();
  declared.all(leb(functions.length));
  for (const t of typeOf) declared.all(leb(t));
  section(3, declared);

  const exported = functions.map((f, i) => ({ f, i })).filter(({ f }) => f.exported);
  const exportSection = new Bytes();
  exportSection.all(leb(exported.length));
  for (const { f, i } of exported) exportSection.all([...text(f.name), 0, ...leb(i)]);
  section(7, exportSection);

  const code = new Bytes();
  code.all(leb(functions.length));
  for (const f of functions) {
    const body = encodeFunction(f);
    code.all(leb(body.length));
    code.all(body.view());
  }
  section(10, code);
  return new Uint8Array(out.view());
}

function text(s: string): number[] {
  const bytes = [...new TextEncoder().encode(s)];
  return [...leb(bytes.length), ...bytes];
}

function encodeFunction(f: Func): Bytes {
  const out = new Bytes();
  const groups: { type: Type; count: number }[] = [];
  for (const l of f.locals as readonly Local[]) {
    const last = groups.at(-1);
    if (last?.type === l.type) last.count++;
    else groups.push({ type: l.type, count: 1 });
  }
  out.all(leb(groups.length));
  for (const g of groups) out.all([...leb(g.count), typeCode[g.type]]);
  encodeStatements(out, f.body);
  out.push(0x0b);
  return out;
}

function encodeStatements(out: Bytes, body: readonly Statement[]): void {
  for (const s of body) {
    switch (s.kind) {
      case 'do':
        for (const a of s.args) encodeValue(out, a);
        encodeOp(out, s.op, s.imm);
        break;
      case 'loop':
      case 'block':
        out.all([s.kind === 'loop' ? 0x03 : 0x02, 0x40]);
        encodeStatements(out, s.body);
        out.push(0x0b);
        break;
      case 'if':
        encodeValue(out, s.condition);
        out.all([0x04, 0x40]);
        encodeStatements(out, s.whenTrue);
        if (s.whenFalse.length > 0) {
          out.push(0x05);
          encodeStatements(out, s.whenFalse);
        }
        out.push(0x0b);
        break;
      case 'branch':
        if (s.condition) encodeValue(out, s.condition);
        out.push(s.condition ? 0x0d : 0x0c);
        out.all(leb(s.depth));
    }
  }
}

function encodeValue(out: Bytes, v: Value): void {
  for (const a of v.args) encodeValue(out, a);
  encodeOp(out, v.op, v.imm);
}

function encodeOp(out: Bytes, op: Value['op'], imm: readonly number[]): void {
  const code = codes[op];
  out.all(code.bytes);
  const first = imm[0] as number;
  switch (code.imm) {
    case 'none':
      return;
    case 'local':
    case 'function':
      out.all(leb(first));
      return;
    case 'i32':
      out.all(signedLeb(first));
      return;
    case 'f32':
      out.all(bytesOfF32(first));
      return;
    case 'memory':
      out.all(leb((code as { align: number }).align));
      out.all(leb(first));
      return;
    case 'memory lane':
      out.all(leb((code as { align: number }).align));
      out.all(leb(first));
      out.push(imm[1] as number);
      return;
    case 'lane':
    case 'shuffle':
    case 'v128':
      out.all(imm);
  }
}
