/** Equations as data: what a line says, and where in the text it says it. Knows no size and no tensor. */

/** A place in the text. Line and column count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

export type Operator = '+' | '-' | '*' | '/' | '^';

export type Expression = { readonly at: Place } & (
  | { readonly kind: 'number'; readonly value: number }
  /** `isNext` where a prime stands behind it: the state after this step. */
  | { readonly kind: 'name'; readonly name: string; readonly isNext: boolean }
  /** A matrix in front of what it multiplies. */
  | { readonly kind: 'product'; readonly matrix: string; readonly operand: Expression }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | {
      readonly kind: 'operator';
      readonly operator: Operator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'minus'; readonly operand: Expression }
);

export type Line = {
  readonly name: string;
  readonly at: Place;
} /** `z = ...`, a value of this step. */ & (
  | ({ readonly kind: 'value' } & Computed)
  /** `h' = ...`, a state after this step. */
  | ({ readonly kind: 'next' } & Computed)
  /** `start b = 1`, what a state or a learned vector begins with. */
  | { readonly kind: 'start'; readonly value: number }
);

interface Computed {
  readonly expression: Expression;
  /** The expression as it was typed, on one line and without comments. */
  readonly source: string;
}

/** What keeps a text from being a cell, for the person who typed it. */
export class EquationError extends Error {
  override readonly name = 'EquationError';
  readonly at: Place;

  constructor(message: string, at: Place) {
    super(message);
    this.at = at;
  }
}

export function refuse(message: string, at: Place): never {
  throw new EquationError(message, at);
}

/** Phones put other signs in place of the one that was typed. For patterns, as the next one. */
export const primePattern: string = "['′’‘ʹ]";

/**
 * A name, with the flag u: one that a program may have too. Raised and lowered digits are numbers to Unicode but not to
 * JavaScript, ⸯ is a letter to Unicode only, and so is one of the primes.
 */
export const namePattern: string = String.raw`(?![ʹⸯ])[\p{L}_](?:(?![ʹⸯ])[\p{L}\p{Nd}_])*`;

/** By their names: W is a matrix, b is not. */
export const isMatrix = (name: string): boolean => /^\p{Lu}/u.test(name);
