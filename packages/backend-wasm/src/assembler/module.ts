/** Functions to the bytes of a module. Knows the binary format (WebAssembly core, section 5), but for what functions do. */
import { leb } from './codes.ts';
import { type Encoded, encodeFunction, padded, typeCode } from './encode.ts';
import type { Callee, Func } from './function.ts';

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
 * The binary of a module with these functions, in this order, all of them exported. Imported from `env`: `memory`, and by
 * their names the functions that these call and that are not among them.
 */
export function encodeModule(
  functions: readonly (Func | Encoded)[],
  memory: MemoryImport,
  { tag = '' }: ModuleOptions = {},
): Uint8Array<ArrayBuffer> {
  const codes = functions.map((f) => ('bytes' in f ? f : encodeFunction(f)));
  const callees = new Set(codes.flatMap((f) => f.calls.map(({ callee }) => callee)));
  const foreign = [...callees].filter((f) => !functions.includes(f as Func | Encoded));
  const all = [...foreign, ...functions];
  const numbers = new Map(all.map((f, k) => [f, k]));
  const numberOf = (f: Callee): number[] => leb(numbers.get(f) as number);
  // Each has a type of its own, of its own number.
  const types = all.map(({ params }) => [0x60, ...list(params.map((p) => [typeCode[p.type]])), 0]);
  const limits = [memory.shared ? 3 : 1, ...leb(memory.minimum), ...leb(memory.maximum)];
  const size = codes.reduce((n, { bytes }) => n + bytes.length, 0);
  const count = leb(functions.length);
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0].concat(
    section(0, text(tag)),
    section(1, list(types)),
    section(
      2,
      list([
        text('env').concat(text('memory'), 2, limits),
        ...foreign.map((f) => text('env').concat(text(f.name), 0, numberOf(f))),
      ]),
    ),
    section(3, list(functions.map(numberOf))),
    section(7, list(functions.map((f) => text(f.name).concat(0, numberOf(f))))),
    [10, ...leb(count.length + size), ...count],
  );
  const out = new Uint8Array(head.length + size);
  out.set(head);
  let at = head.length;
  for (const { bytes, calls } of codes) {
    out.set(bytes, at);
    for (const call of calls) padded(out, at + call.at, numbers.get(call.callee) as number);
    at += bytes.length;
  }
  return out;
}

const list = (items: readonly (readonly number[])[]): number[] =>
  leb(items.length).concat(...items);
const section = (id: number, body: readonly number[]): number[] =>
  [id].concat(leb(body.length), body);
const encoder = new TextEncoder();
const text = (s: string): number[] => {
  const bytes = encoder.encode(s);
  return leb(bytes.length).concat(...bytes);
};
