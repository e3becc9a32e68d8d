/**
 * What code for vectors is made with: constants, names for values that are used twice, products with sums. Knows the
 * target; knows no loop and no memory.
 */
import type { FunctionBuilder } from '../assembler/function.ts';
import { type Value } from '../assembler/instructions.ts';
import type { Target } from '../target.ts';
export type V = Value<'v128'>;
export declare class Kit {
  readonly f: FunctionBuilder;
  readonly target: Target;
  private readonly constants;
  constructor(f: FunctionBuilder, target: Target);
  /** Four equal float lanes. */
  float(x: number): V;
  /** Four equal integer lanes. */
  int(x: number): V;
  ints(...lanes: [number, number, number, number]): V;
  /** Two equal double lanes. */
  double(x: number): V;
  /** The value in a local, so that it may be used often. */
  keep(name: string, x: V): V;
  /** a b + c, rounded once where the target can. */
  madd(a: V, b: V, c: V): V;
  /** c - a b, rounded once where the target can. */
  nmadd(a: V, b: V, c: V): V;
  /** c0 + c1 x + c2 x^2 + ..., from the last coefficient inwards. */
  polynomial(x: V, coefficients: readonly number[]): V;
  /** Sets the constants' locals. An engine would build a constant anew at each use inside a loop. */
  declare(): void;
  private constant;
}
//# sourceMappingURL=kit.d.ts.map
