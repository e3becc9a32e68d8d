/** The conformance cases as vitest tests: names, skips and a time limit, nothing else. */
import { describe, expect, test } from 'vitest';
import type { CaseOptions, CreateBackend } from './case.ts';
import { conformanceCases } from './cases.ts';

export interface TestBackendOptions extends Partial<CaseOptions> {
  /** Case name -> why it cannot pass. A skip without a reason, or of a case that passes, fails. */
  readonly skip?: { readonly [caseName: string]: string };
}

/** Declares one test per conformance case. Size `full` unless told. */
export function testBackend(
  name: string,
  create: CreateBackend,
  { size = 'full', skip = {}, ...options }: TestBackendOptions = {},
): void {
  const cases = conformanceCases({ size, ...options });
  const timeout = 60_000;
  describe(name, () => {
    const unknown = Object.keys(skip).filter((s) => !cases.some((c) => c.name === s));
    if (unknown.length > 0)
      test('skips name cases that exist', () => expect(unknown, 'unknown cases').toEqual([]));
    for (const { name: caseName, run } of cases) {
      const reason = skip[caseName];
      if (reason === undefined) test(caseName, () => run(create), timeout);
      else
        test(`${caseName} (skipped: ${reason})`, () => skipped(() => run(create), reason), timeout);
    }
  });
}

/** A skip must be needed, and say why. */
export async function skipped(run: () => Promise<void>, reason: string): Promise<void> {
  if (reason.trim() === '') throw new Error('skip: no reason. Say why the backend cannot pass.');
  const passed = await run().then(
    () => true,
    () => false,
  );
  if (passed)
    throw new Error(`skip: the case passes, but is skipped ("${reason}"). Remove the skip.`);
}
