/** Functions to the bytes of a module. Knows the binary format (WebAssembly core, section 5). */

import { bitsOfF32, codes, leb, type Type, unsigned, type Value } from './codes.ts';
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
  const callees = new Set(functions.flatMap((f) => [...f.callees]));
  const foreign = [...callees].filter((f) => !functions.includes(f));
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
  const code: Bytes = [];
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
  out.set(code, head.length);
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
 * Bytes, as they come. Plain loops and an array here and below: most programs are encoded before an engine has compiled
 * this code, and then iterators, spreading and methods of our own take several times as long.
 */
type Bytes = number[];

/** LEB128 of an int32. */
function signed(out: Bytes, n: number): void {
  let rest = n;
  for (; rest < -64 || rest >= 64; rest >>= 7) out.push((rest & 0x7f) | 0x80);
  out.push(rest & 0x7f);
}

const word = (out: Bytes, n: number): void => {
  out.push(n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, n >>> 24);
};

/** Functions of the module by number, those imported first. */
type Numbers = ReadonlyMap<Func, number>;

/** A size that is known later has five bytes, whatever it is. */
const SIZE = [0x80, 0x80, 0x80, 0x80, 0];

function encodeFunction(out: Bytes, { locals, body }: Func, numbers: Numbers): void {
  out.push(...SIZE);
  const start = out.length;
  const groups: Local[][] = [];
  for (const local of locals) {
    const last = groups.at(-1);
    if (last?.[0]?.type === local.type) last.push(local);
    else groups.push([local]);
  }
  out.push(...list(groups.map((g) => [...leb(g.length), typeCode[(g[0] as Local).type]])));
  encodeStatements(out, body, numbers);
  out.push(END);
  leb(out.length - start).forEach((byte, k) => {
    out[start - SIZE.length + k] = byte | (SIZE[k] as number);
  });
}

const CALL = 0x10;
const END = 0x0b;
/** The type of blocks here: they give no value. */
const NOTHING = 0x40;

function encodeStatements(out: Bytes, body: readonly Statement[], numbers: Numbers): void {
  for (let k = 0; k < body.length; k++) {
    const s = body[k] as Statement;
    switch (s.kind) {
      case 'do':
        encode(out, s);
        break;
      case 'call':
        for (let a = 0; a < s.args.length; a++) encode(out, s.args[a] as Value);
        out.push(CALL);
        unsigned(out, numbers.get(s.callee) as number);
        break;
      case 'loop':
      case 'block':
        out.push(s.kind === 'loop' ? 0x03 : 0x02, NOTHING);
        encodeStatements(out, s.body, numbers);
        out.push(END);
        break;
      case 'if':
        encode(out, s.condition);
        out.push(0x04, NOTHING);
        encodeStatements(out, s.whenTrue, numbers);
        if (s.whenFalse.length > 0) {
          out.push(0x05);
          encodeStatements(out, s.whenFalse, numbers);
        }
        out.push(END);
        break;
      case 'branch':
        if (s.condition) encode(out, s.condition);
        out.push(s.condition ? 0x0d : 0x0c, s.depth);
    }
  }
}

function encode(out: Bytes, { op, args, imm }: Pick<Value, 'op' | 'args' | 'imm'>): void {
  for (let k = 0; k < args.length; k++) encode(out, args[k] as Value);
  const code = codes[op];
  for (let k = 0; k < code.length; k++) out.push(code[k] as number);
  for (let k = 0; k < imm.length; k++) {
    const n = imm[k] as number;
    if (op === 'v128.const') word(out, n);
    else if (op === 'f32.const') word(out, bitsOfF32(n));
    else if (op === 'i32.const') signed(out, n);
    else unsigned(out, n);
  }
}
