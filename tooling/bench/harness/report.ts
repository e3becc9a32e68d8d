/** Results as a table for people and as JSON lines for programs. */
import { type Case, nameOf, type Result } from './compare.ts';
import type { Figure } from './rounds.ts';

const digits = (x: number, n = 3): number => Number(x.toPrecision(n));
const rate = (of: Case, figure: Figure): number => of.flops / (figure.ms * 1e6);

/** One line per case and variant. `ms` and `peers` are medians. */
export function jsonLines(result: Result): string[] {
  const { of, ours, peers, peaks, apart, about } = result;
  const { case: name, cell, mode, shape, inputGradient } = of;
  const medians = (all: Readonly<Record<string, Figure>>, of: 'ms' | 'cpuMs') =>
    Object.fromEntries(Object.entries(all).map(([side, figure]) => [side, digits(figure[of], 4)]));
  return of.ours.map(({ backend, variant, threads, side }, i) => {
    const own = ours[i] as Figure;
    const peak = peaks[i];
    return JSON.stringify({
      case: name,
      cell,
      mode,
      shape,
      threads,
      backend,
      variant,
      ms: digits(own.ms, 4),
      gflops: digits(rate(of, own)),
      peakGflops: peak === undefined ? null : digits(peak),
      peers: medians(peers, 'ms'),
      inputGradient,
      cpuMs: medians({ [side.name]: own, ...peers }, 'cpuMs'),
      apart: digits(apart, 2),
      calm: [own, ...Object.values(peers)].every((figure) => figure.calm),
      about,
    });
  });
}

export function table(results: readonly Result[]): string {
  const lines = [
    [
      'case',
      'side',
      'ms',
      'min',
      'max',
      'cpu ms',
      'slices',
      'GFLOP/s',
      'of peak',
      'to ours',
      'by cpu',
    ],
    ...results.flatMap(rowsOf),
  ];
  const widths = (lines[0] as string[]).map((_, i) =>
    Math.max(...lines.map((line) => line[i]?.length ?? 0)),
  );
  const text = (line: string[]): string =>
    line.map((s, i) => (i < 2 ? s.padEnd(widths[i] ?? 0) : s.padStart(widths[i] ?? 0))).join('  ');
  return lines.map(text).join('\n');
}

/** A row for each side, ours first. Ratios are to our first. */
function rowsOf({ of, ours, peers, peaks }: Result): string[][] {
  const own = ours[0] as Figure;
  const sides: [string, Figure][] = [
    ...of.ours.map(({ side }, i): [string, Figure] => [`${side.name} (ours)`, ours[i] as Figure]),
    ...Object.entries(peers),
  ];
  return sides.map(([side, figure], i) => [
    i === 0 ? nameOf(of) : '',
    side,
    ...cells(figure),
    rate(of, figure).toFixed(2),
    percent(rate(of, figure), peaks[i]),
    i === 0 ? '' : `${(figure.ms / own.ms).toFixed(2)}x`,
    i === 0 ? '' : `${(figure.cpuMs / own.cpuMs).toFixed(2)}x`,
  ]);
}

/** Tenths where that is three digits, else three digits: 1234.5, 12.3, 0.0123. */
const shown = (ms: number): string =>
  ms >= 10 ? ms.toFixed(1) : ms > 0 ? `${digits(ms)}` : `${ms}`;

const percent = (part: number, whole: number | undefined): string =>
  whole === undefined ? '' : `${((100 * part) / whole).toFixed(1)} %`;

const cells = ({ ms, min, max, cpuMs, counted, slices, calm }: Figure): string[] => [
  `${calm ? '' : '~'}${shown(ms)}`,
  shown(min),
  shown(max),
  shown(cpuMs),
  `${counted}/${slices}`,
];

/** What part of a peer's time ours takes: by the clock, or in CPU time where the machine was too busy for a clock. */
function partOf(own: Figure, peer: Figure | undefined): number {
  if (!peer) return Number.NaN;
  return own.calm && peer.calm ? own.ms / peer.ms : own.cpuMs / peer.cpuMs;
}

/** Cases whose limit is not kept, as lines. */
export function misses(results: readonly Result[]): string[] {
  return results.flatMap(({ of, ours, peers }) =>
    Object.entries(of.atMost ?? {}).flatMap(([peer, limit]) => {
      const part = partOf(ours[0] as Figure, peers[peer]);
      return part <= limit
        ? []
        : [
            `${nameOf(of)}: takes ${part.toFixed(2)} of ${peer}'s time, ${limit.toFixed(2)} allowed`,
          ];
    }),
  );
}
