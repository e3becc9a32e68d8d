/** Backends in which every program is as tight as long ones are, and the machine that builds such programs. */
import { type Backend, type Program, reference } from '@ostinato/core/backend';
import { afterAll, describe, expect } from 'vitest';
import { openWasm } from '../src/backend.ts';
import * as extras from '../src/extras.ts';
import { Heap } from '../src/memory.ts';
import type { Machine } from '../src/module-builder.ts';
import type { StripLimits } from '../src/together/strips.ts';

type Forced = Parameters<typeof openWasm>[1];
type Values = readonly Float32Array[];

/** Strips wherever they can be, as long as products of so many rows in all are deep. */
export const stripsOf = (depth: number): StripLimits => ({
  stacks: 0,
  strip: Number.POSITIVE_INFINITY,
  depth,
  rows: Number.POSITIVE_INFINITY,
  sums: Number.POSITIVE_INFINITY,
});

/** Whatever pays for long sequences, however short they are. */
export const tight = {
  sinks: { stack: 0, weights: Number.POSITIVE_INFINITY, rows: 1 },
  strips: stripsOf(8),
};

export function expectNear(got: Values, want: Values, tolerance: number): void {
  got.forEach((values, k) => {
    values.forEach((v, i) => {
      expect(Math.abs(v - (want[k]?.[i] as number))).toBeLessThanOrEqual(tolerance);
    });
  });
}

/** Runs `tests` for each variant: results must be the reference's but for `tolerance`, and two threads give the same bits. */
export function onVariants(
  forced: Forced,
  tests: (
    agrees: (run: (backend: Backend) => Promise<Values>, tolerance: number) => Promise<void>,
  ) => void,
): void {
  describe.each([
    { threads: 1, pairedSimd: true },
    { threads: 1, pairedSimd: false },
    { threads: 1, relaxedSimd: false, pairedSimd: false },
  ])('%o', async (options) => {
    const plain = reference() as unknown as Backend;
    const [one, several] = (await Promise.all([
      openWasm(options, forced),
      openWasm({ ...options, threads: 2, threadsFrom: 0 }, forced),
    ])) as unknown as [Backend, Backend];
    afterAll(() => {
      one.dispose();
      several.dispose();
    });
    tests(async (run, tolerance) => {
      const want = await run(plain);
      const got = await run(one);
      expectNear(got, want, tolerance);
      expect(await run(several)).toEqual(got);
    });
  });
}

/** One thread; 128-bit vectors unless stated. */
export const machine = (more: Partial<Machine> = {}): Machine => ({
  heap: new Heap(),
  target: { relaxed: true, paired: false },
  threads: { count: 1, partsOf: () => undefined, worth: () => false },
  extras,
  ...more,
});

/** The last program that a backend gets when `run` runs on it. */
export async function programOf(run: (backend: Backend) => Promise<unknown>): Promise<Program> {
  const real = reference() as unknown as Backend;
  let program: Program | undefined;
  await run({
    ...real,
    compile(p) {
      program = p;
      return real.compile(p);
    },
  });
  return program as Program;
}
