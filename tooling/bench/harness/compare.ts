/**
 * One pass over a case: all sides compute the same numbers first, then they take turns, and with them what the machine can
 * do. And the figures of all passes.
 */
import type { Ceiling } from '../ceiling/index.ts';
import { type Cores, type Rates, watchCores } from './cores/index.ts';
import { foreignFromNow } from './machine.ts';
import { distance, type Figure, figureOf, least, most, type Slice, turns } from './rounds.ts';
import { type Checked, type Side, type SideOptions, startSide } from './side.ts';

/** One of several ways in which ours computes a case. */
export interface Variant {
  readonly backend: string;
  /** "default" or "best" is what a user gets who asks for nothing. */
  readonly variant: string;
  readonly threads: number;
  readonly side: SideOptions;
  /** What one of its threads could reach at most; undefined where nothing measures it. */
  readonly ceiling?: Ceiling;
}

export interface Case {
  readonly case: string;
  readonly cell: string;
  readonly mode: 'inference' | 'training' | 'gradients' | 'step';
  /** [batch, time, inputs, units] */
  readonly shape: readonly [number, number, number, number];
  /** Of the recurrent layer's products, 2 for each element and depth; what of training is counted, the bench says. */
  readonly flops: number;
  /** Whether the gradient for the recurrent layer's input is computed. */
  readonly inputGradient: boolean;
  /** The first is what limits hold for, and what ratios are taken to. */
  readonly ours: readonly [Variant, ...Variant[]];
  readonly peers: readonly SideOptions[];
  /** How far the checked numbers may lie apart, relative where they exceed 1. */
  readonly tolerance: number;
  /** By peer: the most that our time may be of its time. */
  readonly atMost?: Readonly<Record<string, number>>;
}

export interface Result {
  readonly of: Case;
  /** A figure for each of `of.ours`. */
  readonly ours: readonly Figure[];
  readonly peers: Readonly<Record<string, Figure>>;
  /** Of `of.ours`, in GFLOP/s of all their threads. */
  readonly peaks: readonly (number | undefined)[];
  /** The largest distance of a side's checked numbers from those of our first. */
  readonly apart: number;
  /** What sides say of themselves: versions, instruction sets. */
  readonly about: Readonly<Record<string, string>>;
}

export const nameOf = ({ case: name, cell, mode, shape }: Case): string =>
  `${name}/${cell}/${mode} ${shape.join(',')}`;

export interface Times {
  readonly turnMs: number;
  readonly warmUpMs: number;
}

/**
 * Turns are short, so that all sides see the same machine; a slower step is a turn of its own. Warming up takes longer than
 * engines take to compile what is hot.
 */
const usual: Times = { turnMs: 250, warmUpMs: 2000 };
/** Enough to see what is several times too slow. */
export const quick: Times = { turnMs: 200, warmUpMs: 500 };

/** Neighbours come and go within tens of milliseconds: a turn is made of slices that most often have them or have not. */
const SLICE_MS = 20;

/** A ceiling does the same thing all the time: it needs less of everything. */
const CEILING_PART = 1 / 5;

/** What one pass over a case measured, in processes of its own. */
export interface Pass {
  /** Of each side: ours, peers, ceilings. */
  readonly slices: readonly (readonly Slice[])[];
  readonly apart: number;
  readonly about: readonly string[];
}

const sidesOf = ({ ours, peers }: Case): readonly SideOptions[] => [
  ...ours.map(({ side }) => side),
  ...peers,
];

/** Each once, whichever of ours it is for. */
const ceilingsOf = ({ ours }: Case): readonly SideOptions[] => [
  ...new Map(ours.flatMap(({ ceiling: c }) => (c ? [[c.side.name, c.side]] : []))).values(),
];

