/** Refusals of options that make no sense. */
import { fail } from '@ostinato/core';

/** Refuses what lacks a method: something else, or a promise of it. */
export function requireMethods(
  what: string,
  x: unknown,
  names: readonly string[],
  give: string,
): void {
  const methods = (x ?? {}) as { readonly [name: string]: unknown };
  const missing = names.find((name) => typeof methods[name] !== 'function');
  if (missing) fail('option-invalid', `${what} has no method ${missing}. Give ${give}.`);
}

/** Refuses a loss and the like that is no function. */
export function requireFunction(what: string, x: unknown, give: string): void {
  if (typeof x !== 'function') fail('option-invalid', `${what} is ${String(x)}. Give ${give}.`);
}

/** Refuses a batch size, a number of epochs and the like that is no whole number. */
export function requireWhole(what: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  fail('option-invalid', `${what} is ${value}. Give a whole number of at least ${least}.`);
}
