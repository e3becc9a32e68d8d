/** Runs one case: all sides compute the same numbers first, then they take turns. */
import { distance, type Figure, figureOf, type Slice, turns } from './rounds.ts';
import { type Side, type SideOptions, startSide } from './side.ts';

export interface Case {
  readonly case: string;
  readonly cell: string;
  readonly mode: 'inference' | 'training' | 'step';
  /** [batch, time, inputs, units] */
  readonly shape: readonly [number, number, number, number];
  readonly threads: number;
  readonly backend: string;
  /** Which of several ways to compute it; "default" is what a user gets. */
  readonly variant: string;
  /** Of the recurrent layer: a product counts 2 for each element and depth; training counts three times its forward. */
  readonly flops: number;
  /** Whether the gradient for the recurrent layer's input is computed. */
  readonly inputGradient: boolean;
  readonly own: SideOptions;
  readonly peers: readonly SideOptions[];
  /** How far the checked numbers may lie apart, relative where they exceed 1. */
  readonly tolerance: number;
  /** By peer: the most that our time may be of its time. */
  readonly atMost?: Readonly<Record<string, number>>;
}

export interface Result {
  readonly of: Case;
  readonly own: Figure;
  readonly peers: Readonly<Record<string, Figure>>;
  /** The largest distance of a peer's checked numbers from ours. */
  readonly apart: number;
}

export const nameOf = ({ case: name, cell, mode }: Case): string => `${name}/${cell}/${mode}`;

export interface Times {
  readonly sliceMs: number;
  readonly warmUpMs: number;
}

/**
 * Turns are short, so that all sides see the same machine; a slower step is a turn of its own. Warming up takes longer
 * than engines take to compile what is hot.
 */
const usual: Times = { sliceMs: 500, warmUpMs: 2000 };

export async function compare(of: Case, rounds: number, times = usual): Promise<Result> {
  const sides = [of.own, ...of.peers].map(startSide);
  try {
    const apart = await checkAll(of, sides);
    for (const side of sides) await side.slice(times.warmUpMs);
    const slices = new Map<Side, Slice[]>(sides.map((side) => [side, []]));
    for (const side of turns(sides, rounds))
      slices.get(side)?.push(await side.slice(times.sliceMs));
    const [own, ...peers] = sides.map((side) => figureOf(slices.get(side) ?? [])) as [Figure];
    const named = peers.map((figure, i) => [(of.peers[i] as SideOptions).name, figure]);
    return { of, own, peers: Object.fromEntries(named), apart };
  } finally {
    await Promise.all(sides.map((side) => side.stop()));
  }
}

/** One after the other, for some peers need much memory to begin with. */
async function checkAll(of: Case, sides: readonly Side[]): Promise<number> {
  const all: (readonly number[])[] = [];
  for (const side of sides) all.push(await side.check());
  const [own = [], ...theirs] = all;
  const apart = theirs.map((numbers) => distance(own, numbers));
  const far = apart.findIndex((d) => d > of.tolerance);
  if (far >= 0)
    throw new Error(
      `${nameOf(of)}: ${of.peers[far]?.name} gives ${theirs[far]?.join(', ')} where ours gives ${own.join(', ')}: ${apart[far]} apart, ${of.tolerance} allowed. Nothing was timed.`,
    );
  return Math.max(0, ...apart);
}
