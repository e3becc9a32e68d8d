/** Runs one program on a backend and on the reference, and says where they differ. */
import {
  type Backend,
  bytesPerElement,
  type Executable,
  type Program,
  printProgram,
  type Ref,
  reference,
  verify,
  viewOf,
} from '@ostinato/core/backend';
import { elements, type Random } from './random.ts';
import { near, tolerances } from './tolerance.ts';

/** Values of a program's inputs, by slot. */
export type Inputs = ReadonlyMap<number, ArrayLike<number>>;

type Slot = Program['slots'][number];
const slotOf = (program: Program, k: number): Slot => program.slots[k] as Slot;
const bytesOf = ({ size, dtype }: Slot): number => size * bytesPerElement[dtype];

/** Random values for all inputs, but for those that are given. */
export function inputsFor(program: Program, r: Random, given: Inputs = new Map()): Inputs {
  return new Map(
    program.inputs.map((k) => {
      const { dtype, size } = slotOf(program, k);
      return [k, given.get(k) ?? elements(r, dtype, size)];
    }),
  );
}

/** Bytes behind each window that nobody may touch. */
const guard = 32;

/** One buffer per input and output, each longer than its slot on both sides. */
export interface Bound {
  readonly program: Program;
  /** Multiples of the backend's alignment before each window. */
  readonly lead: number;
  readonly buffers: ReadonlyMap<number, unknown>;
  readonly inputs: Ref<unknown>[];
  readonly outputs: Ref<unknown>[];
}

const callersOf = (program: Program): number[] => [
  ...new Set([...program.inputs, ...program.outputs]),
];

/** Allocates and fills what the caller of a program passes in; outputs hold garbage, which a run must overwrite. */
export function bind(backend: Backend, program: Program, inputs: Inputs, lead = 0): Bound {
  const offset = lead * backend.limits.align;
  const buffers = new Map<number, unknown>();
  for (const k of callersOf(program)) {
    const slot = slotOf(program, k);
    const bytes = new Uint8Array(offset + bytesOf(slot) + guard).fill(0x5a);
    const values = inputs.get(k);
    // A typed array of its own, because the offset may not suit the element type.
    if (values) {
      const window = viewOf(slot.dtype, new ArrayBuffer(bytesOf(slot)));
      window.set(values);
      bytes.set(new Uint8Array(window.buffer), offset);
    }
    const buffer = backend.alloc(bytes.length, slot.label);
    backend.write(buffer, bytes);
    buffers.set(k, buffer);
  }
  const ref = (k: number): Ref<unknown> => ({ buffer: buffers.get(k), offset });
  return {
    program,
    lead,
    buffers,
    inputs: program.inputs.map(ref),
    outputs: program.outputs.map(ref),
  };
}

export const runBound = (executable: Executable<unknown>, bound: Bound): void =>
  executable.run(bound.inputs, bound.outputs);

export function release(backend: Backend, bound: Bound): void {
  for (const buffer of bound.buffers.values()) backend.free(buffer);
}

/** Reads all of the callers' buffers: what was written, and what must not have been. */
export async function readBound(backend: Backend, bound: Bound): Promise<Map<number, Uint8Array>> {
  const read = [...bound.buffers].map(
    async ([k, buffer]): Promise<[number, Uint8Array]> => [k, await backend.read(buffer)],
  );
  return new Map(await Promise.all(read));
}

/** What the reference makes of the same inputs. */
export async function expected(
  program: Program,
  inputs: Inputs,
): Promise<ReadonlyMap<number, ArrayLike<number>>> {
  const backend = reference() as Backend;
  const executable = await backend.compile(program);
  const bound = bind(backend, program, inputs);
  runBound(executable, bound);
  const bytes = await readBound(backend, bound);
  return new Map(
    callersOf(program).map((k) => {
      const { dtype, size } = slotOf(program, k);
      return [k, viewOf(dtype, (bytes.get(k) as Uint8Array).buffer, 0, size)];
    }),
  );
}

/** Throws where a run left other values than the reference, or touched bytes outside its windows. */
export async function compareBound(
  backend: Backend,
  bound: Bound,
  want: ReadonlyMap<number, ArrayLike<number>>,
): Promise<void> {
  const { program } = bound;
  const offset = bound.lead * backend.limits.align;
  for (const [k, bytes] of await readBound(backend, bound)) {
    const slot = slotOf(program, k);
    const end = offset + bytesOf(slot);
    const name = `%${k} ${slot.label}`;
    bytes.forEach((byte, at) => {
      if ((at < offset || (at >= end && at < end + guard)) && byte !== 0x5a)
        throw new Error(
          `${name}: byte ${at - offset} was written, its window is 0 to ${end - offset}\n${printProgram(program)}`,
        );
    });
    // A copy, which begins its memory: a backend may answer with Node's Buffer, whose slices do not.
    const window = new Uint8Array(bytes.subarray(offset, end));
    compareValues(window, want.get(k) as ArrayLike<number>, slot, name, program);
  }
}

function compareValues(
  bytes: Uint8Array,
  want: ArrayLike<number>,
  slot: Slot,
  name: string,
  program: Program,
): void {
  const got = viewOf(slot.dtype, bytes.buffer, 0, slot.size);
  const wrong: string[] = [];
  for (let i = 0; i < slot.size; i++) {
    const [a, b] = [got[i] as number, want[i] as number];
    if (!near(a, b, tolerances[slot.dtype])) wrong.push(`[${i}] is ${a}, the reference gives ${b}`);
  }
  if (wrong.length === 0) return;
  const shown = wrong.slice(0, 5).map((line) => `  ${line}`);
  throw new Error(
    [
      `${name}: ${wrong.length} of ${slot.size} elements (${slot.dtype}) differ`,
      ...shown,
      printProgram(program),
    ].join('\n'),
  );
}

/** The usual case: compile, run once, compare, give everything back. */
export async function check(
  backend: Backend,
  program: Program,
  r: Random,
  given?: Inputs,
): Promise<void> {
  verify(program, backend.limits);
  const inputs = inputsFor(program, r, given);
  const want = await expected(program, inputs);
  const executable = await backend.compile(program);
  const bound = bind(backend, program, inputs, r.whole(0, 2));
  runBound(executable, bound);
  await compareBound(backend, bound, want);
  release(backend, bound);
  executable.dispose();
}
