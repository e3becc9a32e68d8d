/** What a run asks for, and who may do it in this thread's stead. Types only. */

/** A function of a program's modules; parameters are 32-bit words. */
export type Kernel = (...args: number[]) => void;

/** One call of a function, by its number among the program's. */
export interface Job {
  readonly number: number;
  readonly args: readonly number[];
  /** So many parts can run at once: three more arguments say the first, how many, and in which thread. */
  readonly parts: number | undefined;
}

/** A program as other threads need it: modules, each of which may import what earlier ones export, and functions. */
export interface Code {
  readonly modules: readonly WebAssembly.Module[];
  readonly names: readonly string[];
  /** Some job has parts. */
  readonly parted: boolean;
}

/** A program that threads know. */
export interface Loaded {
  /** Does the jobs one after another. */
  run(jobs: readonly Job[]): void;
  drop(): void;
}

export interface Team {
  /** `kernels`: this thread's own. */
  load(code: Code, kernels: readonly Kernel[]): Loaded | Promise<Loaded>;
  dispose(): void;
}

/** A thread that does everything in this one's stead, in the order of the calls and at some later time. */
export interface Lead extends Team {
  load(code: Code): Loaded;
  /** Throws where it can do nothing any more. `doing` names the call that finds it. */
  check(doing: string): void;
  write(at: number, data: Uint8Array): void;
  clear(at: number, size: number): void;
  /** In `into` where its memory is shared, otherwise in an array of its own. */
  read(at: number, size: number, into?: Uint8Array): Promise<Uint8Array>;
}