export async function compare(of: Case, rounds: number, times = usual): Promise<Pass> {
  const sides = sidesOf(of).map(startSide);
  const ceilings = ceilingsOf(of).map(startSide);
  const all = [...sides, ...ceilings];
  const cores = await watchCores(Math.max(...of.ours.map(({ threads }) => threads)));
  try {
    const checked = await checkAll(of, sides);
    for (const side of all) await side.slice(times.warmUpMs);
    const slices = new Map<Side, Slice[]>(all.map((side) => [side, []]));
    for (const side of turns(all, rounds)) {
      const ms = ceilings.includes(side) ? times.turnMs * CEILING_PART : times.turnMs;
      slices.get(side)?.push(...(await turnOf(side, ms, cores)));
    }
    return { ...checked, slices: [...slices.values()] };
  } finally {
    await Promise.all([...all, cores].map((each) => each.stop()));
  }
}

/** One turn of one side: slices until `ms` are over, at least one. */
async function turnOf(side: Side, ms: number, cores: Cores): Promise<Slice[]> {
  let before = cores.ratesWhenAlone();
  const [start, foreignSince] = [performance.now(), foreignFromNow()];
  const slices: Omit<Slice, 'foreign'>[] = [];
  let own = 0;
  do {
    const { allCpuMs, ...times } = await side.slice(Math.min(ms, SLICE_MS));
    const after = cores.rates();
    slices.push({ ...times, rates: least([before, after]) });
    own += allCpuMs;
    before = after;
  } while (performance.now() - start < ms);
  // Of the whole turn, for the system counts in ticks of 10 ms.
  const foreign = foreignSince(own);
  return slices.map((slice) => ({ ...slice, foreign }));
}

/** The greatest rates of all slices: what the machine does where no neighbour disturbs it. */
export const fastestOf = (passes: readonly Pass[]): Rates =>
  most(passes.flatMap(({ slices }) => slices.flat()).map((slice) => slice.rates));

/** The figures of all passes over a case; what is calm is told by the run's greatest rates. */
export function resultOf(
  of: Case,
  passes: readonly [Pass, ...Pass[]],
  fastest = fastestOf(passes),
): Result {
  const sides = sidesOf(of);
  const ceilings = ceilingsOf(of);
  const figures = [...sides, ...ceilings].map((_, k) =>
    figureOf(
      passes.flatMap(({ slices }) => slices[k] ?? []),
      fastest,
    ),
  );
  const named = <V>(values: readonly V[], from: number): Record<string, V> =>
    Object.fromEntries(sides.slice(from).map(({ name }, i) => [name, values[from + i] as V]));
  const peakOf = ({ ceiling, threads }: Variant): number | undefined => {
    const k = ceilings.findIndex(({ name }) => name === ceiling?.side.name);
    const figure = figures[sides.length + k] as Figure;
    return ceiling && (threads * ceiling.flops) / (figure.ms * 1e6);
  };
  return {
    of,
    ours: figures.slice(0, of.ours.length),
    peers: named(figures, of.ours.length),
    peaks: of.ours.map(peakOf),
    apart: Math.max(...passes.map(({ apart }) => apart)),
    about: named(passes[0].about, 0),
  };
}

/** One after the other, for some peers need much memory to begin with. */
async function checkAll(
  of: Case,
  sides: readonly Side[],
): Promise<{ apart: number; about: readonly string[] }> {
  const all: Checked[] = [];
  for (const side of sides) all.push(await side.check());
  const [own, ...others] = all.map(({ numbers }) => numbers) as [readonly number[]];
  const apart = others.map((numbers) => distance(own, numbers));
  const far = apart.findIndex((d) => d > of.tolerance);
  if (far >= 0)
    throw new Error(
      `${nameOf(of)}: ${sides[far + 1]?.name} gives ${few(others[far])} where ours gives ${few(own)}: ${apart[far]} apart, ${of.tolerance} allowed. Nothing was timed.`,
    );
  return { apart: Math.max(0, ...apart), about: all.map(({ about = '' }) => about) };
}

const few = (numbers: readonly number[] = []): string =>
  `${numbers.slice(0, 8).join(', ')}${numbers.length > 8 ? ', ...' : ''}`;
