/**
 * What a reduction accumulates: for each out a few vectors. Long float sums go through parts of at most a few dozen
 * terms, which are added up with their rounding errors kept. Knows no axes.
 */
import type { Combine, DType } from '@ostinato/core/backend';
import type { Local } from '../assembler/function.ts';
import { type Value, v128 } from '../assembler/instructions.ts';
import type { Kit } from './kit.ts';
import type { Lanes, Points } from './points.ts';

const f = v128.f32x4;
const i = v128.i32x4;
const bits = v128.bits;

type V = Value<'v128'>;

interface Monoid {
  readonly combine: (a: V, b: V) => V;
  readonly identity: (kit: Kit) => V;
}

const one = (vectors: readonly V[]): V => vectors[0] as V;

const integer = (
  name: 'add' | 'max_s' | 'min_s' | 'max_u' | 'min_u',
  identity: number,
): Monoid => ({
  combine: (a, b) => i(name, a, b),
  identity: (kit) => one(kit.int(identity)),
});
const float = (name: 'add' | 'max' | 'min', identity: number): Monoid => ({
  combine: (a, b) => f(name, a, b),
  identity: (kit) => one(kit.float(identity)),
});

const monoids: { readonly [C in Combine]: { readonly [D in DType]?: Monoid } } = {
  // -0: a sum of nothing but -0 is -0.
  sum: { float32: float('add', -0), int32: integer('add', 0), uint32: integer('add', 0) },
  max: {
    float32: float('max', Number.NEGATIVE_INFINITY),
    int32: integer('max_s', -2147483648),
    uint32: integer('max_u', 0),
    bool: { combine: (a, b) => bits('or', a, b), identity: (kit) => one(kit.int(0)) },
  },
  min: {
    float32: float('min', Number.POSITIVE_INFINITY),
    int32: integer('min_s', 2147483647),
    uint32: integer('min_u', -1),
    bool: { combine: (a, b) => bits('and', a, b), identity: (kit) => one(kit.int(-1)) },
  },
};

/** One out: vectors of terms, and for a sum in parts the sum of the parts so far with its rounding error. */
interface Total extends Monoid {
  readonly terms: readonly Local<'v128'>[];
  readonly parts: readonly { readonly sum: Local<'v128'>; readonly error: Local<'v128'> }[];
}

export interface TotalsOptions {
  readonly combine: Combine;
  /** Vectors of terms per out. */
  readonly vectors: number;
  /** The vectors, and then their lanes, are terms of one and the same result. */
  readonly across: boolean;
  /** Sums of floats are taken in parts. */
  readonly inParts: boolean;
}

export class Totals {
  private readonly kit: Kit;
  private readonly roots: readonly number[];
  private readonly totals: readonly Total[];
  private readonly options: TotalsOptions;

  /** Begins with nothing added. */
  constructor(kit: Kit, roots: readonly { node: number; dtype: DType }[], options: TotalsOptions) {
    this.kit = kit;
    this.options = options;
    this.roots = roots.map((r) => r.node);
    const { combine, vectors, across, inParts } = options;
    this.totals = roots.map(({ dtype }): Total => {
      const monoid = monoids[combine][dtype] as Monoid;
      const identity = kit.keepOne('identity', monoid.identity(kit));
      const terms = count(vectors).map(() => kit.f.let('terms', identity));
      const parts =
        inParts && combine === 'sum' && dtype === 'float32' ? (across ? 1 : vectors) : 0;
      return {
        ...monoid,
        terms,
        parts: count(parts).map(() => ({
          sum: kit.f.let('sum', one(kit.float(-0))),
          error: kit.f.let('error', one(kit.float(-0))),
        })),
      };
    });
  }

  /** Adds the values of some points; of partly filled vectors only the first lanes. */
  add(points: Points, lanes: Lanes = 4): void {
    const { f } = this.kit;
    const filled = [0, 1, 2, 3].map((l) => (l < lanes ? -1 : 0)) as [
      number,
      number,
      number,
      number,
    ];
    this.totals.forEach((total, k) => {
      const values = points.of(this.roots[k] as number);
      total.terms.slice(0, points.extent.vectors).forEach((local, v) => {
        const value = values[v] ?? (values[0] as V);
        const term =
          lanes === 4 || !this.options.across
            ? value
            : bits('bitselect', value, total.identity(this.kit), one(this.kit.ints(...filled)));
        f.set(local, total.combine(f.get(local), term));
      });
    });
  }

  /** Ends a part: its terms go into the sum of parts, exactly up to the error that is kept (Knuth's two-sum). */
  endPart(): void {
    const { kit } = this;
    for (const total of this.totals) {
      const sums = this.options.across && total.parts.length > 0 ? [merge(kit, total)] : undefined;
      total.parts.forEach(({ sum, error }, v) => {
        const part = kit.keepOne('part', sums?.[0] ?? kit.f.get(total.terms[v] as Local<'v128'>));
        const before = kit.f.get(sum);
        const after = kit.keepOne('after', f('add', before, part));
        const added = kit.keepOne('added', f('sub', after, before));
        const lost = f('add', f('sub', before, f('sub', after, added)), f('sub', part, added));
        kit.f.set(error, f('add', kit.f.get(error), lost));
        kit.f.set(sum, after);
      });
      if (total.parts.length > 0)
        for (const local of total.terms) kit.f.set(local, total.identity(kit));
    }
  }

  /** Vectors per out; of results across lanes the first lane counts. */
  results(): V[][] {
    const { kit } = this;
    return this.totals.map((total) => {
      if (!this.options.across)
        return total.parts.length > 0
          ? total.parts.map((part) => whole(kit, part))
          : total.terms.map((local) => kit.f.get(local));
      const [part] = total.parts;
      const x = kit.keepOne('lanes', part ? whole(kit, part) : merge(kit, total));
      const y = kit.keepOne('lanes', total.combine(x, v128.shuffle(x, x, [2, 3, 0, 1])));
      return [total.combine(y, v128.shuffle(y, y, [1, 0, 3, 2]))];
    });
  }
}

/** The error of sums that are not finite is NaN and does not count. */
function whole(kit: Kit, { sum, error }: Total['parts'][number]): V {
  const lost = kit.f.get(error);
  return f('add', kit.f.get(sum), bits('and', lost, f('eq', lost, lost)));
}

/** The vectors of terms as one, in a tree. */
function merge(kit: Kit, total: Total): V {
  let vectors = total.terms.map((local): V => kit.f.get(local));
  while (vectors.length > 1)
    vectors = count(Math.ceil(vectors.length / 2)).map((k) => {
      const [a, b] = [vectors[2 * k] as V, vectors[2 * k + 1]];
      return b ? total.combine(a, b) : a;
    });
  return vectors[0] as V;
}

const count = (n: number): number[] => Array.from({ length: n }, (_, k) => k);
