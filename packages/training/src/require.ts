/** Refusals of options that make no sense. */
import { fail } from '@ostinato/core';

/** Refuses a batch size, a number of epochs and the like that is no whole number. */
export function requireWhole(what: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  fail('option-invalid', `${what} is ${value}. Give a whole number of at least ${least}.`);
}
