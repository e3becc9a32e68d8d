/**
 * What code for vectors is made with: constants, names for values that are used twice, products with sums. Knows the
 * target; knows no loop and no memory.
 */
import type { FunctionBuilder, Local } from '../assembler/function.ts';
import { type Value, v128 } from '../assembler/instructions.ts';
import type { Target } from '../target.ts';

export type V = Value<'v128'>;

export class Kit {
  readonly f: FunctionBuilder;
  readonly target: Target;
  private readonly constants = new Map<string, { local: Local<'v128'>; value: V }>();

  constructor(f: FunctionBuilder, target: Target) {
    this.f = f;
    this.target = target;
  }

  /** Four equal float lanes. */
  float(x: number): V {
    return this.constant(`${Object.is(x, -0) ? '-0' : x}`, v128.constF32(x));
  }

  /** Four equal integer lanes. */
  int(x: number): V {
    return this.constant(`${x | 0}i`, v128.constI32(x));
  }

  ints(...lanes: [number, number, number, number]): V {
    return this.constant(`${lanes.join('_')}i`, v128.constI32(...lanes));
  }

  /** Two equal double lanes. */
  double(x: number): V {
    return this.constant(`${Object.is(x, -0) ? '-0' : x}d`, v128.constF64(x));
  }

  /** The value in a local, so that it may be used often. */
  keep(name: string, x: V): V {
    return x.op === 'local.get' ? x : this.f.get(this.f.let(name, x));
  }

  /** a b + c, rounded once where the target can. */
  madd(a: V, b: V, c: V): V {
    return this.target.relaxed
      ? v128.f32x4('relaxed_madd', a, b, c)
      : v128.f32x4('add', v128.f32x4('mul', a, b), c);
  }

  /** c - a b, rounded once where the target can. */
  nmadd(a: V, b: V, c: V): V {
    return this.target.relaxed
      ? v128.f32x4('relaxed_nmadd', a, b, c)
      : v128.f32x4('sub', c, v128.f32x4('mul', a, b));
  }

  /** c0 + c1 x + c2 x^2 + ..., from the last coefficient inwards. */
  polynomial(x: V, coefficients: readonly number[]): V {
    return coefficients
      .slice(0, -1)
      .reduceRight(
        (sum, c) => this.madd(sum, x, this.float(c)),
        this.float(coefficients.at(-1) as number),
      );
  }

  /** Sets the constants' locals. An engine would build a constant anew at each use inside a loop. */
  declare(): void {
    for (const { local, value } of this.constants.values()) this.f.set(local, value);
  }

  private constant(name: string, value: V): V {
    const known = this.constants.get(name);
    const local = known?.local ?? this.f.local('v128', name);
    if (!known) this.constants.set(name, { local, value });
    return this.f.get(local);
  }
}
