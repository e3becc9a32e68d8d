/** Functions to the bytes of a module. Knows the binary format (WebAssembly core, section 5). */

import { bitsOfF32, codes, leb, signedLeb, type Type, type Value } from './codes.ts';
import type { Func, Local, Statement } from './function.ts';

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

/**
 * The binary of a module with these functions, in this order. Imported from `env`: `memory`, and by their names the
 * functions that these call and that are not among them.
 */
export function encodeModule(
  functions: readonly Func[],
  memory: MemoryImport,
  { tag }: ModuleOptions = {},
): Uint8Array<ArrayBuffer> {
  const callees = functions.flatMap((f) => calleesOf(f.body));
  const foreign = [...new Set(callees)].filter((f) => !functions.includes(f));
  const numbers = new Map([...foreign, ...functions].map((f, k) => [f, k]));
  const typeOf = ({ params }: Func): number[] => [
    0x60,
    ...list(params.map((p) => [typeCode[p.type]])),
    0,
  ];
  const types = new Map([...numbers.keys()].map((f) => [`${typeOf(f)}`, typeOf(f)]));
  const typeNumber = (f: Func): number[] => leb([...types.keys()].indexOf(`${typeOf(f)}`));
  const limits = [memory.shared ? 3 : 1, ...leb(memory.minimum), ...leb(memory.maximum)];
  const exported = functions.filter((f) => f.exported);
  const code = new Bytes();
  for (const f of functions) encodeFunction(code, f, numbers);
  const count = leb(functions.length);
  const head = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...(tag === undefined ? [] : section(0, [...text('ostinato'), ...text(tag)])),
    ...section(1, list([...types.values()])),
    ...section(
      2,
      list([
        [...text('env'), ...text('memory'), 2, ...limits],
        ...foreign.map((f) => [...text('env'), ...text(f.name), 0, ...typeNumber(f)]),
      ]),
    ),
    ...section(3, list(functions.map(typeNumber))),
    ...section(
      7,
      list(exported.map((f) => [...text(f.name), 0, ...leb(numbers.get(f) as number)])),
    ),
    ...[10, ...leb(count.length + code.length), ...count],
  ];
  const out = new Uint8Array(head.length + code.length);
  out.set(head);
  out.set(code.view(), head.length);
  return out;
}

const list = (items: readonly (readonly number[])[]): number[] => [
  ...leb(items.length),
  ...items.flat(),
];
const section = (id: number, body: readonly number[]): number[] => [
  id,
  ...leb(body.length),
  ...body,
];
const text = (s: string): number[] => {
  const bytes = [...new TextEncoder().encode(s)];
  return [...leb(bytes.length), ...bytes];
};

/**
 * A growing array. Plain loops here and below: most programs are encoded before an engine has compiled this code, and
 * then iterators, spreading and `set` take several times as long.
 */
class Bytes {
  #data = new Uint8Array(1 << 14);
  length = 0;

  put(byte: number): void {
    if (this.length === this.#data.length) {
      const more = new Uint8Array(2 * this.length);
      more.set(this.#data);
      this.#data = more;
    }
    this.#data[this.length++] = byte;
  }

  all(bytes: readonly number[]): void {
    for (let k = 0; k < bytes.length; k++) this.put(bytes[k] as number);
  }

  view(from = 0): Uint8Array {
    return this.#data.subarray(from, this.length);
  }
}

const calleesOf = (body: readonly Statement[]): Func[] =>
  body.flatMap((s) => {
    if (s.kind === 'call') return [s.callee];
    if (s.kind === 'if') return calleesOf([...s.whenTrue, ...s.whenFalse]);
    return s.kind === 'loop' || s.kind === 'block' ? calleesOf(s.body) : [];
  });

/** Functions of the module by number, those imported first. */
type Numbers = ReadonlyMap<Func, number>;

/** A size that is known later has five bytes, whatever it is. */
const SIZE = [0x80, 0x80, 0x80, 0x80, 0];

function encodeFunction(out: Bytes, { locals, body }: Func, numbers: Numbers): void {
  out.all(SIZE);
  const start = out.length;
  const groups: Local[][] = [];
  for (const local of locals) {
    const last = groups.at(-1);
    if (last?.[0]?.type === local.type) last.push(local);
    else groups.push([local]);
  }
  out.all(list(groups.map((g) => [...leb(g.length), typeCode[(g[0] as Local).type]])));
  encodeStatements(out, body, numbers);
  out.put(END);
  const size = leb(out.length - start);
  out.view(start - SIZE.length).set(SIZE.map((byte, k) => byte | (size[k] ?? 0)));
}

const CALL = 0x10;
const END = 0x0b;
/** The type of blocks here: they give no value. */
const NOTHING = 0x40;

function encodeStatements(out: Bytes, body: readonly Statement[], numbers: Numbers): void {
  for (const s of body) {
    switch (s.kind) {
      case 'do':
        encode(out, s);
        break;
      case 'call':
        for (let k = 0; k < s.args.length; k++) encode(out, s.args[k] as Value);
        out.put(CALL);
        out.all(leb(numbers.get(s.callee) as number));
        break;
      case 'loop':
      case 'block':
        out.put(s.kind === 'loop' ? 0x03 : 0x02);
        out.put(NOTHING);
        encodeStatements(out, s.body, numbers);
        out.put(END);
        break;
      case 'if':
        encode(out, s.condition);
        out.put(0x04);
        out.put(NOTHING);
        encodeStatements(out, s.whenTrue, numbers);
        if (s.whenFalse.length > 0) {
          out.put(0x05);
          encodeStatements(out, s.whenFalse, numbers);
        }
        out.put(END);
        break;
      case 'branch':
        if (s.condition) encode(out, s.condition);
        out.put(s.condition ? 0x0d : 0x0c);
        out.put(s.depth);
    }
  }
}

function encode(out: Bytes, { op, args, imm }: Pick<Value, 'op' | 'args' | 'imm'>): void {
  for (let k = 0; k < args.length; k++) encode(out, args[k] as Value);
  out.all(codes[op]);
  for (let k = 0; k < imm.length; k++) {
    const n = imm[k] as number;
    if (op === 'v128.const') out.all(bytesOf(n));
    else if (op === 'f32.const') out.all(bytesOf(bitsOfF32(n)));
    else if (op === 'i32.const') out.all(signedLeb(n));
    else if (n < 0x80) out.put(n);
    else out.all(leb(n));
  }
}

const bytesOf = (word: number): number[] => [word, word >> 8, word >> 16, word >> 24];
