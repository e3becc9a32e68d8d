/** Refusals of options that make no sense. */
import { checkOptions, fail, shown } from '@ostinato/core';
import type { EvaluateOptions } from './evaluate.ts';
import type { FitOptions } from './fit/options.ts';

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
function requireFunction(what: string, x: unknown, give: string): void {
  if (typeof x !== 'function') fail('option-invalid', `${what} is ${shown(x)}. Give ${give}.`);
}

/** Refuses a batch size, a number of epochs and the like that is no whole number. */
export function requireWhole(what: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  fail('option-invalid', `${what} is ${shown(value)}. Give a whole number of at least ${least}.`);
}

/**
 * Refuses options that none of `fit`, `evaluate` and `predict` has. One record may serve all of them, so the last two
 * take what only `fit` uses.
 */
export function requireKnown<P, X>(what: string, options: Partial<FitOptions<P, X>>): void {
  checkOptions(
    what,
    options,
    'backend, loss, metrics, optimizer, clip, epochs, batch, seed, shuffle, validation, validationSplit, params, every, checkpoint, signal',
  );
}

/** Refuses what cannot be applied: a cell has steps, and a promise nothing yet. */
export const requireModel = (what: string, model: unknown): void =>
  requireMethods(
    `${what}: model`,
    model,
    ['init', 'apply'],
    'a layer, such as recurrent(cell, { returns: "last" }) makes of a cell; of a promise, what it resolves to: await it',
  );

/** Refuses a backend, a loss or metrics that are something else. */
export function requireMeasured(
  what: string,
  { backend, loss, metrics = {} }: Pick<EvaluateOptions, 'backend' | 'loss' | 'metrics'>,
): void {
  requireBackend(what, backend);
  requireFunction(`${what}: loss`, loss, 'a function, such as meanSquaredError');
  if (typeof metrics === 'function')
    fail('option-invalid', `${what}: metrics is a function. Give a record of them: { accuracy }.`);
  for (const [name, f] of Object.entries(metrics))
    requireFunction(`${what}: metric "${name}"`, f, 'a function, such as accuracy');
}

export const requireBackend = (what: string, backend: unknown): void =>
  requireMethods(`${what}: backend`, backend, ['alloc'], 'what cpu() or await wasm() returns');

/** What something is, for messages: the name of its class. */
export const classOf = (x: unknown): string => (x as object).constructor?.name ?? typeof x;
