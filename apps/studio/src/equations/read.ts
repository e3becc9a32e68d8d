/** From what somebody typed to a plan, or to what is wrong with it. */
import { check, type Plan } from './check.ts';
import { parse } from './parse.ts';
import { EquationError, type Place } from './syntax.ts';

export interface Problem {
  readonly message: string;
  readonly at: Place;
}

export type Reading =
  | { readonly ok: true; readonly plan: Plan }
  | { readonly ok: false; readonly problem: Problem };

export function readEquations(text: string): Reading {
  try {
    return { ok: true, plan: check(parse(text)) };
  } catch (error) {
    if (!(error instanceof EquationError)) throw error;
    return { ok: false, problem: { message: error.message, at: error.at } };
  }
}
