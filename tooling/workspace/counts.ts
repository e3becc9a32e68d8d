/** Sums vitest's JSON reports. Knows nothing of how the tests were run. */
import { dirname } from 'node:path';
import { readJson } from './packages.ts';

export interface Report {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** False also where a file did not load, which counts no test. */
  readonly success: boolean;
}

interface VitestJson {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

export function readReport(file: string): Report {
  const json = readJson<VitestJson>(file);
  return {
    name: dirname(dirname(file)),
    passed: json.numPassedTests,
    failed: json.numFailedTests,
    skipped: json.numPendingTests + json.numTodoTests,
    success: json.success,
  };
}

/** One line per package, then the line `N passed, N failed`. Not ok where something failed or nothing ran. */
export function summary(reports: readonly Report[]): { lines: string[]; ok: boolean } {
  const sum = (of: (report: Report) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const rows = reports.map((r) => {
    const skipped = r.skipped > 0 ? `, ${r.skipped} skipped` : '';
    const broken = r.success || r.failed > 0 ? '' : ' (a test file did not load)';
    return `  ${r.name.padEnd(26)} ${r.passed} passed, ${r.failed} failed${skipped}${broken}`;
  });
  const passed = sum((r) => r.passed);
  const failed = sum((r) => r.failed);
  const ok = reports.every((r) => r.success) && failed === 0 && passed > 0;
  return { lines: ['', ...rows, '', `${passed} passed, ${failed} failed`], ok };
}
