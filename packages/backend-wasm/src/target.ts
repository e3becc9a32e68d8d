/** What the engine offers, as far as kernels care. Knows no kernel. */
import type { Instr, Program } from '@ostinato/core/backend';
import type { Kernel, Team } from './jobs.ts';
import type { Heap } from './memory.ts';

export interface Target {
  /** `f32x4.relaxed_madd` exists: products and sums in one instruction. */
  readonly relaxed: boolean;
  /**
   * The engine pairs adjacent 128-bit operations into 256-bit ones (V8's revectoriser): tiles are for sixteen 256-bit
   * registers, and vectors come in pairs.
   */
  readonly paired: boolean;
  /**
   * Steps of a product's depth per turn of its loop; 4 unless stated. Engines before V8 13 schedule all loads of a turn
   * first and run out of registers: 1 there.
   */
  readonly unroll?: number;
}

export interface Threads {
  readonly count: number;
  /** How they share an instruction; undefined: it is not worth it. `awake`: they share a larger one of its program. */
  partsOf(instr: Instr, awake?: boolean): Parts | undefined;
  /** Whether they are to be there before this program runs. */
  worth(program: Program): boolean;
  /** Absent where there is one. */
  start?(heap: Heap): Promise<Team>;
  /** What they would share, by one of them; absent where there is one. */
  alone?(kernel: Kernel, args: readonly number[], parts: number): void;
}

export interface Parts {
  /** The instruction's axis; null where the instruction chooses (a scan parts by its rows). */
  readonly axis: number | null;
  readonly count: number;
  /** How many of them a thread may have. */
  readonly shares: readonly number[];
}

/** An address per buffer and a few numbers: engines refuse functions with more than 1000 parameters. */
export const MAXIMUM_BUFFERS = 990;

/** Bytes from which on a stack leaves the caches. */
export const LONG = 1 << 20;
