/** Results as a table for people and as JSON lines for programs. */
import { nameOf, type Result } from './compare.ts';
import type { Figure } from './rounds.ts';

const digits = (x: number, n = 3): number => Number(x.toPrecision(n));
const gflops = ({ of, own }: Result): number => of.flops / (own.ms * 1e6);

/** One line per case. `ms` and `peers` are medians. */
export function jsonLine(result: Result, peak: number): string {
  const { of, own, peers } = result;
  const { case: name, cell, mode, shape, threads, backend, variant, inputGradient } = of;
  const medians = (all: Readonly<Record<string, Figure>>, of: 'ms' | 'cpuMs') =>
    Object.fromEntries(Object.entries(all).map(([side, figure]) => [side, digits(figure[of], 4)]));
  return JSON.stringify({
    case: name,
    cell,
    mode,
    shape,
    threads,
    backend,
    variant,
    ms: digits(own.ms, 4),
    gflops: digits(gflops(result)),
    peakGflops: digits(peak),
    peers: medians(peers, 'ms'),
    inputGradient,
    cpuMs: medians({ [of.own.name]: own, ...peers }, 'cpuMs'),
    apart: digits(result.apart, 2),
    calm: [own, ...Object.values(peers)].every((figure) => figure.calm),
  });
}

export function table(results: readonly Result[]): string {
  const rows = results.flatMap((result) => [ownRow(result), ...peerRows(result)]);
  const lines = [
    ['case', 'side', 'ms', 'min', 'max', 'cpu ms', 'slices', 'GFLOP/s', 'to ours', 'by cpu'],
    ...rows,
  ];
  const widths = (lines[0] as string[]).map((_, i) =>
    Math.max(...lines.map((line) => line[i]?.length ?? 0)),
  );
  const text = (line: string[]): string =>
    line.map((s, i) => (i < 2 ? s.padEnd(widths[i] ?? 0) : s.padStart(widths[i] ?? 0))).join('  ');
  return lines.map(text).join('\n');
}

const ownRow = (result: Result): string[] => [
  nameOf(result.of),
  `${result.of.backend} (ours)`,
  ...cells(result.own),
  gflops(result).toFixed(2),
  '',
  '',
];

const peerRows = ({ of, own, peers }: Result): string[][] =>
  Object.entries(peers).map(([peer, figure]) => [
    '',
    peer,
    ...cells(figure),
    (of.flops / (figure.ms * 1e6)).toFixed(2),
    `${(figure.ms / own.ms).toFixed(1)}x`,
    `${(figure.cpuMs / own.cpuMs).toFixed(1)}x`,
  ]);

const cells = ({ ms, min, max, cpuMs, counted, slices, calm }: Figure): string[] => [
  `${calm ? '' : '~'}${ms.toFixed(1)}`,
  min.toFixed(1),
  max.toFixed(1),
  cpuMs.toFixed(1),
  `${counted}/${slices}`,
];

/** What part of a peer's time ours takes: by the clock, or in CPU time where the machine was too busy for a clock. */
function partOf(own: Figure, peer: Figure | undefined): number {
  if (!peer) return Number.NaN;
  return own.calm && peer.calm ? own.ms / peer.ms : own.cpuMs / peer.cpuMs;
}

/** Cases whose limit is not kept, as lines. */
export function misses(results: readonly Result[]): string[] {
  return results.flatMap(({ of, own, peers }) =>
    Object.entries(of.atMost ?? {}).flatMap(([peer, limit]) => {
      const part = partOf(own, peers[peer]);
      return part <= limit
        ? []
        : [
            `${nameOf(of)}: takes ${part.toFixed(2)} of ${peer}'s time, ${limit.toFixed(2)} allowed`,
          ];
    }),
  );
}
