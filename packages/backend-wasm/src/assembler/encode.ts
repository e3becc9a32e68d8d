/**
 * What a function does, as bytes (WebAssembly core, section 5.4). Knows no module: where a function is called, its number
 * is left open.
 *
 * Most programs are encoded before an engine has compiled this code: hence plain loops and one buffer here, for iterators,
 * spreading and methods of our own take several times as long then. And hence function by function, each as soon as it
 * is built: its expressions are garbage before the collector has moved them.
 */
import { bitsOfF32, codes, type Type, type Value } from './codes.ts';
import type { Callee, Func, Local, Statement } from './function.ts';

export const typeCode: { readonly [T in Type]: number } = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

/** A function as bytes. */
export interface Encoded extends Callee {
  readonly bytes: Uint8Array;
  /** Where in them the numbers of functions belong; see `padded`. */
  readonly calls: readonly Call[];
}

interface Call {
  readonly at: number;
  readonly callee: Callee;
}

/** Of the function that is being encoded. The buffer is the same for all; what goes beyond it is lost, and `end` says so. */
let bytes = new Uint8Array(1 << 14);
let end = 0;
let calls: Call[] = [];

const put = (byte: number): void => {
  bytes[end++] = byte;
};

/** LEB128 of an unsigned number. */
function unsigned(n: number): void {
  let rest = n;
  for (; rest > 0x7f; rest >>>= 7) bytes[end++] = (rest & 0x7f) | 0x80;
  bytes[end++] = rest;
}

/** LEB128 of an int32. */
function signed(n: number): void {
  let rest = n;
  for (; rest < -64 || rest >= 64; rest >>= 7) bytes[end++] = (rest & 0x7f) | 0x80;
  bytes[end++] = rest & 0x7f;
}

function word(n: number): void {
  for (let shift = 0; shift < 32; shift += 8) bytes[end++] = (n >> shift) & 0xff;
}

/** LEB128 in the five bytes that a number gets which is known later. */
export function padded(out: Uint8Array, at: number, n: number): void {
  for (let k = 0; k < 5; k++) out[at + k] = ((n >>> (7 * k)) & 0x7f) | (k < 4 ? 0x80 : 0);
}

export function encodeFunction(func: Func): Encoded {
  const { name, params, locals, body } = func;
  end = 5;
  calls = [];
  encodeLocals(locals);
  encodeStatements(body);
  put(END);
  if (end > bytes.length) {
    bytes = new Uint8Array(2 * end);
    return encodeFunction(func);
  }
  padded(bytes, 0, end - 5);
  return { name, params, bytes: bytes.slice(0, end), calls };
}

/** How many of one type follow one another, for all of them. */
function encodeLocals(locals: readonly Local[]): void {
  const last = locals.filter((l, k) => l.type !== locals[k + 1]?.type);
  unsigned(last.length);
  let before = (locals[0]?.index ?? 0) - 1;
  for (const { type, index } of last) {
    unsigned(index - before);
    put(typeCode[type]);
    before = index;
  }
}

const CALL = 0x10;
const END = 0x0b;
/** The type of blocks here: they give no value. */
const NOTHING = 0x40;

function encodeStatements(body: readonly Statement[]): void {
  for (let k = 0; k < body.length; k++) {
    const s = body[k] as Statement;
    switch (s.kind) {
      case 'do':
        encode(s);
        break;
      case 'call':
        s.args.forEach(encode);
        put(CALL);
        calls.push({ at: end, callee: s.callee });
        end += 5;
        break;
      case 'loop':
        put(0x03);
        put(NOTHING);
        encodeStatements(s.body);
        put(END);
        break;
      case 'if':
        encode(s.condition);
        put(0x04);
        put(NOTHING);
        encodeStatements(s.whenTrue);
        if (s.whenFalse.length > 0) {
          put(0x05);
          encodeStatements(s.whenFalse);
        }
        put(END);
        break;
      case 'repeat':
        encode(s.condition);
        put(0x0d);
        put(0);
    }
  }
}

function encode({ op, args, imm }: Pick<Value, 'op' | 'args' | 'imm'>): void {
  for (let k = 0; k < args.length; k++) encode(args[k] as Value);
  const code = codes[op] as readonly number[];
  for (let k = 0; k < code.length; k++) bytes[end++] = code[k] as number;
  for (let k = 0; k < imm.length; k++) {
    const n = imm[k] as number;
    if (op === 'v128.const') word(n);
    else if (op === 'f32.const') word(bitsOfF32(n));
    else if (op === 'i32.const') signed(n);
    else unsigned(n);
  }
}
