/** `@ostinato/backend-testing/cases`: the conformance cases as plain functions, and counters. Knows no test runner. */
import type { CaseOptions, ConformanceCase } from './case.ts';
import { cellCases } from './cases/cells.ts';
import { contractCases } from './cases/contracts.ts';
import { gatherScatterCases } from './cases/gather-scatter.ts';
import { lifecycleCases } from './cases/lifecycle.ts';
import { loopCases } from './cases/loops.ts';
import { memoryCases } from './cases/memory.ts';
import { programCases } from './cases/programs.ts';
import { reductionCases } from './cases/reductions.ts';
import { scalarCases } from './cases/scalar.ts';
import { scanCases } from './cases/scans.ts';
import { sharedCases } from './cases/shared-rows.ts';

/** One file per group; simplest first, so that the first failure is the one to look at. */
const groups: readonly ((options: CaseOptions) => ConformanceCase[])[] = [
  memoryCases,
  scalarCases,
  loopCases,
  reductionCases,
  contractCases,
  gatherScatterCases,
  scanCases,
  programCases,
  lifecycleCases,
  cellCases,
  sharedCases,
];

/** All cases. Each makes its own backend and throws where it differs from the reference. */
export const conformanceCases = (options: CaseOptions): ConformanceCase[] =>
  groups.flatMap((group) => group(options));

export type { CaseOptions, ConformanceCase, CreateBackend } from './case.ts';
export {
  type Counters,
  counting,
  countingKernels,
  countingMemory,
  newCounters,
} from './counting.ts';
export { countLaunches, type LaunchCount } from './launches.ts';
export { type Tolerance, tolerances } from './tolerance.ts';
