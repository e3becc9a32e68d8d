import { afterEach, expect, test } from 'vitest';
import type { Case } from '../harness/compare.ts';
import { compare, resultOf } from '../harness/compare.ts';
import { jsonLines, misses, table } from '../harness/report.ts';
import { type Side, type SideOptions, startSide } from '../harness/side.ts';

const side = (name: string, spec: object): SideOptions => ({
  name,
  script: new URL('./pretend.ts', import.meta.url),
  spec,
});
let started: Side | undefined;
afterEach(() => started?.stop());

test('a side answers with its numbers and with the median of a slice', async () => {
  started = startSide(side('pretend', { numbers: [1, 2], ms: 4 }));
  expect(await started.check()).toEqual({ numbers: [1, 2] });
  const slice = await started.slice(20);
  expect(slice.ms).toBeGreaterThan(3);
  expect(slice.allCpuMs).toBeGreaterThanOrEqual(0);
});

test('a side that fails says what its process said', async () => {
  started = startSide(side('pretend', { fails: 'no such backend' }));
  await expect(started.check()).rejects.toThrow(/pretend: .*"check"[\s\S]*no such backend/);
});

/** A step of 2 ms, or of many more on a busy machine: of such a peak the cases below still have 0.0 %. */
const ceiling = { side: side('ceiling', { ms: 2 }), flops: 1e9 };

const caseOf = (own: object, peer: object): Case => ({
  case: 'pretend',
  cell: 'lstm',
  mode: 'step',
  shape: [1, 1, 2, 3],
  flops: 1000,
  inputGradient: false,
  ours: [
    { backend: 'cpu', variant: 'default', threads: 1, side: side('own', own) },
    { backend: 'wasm', variant: 'best', threads: 2, side: side('other', own), ceiling },
  ],
  peers: [side('peer', peer)],
  tolerance: 1e-3,
  atMost: { peer: 1e-6 },
});

test('sides that compute different numbers are not timed', async () => {
  const different = caseOf({ numbers: [1, 2], ms: 1 }, { numbers: [1, 2.1], ms: 1 });
  await expect(compare(different, 1)).rejects.toThrow(/peer gives 1, 2.1 .*Nothing was timed/);
});

test('a result is a row for each side, a JSON line for each variant and the limits it misses', async () => {
  const times = { warmUpMs: 1, turnMs: 1 };
  const same = caseOf({ numbers: [1], ms: 1 }, { numbers: [1.0001], ms: 40 });
  const result = resultOf(same, [await compare(same, 2, times)]);
  expect(table([result]).split('\n')).toHaveLength(4);
  const lines = jsonLines(result);
  const [line, other] = lines.map((text) => JSON.parse(text));
  expect(line).toMatchObject({ case: 'pretend', cell: 'lstm', mode: 'step', shape: [1, 1, 2, 3] });
  expect(line).toMatchObject({ threads: 1, peakGflops: null, inputGradient: false });
  expect(other).toMatchObject({ backend: 'wasm', variant: 'best', threads: 2 });
  expect(other.peakGflops).toBeGreaterThan(0);
  expect(table([result])).toContain(' 0.0 %');
  expect(Object.keys(line.cpuMs)).toEqual(['own', 'peer']);
  expect(line.peers.peer).toBeGreaterThan(line.ms);
  expect(misses([result])[0]).toContain('pretend/lstm/step 1,1,2,3: takes');
});

test('a ceiling is measured once and counts for each thread', async () => {
  const ours = (threads: number) => ({
    ...{ backend: 'wasm', variant: 'best', threads, ceiling },
    side: side(`own ${threads}`, { numbers: [1], ms: 1 }),
  });
  const of: Case = { ...caseOf({}, {}), ours: [ours(1), ours(2)], peers: [] };
  const { peaks } = resultOf(of, [await compare(of, 2, { warmUpMs: 1, turnMs: 1 })]);
  const [alone, both] = peaks as [number, number];
  expect(alone).toBeGreaterThan(0);
  expect(both).toBe(2 * alone);
});

test('figures are of the slices of all passes', () => {
  const slice = (ms: number) => ({ ms, cpuMs: ms, foreign: 0, rates: { core: 13, caches: 40 } });
  const pass = (apart: number, ...ms: number[]) => ({
    // Two of ours, a peer, and the ceiling of the second of ours, which has two threads.
    slices: [ms.map(slice), [slice(1)], ms.map((x) => slice(2 * x)), [slice(10), slice(20)]],
    apart,
    about: ['a', '', 'c'],
  });
  const result = resultOf(caseOf({}, {}), [pass(1e-5, 1, 2), pass(1e-4, 3, 4, 90)]);
  expect(result.ours.map(({ ms, slices }) => [ms, slices])).toEqual([
    [3, 5],
    [1, 2],
  ]);
  expect(result.peers.peer).toMatchObject({ ms: 6, slices: 5 });
  expect(result.peaks).toEqual([undefined, (2 * 1e9) / (15 * 1e6)]);
  expect(result.apart).toBe(1e-4);
  expect(result.about).toEqual({ own: 'a', other: '', peer: 'c' });
});
