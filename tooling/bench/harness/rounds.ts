/** How sides take turns and what becomes of their slices. Knows no process and no clock. */
import type { Rates } from './cores/rate.ts';

/** Some steps of one side in a row: a part of its turn. */
export interface Slice {
  /** Median of the steps by the clock, and their mean in CPU time of the process, helper threads included. */
  readonly ms: number;
  readonly cpuMs: number;
  /** Cores that other processes kept busy in its turn. */
  readonly foreign: number;
  /** What neighbours on the same host left of the cores right before or after it, whichever was less. */
  readonly rates: Rates;
}

export interface Figure {
  /** Median over the slices that count. */
  readonly ms: number;
  readonly min: number;
  readonly max: number;
  /** Median CPU time over all slices: what a busy machine disturbs least. */
  readonly cpuMs: number;
  /** Slices that count, and slices that ran. */
  readonly counted: number;
  readonly slices: number;
  /** Whether the machine was quiet in what counts. */
  readonly calm: boolean;
}

/** A slice is calm where other processes used less than this part of one core, */
const FOREIGN = 0.35;
/** and where neither its cores nor their caches took more than this part longer to read than where they were fastest. */
const SLOWER: Rates = { core: 0.08, caches: 0.12 };

/** How disturbed cores with these rates are, where `fastest` is what they have without neighbours; from 1 on, too much. */
const disturbanceOf = ({ core, caches }: Rates, fastest: Rates): number =>
  Math.max((fastest.core / core - 1) / SLOWER.core, (fastest.caches / caches - 1) / SLOWER.caches);

export const isDisturbed = (rates: Rates, fastest: Rates): boolean =>
  disturbanceOf(rates, fastest) >= 1;

const ofEach = (all: readonly Rates[], of: (...rates: number[]) => number): Rates => ({
  core: of(...all.map((r) => r.core)),
  caches: of(...all.map((r) => r.caches)),
});

/** The greatest and the least of each kind. */
export const most = (all: readonly Rates[]): Rates => ofEach(all, Math.max);
export const least = (all: readonly Rates[]): Rates => ofEach(all, Math.min);

/** With fewer calm slices than this, the least disturbed ones count instead. */
const ENOUGH = 3;

/** Who runs in which order: each round starts with another side, so that nobody always follows the same one. */
export function turns<T>(sides: readonly T[], rounds: number): T[] {
  return Array.from({ length: rounds }, (_, round) =>
    sides.map((_, i) => sides[(i + round) % sides.length] as T),
  ).flat();
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted.length >> 1;
  const lower = sorted.length % 2 === 1 ? upper : upper - 1;
  return ((sorted[lower] ?? Number.NaN) + (sorted[upper] ?? Number.NaN)) / 2;
}

/** What was measured while neighbours on the host, and other processes, were as near as this says. */
export type Beside = Pick<Slice, 'foreign' | 'rates'>;

/**
 * What counts of it: the calm ones, or the least disturbed third where there are too few of them. `fastest` are the greatest
 * rates of the whole run, so that the same holds for all sides.
 */
export function calmest<T extends Beside>(
  all: readonly T[],
  fastest: Rates,
): { readonly counting: readonly T[]; readonly calm: boolean } {
  const disturbance = ({ foreign, rates }: T): number =>
    Math.max(foreign / FOREIGN, disturbanceOf(rates, fastest));
  const byDisturbance = all.toSorted((a, b) => disturbance(a) - disturbance(b));
  const quiet = byDisturbance.filter((one) => disturbance(one) < 1).length;
  const calm = quiet >= Math.min(ENOUGH, all.length);
  return { counting: byDisturbance.slice(0, calm ? quiet : Math.ceil(all.length / 3)), calm };
}

/** The figure of one side: the median of the slices that count. */
export function figureOf(slices: readonly Slice[], fastest: Rates): Figure {
  const { counting, calm } = calmest(slices, fastest);
  const times = counting.map((slice) => slice.ms);
  return {
    ms: median(times),
    min: Math.min(...times),
    max: Math.max(...times),
    cpuMs: median(slices.map((slice) => slice.cpuMs)),
    counted: times.length,
    slices: slices.length,
    calm,
  };
}

/** The largest distance of two lists of numbers, relative where they exceed 1. Infinite where lengths differ. */
export function distance(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  const each = a.map((x, i) => Math.abs(x - (b[i] as number)) / Math.max(1, Math.abs(x)));
  return each.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(0, ...each);
}
