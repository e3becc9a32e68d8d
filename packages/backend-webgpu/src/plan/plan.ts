/**
 * What a program becomes: dispatches, some of them repeated by time loops, and the memory they share. Data only: kernels
 * as text, buffers as names. Knows no device.
 */
import type { Kernel } from '../wgsl/writer.ts';

export interface Dispatch {
  readonly kind: 'dispatch';
  readonly label: string;
  readonly kernel: Kernel;
  readonly workgroups: number;
}

/** A time loop around steps: kernels in it may read its step number, by its level. */
export interface Repeat {
  readonly kind: 'repeat';
  readonly level: number;
  readonly count: number;
  readonly steps: readonly Step[];
}

export type Step = Dispatch | Repeat;

/** How a scan is run, and why. */
export interface ScanReport {
  readonly label: string;
  readonly schedule: 'persistent' | 'stepwise';
  readonly why: string;
  /** Where its weights are, as far as that was decided. */
  readonly weights?: string;
}

export interface Plan {
  /** Bytes of the program's own buffers, named `own0`, `own1` and so on. */
  readonly own: readonly number[];
  readonly steps: readonly Step[];
  readonly scans: readonly ScanReport[];
}

/** What the plan has to fit. */
export interface Machine {
  /** Threads of a workgroup where each has a point of its own. */
  readonly threads: number;
  /** Threads of a workgroup that takes rows through a time loop. */
  readonly tileThreads: number;
  readonly workgroupBytes: number;
  readonly bindingBytes: number;
  readonly storageBuffers: number;
  /** Threads of a subgroup pass values to one another. */
  readonly subgroups: boolean;
  /** Computes on the CPU, or is to be treated so: barriers are slow, and few threads are enough. */
  readonly software: boolean;
}

export interface PlanOptions {
  /** By default what suits the device. A scan whose rows mix is stepped through in any case. */
  readonly schedule?: 'persistent' | 'stepwise' | undefined;
  /** Rows per workgroup of a persistent scan; by default as many as its memory suits, 4 at most. */
  readonly tileRows?: number | undefined;
  /** Steps of a persistent scan per dispatch. */
  readonly stepsPerDispatch?: number | undefined;
  /**
   * Copies the weights of a persistent scan's products into workgroup memory before its first step, as far as they fit. By
   * default on GPUs: an adapter in software has no memory that is nearer.
   */
  readonly residentWeights?: boolean | undefined;
  /** False leaves out the barriers of persistent scans, to see that tests notice. */
  readonly barriers?: boolean | undefined;
}

/** All dispatches, those of time loops once per step. */
export const countDispatches = (steps: readonly Step[]): number =>
  steps.reduce((n, s) => n + (s.kind === 'dispatch' ? 1 : s.count * countDispatches(s.steps)), 0);

/** Every distinct kernel, in order of first use. */
export function dispatchesOf(steps: readonly Step[]): Dispatch[] {
  return steps.flatMap((s) => (s.kind === 'dispatch' ? [s] : dispatchesOf(s.steps)));
}
