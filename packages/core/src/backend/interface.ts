/** The seam between core and a device: memory, and programs made executable. A backend sees no tensor and no gradient. */
import type { Contract, Gather, Loop, Program, Scan, Scatter } from '../ir/program.ts';

export type MaybePromise<T> = T | Promise<T>;

/** Flat device memory. Calls take effect in call order; `read` waits for all earlier work and gives a copy. */
export interface Memory<B> {
  alloc(bytes: number, label?: string): B;
  free(buffer: B): void;
  write(buffer: B, data: Uint8Array, at?: number): void;
  /**
   * `into`, of as many bytes, may take the copy and is then what comes back, as `copied` does it. Memory that does not
   * look at it gives a copy of its own, and who asked copies once more.
   */
  read(buffer: B, at?: number, bytes?: number, into?: Uint8Array): Promise<Uint8Array>;
  /**
   * The bytes themselves, where they lie in this thread's memory and no earlier work is waited for; undefined where not.
   * What it gives is looked at before the next call of any kind, never written.
   */
  view?(buffer: B, at: number, bytes: number): Uint8Array | undefined;
}

/** A place in a buffer, in bytes. */
export interface Ref<B> {
  readonly buffer: B;
  readonly offset: number;
}

/**
 * A prepared kernel: enqueues its work, given one ref per entry of the instruction's `buffers`. The refs are only
 * valid during the call: their offsets change between calls.
 */
export type Launch<B> = (refs: readonly Ref<B>[]) => void;

/** A prepared kernel that owns memory or other resources. */
export interface OwningLaunch<B> {
  readonly launch: Launch<B>;
  dispose(): void;
}

export interface Kernels<B> {
  /** The one required kernel. */
  loop(instr: Loop): MaybePromise<Launch<B>>;
  /** Absent: a loop with a sum. */
  contract?(instr: Contract): MaybePromise<Launch<B>>;
  /** Absent: derived from loops, exact but slow. */
  gather?(instr: Gather): MaybePromise<Launch<B>>;
  scatter?(instr: Scatter): MaybePromise<Launch<B>>;
  /** Null declines: core then steps through time with the kernels above. */
  scan?(instr: Scan): MaybePromise<OwningLaunch<B> | null>;
  /** Wraps all launches of one run, so that a GPU records and submits them together. */
  record?(launches: () => void): void;
}

export interface Limits {
  /** Distinct buffers that one instruction may touch. */
  readonly buffers: number;
  /** Largest window that one instruction may bind, and largest buffer, in bytes. */
  readonly bindingBytes: number;
  readonly bufferBytes: number;
  /** Callers' refs start at multiples of this. */
  readonly align: number;
}

export const unlimited: Limits = {
  buffers: Number.POSITIVE_INFINITY,
  bindingBytes: Number.POSITIVE_INFINITY,
  bufferBytes: Number.POSITIVE_INFINITY,
  align: 16,
};

/** Which variant runs and why: recorded in checkpoints, because other variants may give other bits. */
export interface BackendInfo {
  readonly name: string;
  readonly variant: string;
  readonly notes?: readonly string[];
}

export interface Executable<B> {
  /**
   * Enqueues one run and never blocks. `inputs` and `outputs` follow the program's; no two refs share memory unless
   * their slot is the same.
   */
  run(inputs: readonly Ref<B>[], outputs: readonly Ref<B>[]): void;
  /** What the backend made of the program, in lines for people. */
  explain?(): string;
  dispose(): void;
}

export interface Backend<B = unknown> extends Memory<B> {
  readonly name: string;
  readonly limits: Limits;
  info(): BackendInfo;
  compile(program: Program): Promise<Executable<B>>;
  dispose(): void;
}
