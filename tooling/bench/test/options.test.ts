import { expect, test } from 'vitest';
import { parseOptions } from '../harness/options.ts';

test('names and options come in any order, also behind a lone --', () => {
  const { names, options } = parseOptions(['--', 't16', '--case', 'lstm', '--rounds=5', '--json']);
  expect(names).toEqual(['t16']);
  expect(options).toEqual({ case: 'lstm', rounds: 5, passes: 1, quick: false, json: true });
});

test('--quick asks for fewer rounds, and --rounds says how many', () => {
  const rounds = (...args: string[]) => parseOptions(args).options.rounds;
  expect(rounds('--quick')).toBeLessThan(rounds());
  expect(rounds('--quick', '--rounds', '2')).toBe(2);
});

test('what it does not know is refused', () => {
  expect(() => parseOptions(['--round', '5'])).toThrow('--round');
  expect(() => parseOptions(['--rounds', '0'])).toThrow('--rounds is 0. Give a whole number');
  expect(() => parseOptions(['--passes', '1.5'])).toThrow('--passes is 1.5.');
});
