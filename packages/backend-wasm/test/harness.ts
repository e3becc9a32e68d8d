/** Runs one instruction as a module of its own, and as the reference does, on the same bytes; or a whole program. */
import { setFlagsFromString } from 'node:v8';
import type { HostInput } from '@ostinato/core';
import {
  type Backend,
  type Gather,
  type Loop,
  type Program,
  type Ref,
  referenceKernels,
  type Scatter,
  type SlotWindow,
  sizeOf,
  window,
} from '@ostinato/core/backend';
import { hostKey, uniform } from '@ostinato/core/random';
import { FunctionBuilder, type Local } from '../src/assembler/function.ts';
import { encodeModule } from '../src/assembler/module.ts';
import { printFunction } from '../src/assembler/print.ts';
import * as extras from '../src/extras.ts';
import { emitLoop, type Part, planAxes } from '../src/loop/index.ts';
import { pairs } from '../src/pairing.ts';
import type { Target } from '../src/target.ts';

export type Data = readonly Uint8Array<ArrayBuffer>[];
export type Single = Loop | Gather | Scatter;

export const targets: readonly Target[] = [
  { relaxed: false, paired: false },
  { relaxed: true, paired: false },
  { relaxed: false, paired: true },
  { relaxed: true, paired: true },
];

/** Part of an axis, run by itself. Tables choose what they part. */
export interface Piece {
  readonly axis: number;
  readonly first: number;
  readonly count: number;
}

interface Wanted {
  readonly axis?: number | undefined;
  readonly part?: Part;
  readonly storesApart?: boolean;
}

/** Parameters: an address per buffer, then (with an axis) the first index and the count. */
export function build(
  instr: Single,
  target: Target,
  { axis, part, storesApart }: Wanted = {},
): FunctionBuilder {
  const f = new FunctionBuilder('run', { storesApart });
  const buffers: Local<'i32'>[] = instr.buffers.map((_, k) => f.param('i32', `b${k}`));
  const range = axis === undefined ? [] : [f.param('i32', 'first'), f.param('i32', 'count')];
  const [first, count] = range;
  const parts = first && count && { first, count };
  if (instr.kind === 'gather') extras.emitGather(f, instr, buffers, parts);
  else if (instr.kind === 'scatter') extras.emitScatter(f, instr, buffers, parts);
  else
    emitLoop(f, instr, buffers, target, {
      ...(axis !== undefined && parts ? { range: { axis, ...parts } } : {}),
      ...(part ? { part } : {}),
      extras,
    });
  return f;
}

export const printed = (instr: Single, target: Target): string =>
  printFunction(build(instr, target).finish());

export type Run = (...args: number[]) => void;

let inPairs = false;

/** Runs `make` while V8 pairs vectors in whatever it compiles, in any thread of the process. */
export function pairing<T>(make: () => T): T {
  const flags = ['no-liftoff', 'no-wasm-lazy-compilation', 'experimental-wasm-revectorize'];
  try {
    inPairs = true;
    for (const f of flags) setFlagsFromString(`--${f}`);
    return make();
  } finally {
    inPairs = false;
    for (const f of flags) setFlagsFromString(`--no-${f}`.replace('--no-no-', '--'));
  }
}

/** With pairs where the target says so and programs would have them, as far as the engine has them. */
export function compile(
  instr: Single,
  wanted: Target,
  memory: WebAssembly.Memory,
  axis?: number,
): Run {
  const plan = instr.kind === 'loop' ? planAxes(instr, axis) : undefined;
  const paired = wanted.paired && pairs(instr, plan);
  const parts: Part[] = paired ? ['pairs', 'rest'] : ['whole'];
  const runs = parts.map((part): Run => {
    const target = { ...wanted, paired: part === 'pairs' };
    const limits = { shared: false, minimum: 1, maximum: 65536 };
    const built = build(instr, target, { axis, part, storesApart: !target.paired }).finish();
    const tag = `${part} ${inPairs}`; // V8 shares the code of modules with the same bytes
    const bytes = encodeModule([built], limits, { tag });
    const make = () => new WebAssembly.Module(bytes);
    const module = target.paired ? pairing(make) : make();
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    return (instance.exports as { run: Run }).run;
  });
  return (...args) => {
    for (const run of runs) run(...args);
  };
}

