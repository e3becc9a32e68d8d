/** Fused multiply-adds on WebAssembly's vectors, in a module of a few bytes. Knows no backend. */
import { setFlagsFromString } from 'node:v8';

/** Turns of a loop; a longer one starts no faster. */
const TURNS = 400_000;
/** They hide the latency of the multiply-adds and leave registers for their operands. */
const CHAINS = 12;

/** Of one call of what `plain` and `paired` return: two vectors of four for each chain, a multiplication and an addition. */
export const SIMD_FLOPS = 2 * CHAINS * 4 * 2 * TURNS;

/** With 128-bit vectors. */
export function plain(): () => void {
  const half = compile(CHAINS, 1);
  return () => {
    half();
    half();
  };
}

/** With pairs of them that V8 turns into 256-bit vectors; as `plain` where it does not. */
export function paired(): () => void {
  // Set for this one compilation, which must be by the optimising compiler and at once.
  const flags = ['experimental-wasm-revectorize', 'no-liftoff', 'no-wasm-lazy-compilation'];
  for (const flag of flags) setFlagsFromString(`--${flag}`);
  const wide = compile(2 * CHAINS, 2);
  for (const flag of flags)
    setFlagsFromString(flag.startsWith('no-') ? `--${flag.slice(3)}` : `--no-${flag}`);
  const narrow = plain();
  return least(wide) < least(narrow) ? wide : narrow;
}

function least(run: () => void): number {
  const times = Array.from({ length: 10 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return Math.min(...times);
}

/**
 * A function that loads `chains` sums and `operands` x, adds x * x to every sum `TURNS` times, and stores the sums. Pairs
 * are made of neighbours: stores, sums and operands.
 */
function compile(chains: number, operands: number): () => void {
  const v128Load = (at: number): number[] => [0xfd, 0, 4, ...leb(at)];
  const load = (local: number, at: number): number[] => [
    ...[0x41, 0, ...v128Load(at)],
    ...[0x21, local],
  ];
  const sum = (k: number): number => 1 + k;
  const operand = (k: number): number => 1 + chains + (k % operands);
  const all = Array.from({ length: chains }, (_, k) => k);
  const multiplyAdd = (k: number): number[] => [
    ...[0x20, operand(k), 0x20, operand(k), 0x20, sum(k)],
    ...[0xfd, 0x85, 0x02, 0x21, sum(k)], // f32x4.relaxed_madd
  ];
  const store = (k: number): number[] => [0x41, 0, 0x20, sum(k), 0xfd, 11, 4, ...leb(16 * k)];
  const body = [
    ...[2, 1, 0x7f, chains + operands, 0x7b], // locals: i32, then v128
    ...all.flatMap((k) => load(sum(k), 16 * k)),
    ...Array.from({ length: operands }, (_, k) => load(operand(k), 1024 + 16 * k)).flat(),
    ...[0x41, ...leb(TURNS), 0x21, 0],
    ...[0x03, 0x40, ...all.flatMap(multiplyAdd)], // loop
    ...[0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b], // until the counter is 0
    ...all.flatMap(store),
    0x0b,
  ];
  const section = (id: number, content: number[]): number[] => [
    id,
    ...leb(content.length),
    ...content,
  ];
  const module = new WebAssembly.Module(
    Uint8Array.from([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, [1, 0x60, 0, 0]),
      ...section(3, [1, 0]),
      ...section(5, [1, 0, 1]),
      ...section(7, [1, 1, 0x66, 0, 0]), // "f"
      ...section(10, [1, ...leb(body.length), ...body]),
    ]),
  );
  return new WebAssembly.Instance(module).exports.f as () => void;
}

/** LEB128; with a last group whose sign bit is clear, so that it is the same signed and unsigned. */
function leb(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest > 0x3f) {
    out.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  return [...out, rest];
}
