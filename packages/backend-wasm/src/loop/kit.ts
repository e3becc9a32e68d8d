/**
 * What code for vectors is made with: ops on several vectors in step, constants, names for values that are used twice,
 * products with sums. Knows the target; knows no loop and no memory.
 */

import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { i32, type Value, v128 } from '../assembler/instructions.ts';
import type { Target } from '../target.ts';

/** Vectors that go through the same ops in step; a single one stands for any number of equal ones. */
export type V = readonly Value<'v128'>[];

/** Applies `op` to the first vectors of all inputs, to the second, ... */
export function each(op: (...x: Value<'v128'>[]) => Value<'v128'>, ...inputs: readonly V[]): V {
  const count = Math.max(...inputs.map((x) => x.length));
  const out: Value<'v128'>[] = [];
  for (let k = 0; k < count; k++)
    out.push(op(...inputs.map((x) => (x[k] ?? x[0]) as Value<'v128'>)));
  return out;
}

/** The instructions of a lane type, on vectors in step. */
export const family =
  <Name extends string>(
    one: (name: Name, ...x: readonly Value<'v128'>[]) => Value<'v128'>,
  ): ((name: Name, ...inputs: readonly V[]) => V) =>
  (name, ...inputs) =>
    each((...x) => one(name, ...x), ...inputs);

export const floats = family(v128.f32x4);
export const ints = family(v128.i32x4);
export const bits = family(v128.bits);

/** Every lane shifted by the same count. */
export const shifted = (name: 'shl' | 'shr_s' | 'shr_u', x: V, by: number): V =>
  each((a) => v128.i32x4(name, a, i32.const(by)), x);

export class Kit {
  readonly f: FunctionBuilder;
  readonly target: Target;
  readonly #constants = new Map<string, { value: Value<'v128'>; local: Local<'v128'> }>();

  constructor(f: FunctionBuilder, target: Target) {
    this.f = f;
    this.target = target;
  }

  /** Four equal float lanes. */
  float(value: number): V {
    const x = Math.fround(value);
    return this.#constant(`${Object.is(x, -0) ? '-0' : x}`, () => v128.constF32(x));
  }

  /** Four equal integer lanes. */
  int(x: number): V {
    return this.#constant(`${x | 0}i`, () => v128.constI32(x));
  }

  ints(...lanes: [number, number, number, number]): V {
    return this.#constant(`${lanes.join('_')}i`, () => v128.constI32(...lanes));
  }

  /** The value in a local, so that it may be used often. */
  keep(name: string, x: V): V {
    return x.map((v) => this.keepOne(name, v));
  }

  keepOne(name: string, x: Value<'v128'>): Value<'v128'> {
    return x.op === 'local.get' ? x : this.f.get(this.f.let(name, x));
  }

  /** a b + c, rounded once where the target can. */
  madd(a: V, b: V, c: V): V {
    return this.target.relaxed
      ? floats('relaxed_madd', a, b, c)
      : floats('add', floats('mul', a, b), c);
  }

  /** c - a b, rounded once where the target can. */
  nmadd(a: V, b: V, c: V): V {
    return this.target.relaxed
      ? floats('relaxed_nmadd', a, b, c)
      : floats('sub', c, floats('mul', a, b));
  }

  /**
   * c0 + c1 x + c2 x^2 + ..., from the last coefficient inwards; or from `rest`, what follows the last one divided by
   * its power of x. Vectors take each step together: a coefficient that has no register of its own is fetched once for
   * all of them.
   */
  polynomial(x: V, coefficients: readonly number[], rest?: V): V {
    const inner = rest ? coefficients : coefficients.slice(0, -1);
    return inner.reduceRight(
      (sum, c) => this.keep('p', this.madd(sum, x, this.float(c))),
      rest ?? this.float(coefficients.at(-1) as number),
    );
  }

  /** Sets the constants' locals. An engine would build a constant anew at each use inside a loop. */
  declare(): void {
    for (const { local, value } of this.#constants.values()) this.f.set(local, value);
  }

  #constant(name: string, make: () => Value<'v128'>): V {
    const constant = this.#constants.get(name) ?? {
      local: this.f.local('v128', name),
      value: make(),
    };
    this.#constants.set(name, constant);
    return [this.f.get(constant.local)];
  }
}