/** The buffers after the run. Around each, bytes that nothing may touch. */
export function onWasm(instr: Single, data: Data, target: Target, pieces?: readonly Piece[]): Data {
  const guard = 64;
  let end = guard;
  const addresses = data.map((bytes) => {
    const address = end;
    end += bytes.length + guard;
    return address;
  });
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 65536), maximum: 65536 });
  const all = new Uint8Array(memory.buffer).fill(0xa5);
  data.forEach((bytes, k) => {
    all.set(bytes, addresses[k] as number);
  });
  const run = compile(instr, target, memory, pieces?.[0]?.axis);
  if (pieces) for (const { first, count } of pieces) run(...addresses, first, count);
  else run(...addresses);
  const after = data.map((bytes, k) => {
    const address = addresses[k] as number;
    const out = all.slice(address, address + bytes.length);
    all.fill(0xa5, address, address + bytes.length);
    return out;
  });
  if (all.some((byte) => byte !== 0xa5)) throw new Error('the kernel wrote outside its buffers');
  return after;
}

export function onReference(instr: Single, data: Data): Data {
  const kernels = referenceKernels();
  const copies = data.map((bytes) => bytes.slice());
  const refs = copies.map((bytes): Ref<ArrayBuffer> => ({ buffer: bytes.buffer, offset: 0 }));
  if (instr.kind === 'loop') kernels.loop(instr)(refs);
  else if (instr.kind === 'gather') kernels.gather(instr)(refs);
  else kernels.scatter(instr)(refs);
  return copies;
}

export const bytesOf = (
  x: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> => new Uint8Array(x.buffer);

/** Random numbers between -width / 2 and width / 2. */
export const host = (seed: number, shape: readonly number[], width = 0.6): HostInput => ({
  data: uniform(hostKey(seed), sizeOf(shape)).map((u) => width * (u - 0.5)),
  shape,
});

export const bits = (values: readonly Float32Array[]): number[][] =>
  values.map((v) => [...new Uint32Array(v.buffer, v.byteOffset, v.length)]);

/** How axes lie in memory. */
export interface Layout {
  /** So many axes from the last one on is the axis whose elements lie side by side; before it comes the next, and so on. */
  readonly turn: number;
  /** An axis with stride 0, and one that runs backwards, if there are axes of these numbers. */
  readonly lacks: number;
  readonly flips: number;
}

/** A window of axes of these sizes, which fill memory from the slot's first element on. */
export function windowOf(
  slot: number,
  sizes: readonly number[],
  { turn, lacks, flips }: Layout,
): SlotWindow {
  const strides = sizes.map(() => 0);
  let [step, offset] = [1, 0];
  for (let k = 0; k < sizes.length; k++) {
    const axis = sizes.length - 1 - ((k + turn) % sizes.length);
    const n = sizes[axis] as number;
    if (axis === lacks) continue;
    const back = axis === flips;
    strides[axis] = back ? -step : step;
    if (back) offset += step * (n - 1);
    step *= n;
  }
  return window(slot, strides, offset);
}

/** The largest difference, relative to values above 1; NaN and infinities must be the same. */
export function worstDifference(a: Data[number], b: Data[number]): number {
  const x = new Float32Array(a.buffer);
  const y = new Float32Array(b.buffer);
  let worst = 0;
  for (let k = 0; k < x.length; k++) {
    const [p, q] = [x[k] as number, y[k] as number];
    if (Object.is(p, q) || p === q) continue;
    const difference = Math.abs(p - q) / Math.max(1, Math.abs(q));
    worst = Math.max(worst, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return worst;
}

/** What a program gives for inputs that are all different. */
export async function runProgram<B>(
  backend: Backend<B>,
  program: Program,
): Promise<Float32Array[]> {
  const executable = await backend.compile(program);
  const refs = (slots: readonly number[]): Ref<B>[] =>
    slots.map((k) => ({ buffer: backend.alloc((program.slots[k]?.size ?? 0) * 4), offset: 0 }));
  const inputs = refs(program.inputs);
  const outputs = refs(program.outputs);
  inputs.forEach(({ buffer }, k) => {
    const size = program.slots[program.inputs[k] as number]?.size as number;
    const values = Float32Array.from({ length: size }, (_, i) => Math.sin(0.7 * i + 3 * k));
    backend.write(buffer, new Uint8Array(values.buffer));
  });
  executable.run(inputs, outputs);
  const bytes = await Promise.all(outputs.map(({ buffer }) => backend.read(buffer)));
  executable.dispose();
  for (const { buffer } of [...inputs, ...outputs]) backend.free(buffer);
  return bytes.map((b) => new Float32Array(b.slice().buffer));
}
