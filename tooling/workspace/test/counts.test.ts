import { expect, test } from 'vitest';
import { summary } from '../counts.ts';

const report = { name: 'packages/core', passed: 2, failed: 0, skipped: 0, success: true };

test('sums the packages into a last line', () => {
  const { lines, ok } = summary([report, { ...report, passed: 3, skipped: 1 }]);
  expect(lines.at(-1)).toBe('5 passed, 0 failed');
  expect(ok).toBe(true);
});

test('a failure, a file that does not load, and no test at all are not ok', () => {
  expect(summary([{ ...report, failed: 1, success: false }]).ok).toBe(false);
  expect(summary([{ ...report, success: false }]).ok).toBe(false);
  expect(summary([]).ok).toBe(false);
});
