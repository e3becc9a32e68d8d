/** Layers in a row: what `stack` and `sequential` share. Types that follow values from layer to layer, and names. */
import { fail, type Key, named } from '@ostinato/core';
import type { How, Layer } from './layer.ts';

/** Any layer, whatever it takes and gives. */
export type AnyLayer = Layer<unknown, never, unknown>;

/** What a layer takes. Of several, any of which it may be: what all of them take. */
export type InputOf<L> = (L extends unknown ? (x: OwnInputOf<L>) => void : never) extends (
  x: infer X,
) => void
  ? X
  : never;
type OwnInputOf<L> = L extends { apply(params: never, x: infer X, how?: How): unknown } ? X : never;
export type OutputOf<L> = L extends { apply(params: never, x: never, how?: How): infer Y }
  ? Y
  : never;
type ParamsOf<L> = L extends { init(key: Key): infer P } ? P : never;

/** The layer that comes first; each that may, where the list begins with any number of layers. */
export type First<L> =
  Unrolled<L> extends infer U ? (U extends readonly [infer F, ...unknown[]] ? F : never) : never;
/** The layer that comes last; each that may, where the list ends with any number of layers. */
export type Last<L> =
  Unrolled<L> extends infer U ? (U extends readonly [...unknown[], infer E] ? E : never) : never;

/**
 * Lists of known length in place of one with `...E[]` in it: without those layers and with two of them, so that all
 * that may be neighbours are.
 */
type Unrolled<
  L,
  Before extends readonly unknown[] = [],
  After extends readonly unknown[] = [],
> = L extends readonly []
  ? [...Before, ...After]
  : L extends readonly [infer A, ...infer Rest]
    ? Unrolled<Rest, [...Before, A], After>
    : L extends readonly [...infer Rest, infer B]
      ? Unrolled<Rest, Before, [B, ...After]>
      : L extends readonly (infer E)[]
        ? [...Before, ...After] | [...Before, E, E, ...After]
        : never;

/** The parameters of each layer, in order. */
export type ParamsOfEach<L extends readonly AnyLayer[]> = {
  readonly [K in keyof L]: ParamsOf<L[K]>;
};

type Misfit = 'this layer does not take what the one before it gives';

/**
 * The list itself if each output fits the next input; else the layer that does not fit becomes a message. In a list of
 * unknown length every layer does, for nobody knows which. A layer that may be any fits.
 */
export type Chain<L extends readonly unknown[]> = number extends L['length']
  ? AnyLayer extends L[number]
    ? L
    : Misfits<Unrolled<L>> extends never
      ? L
      : readonly Misfit[]
  : Pairs<L>;

type Misfits<L> = L extends Pairs<L> ? never : Misfit;

type Pairs<L> = L extends readonly [infer A, infer B, ...infer Rest]
  ? OutputOf<A> extends InputOf<B>
    ? readonly [A, ...Pairs<readonly [B, ...Rest]>]
    : readonly [A, Misfit, ...Rest]
  : L;

/** Layers whose types have been checked, as a list to go through. */
export interface Row {
  readonly layers: readonly Layer<unknown, unknown, unknown>[];
  /** Runs `f` for a layer under its number and name. */
  inScope<R>(i: number, f: () => R): R;
  /** Refuses what is no list with one entry per layer. */
  checkCount(of: string, list: unknown): void;
}

export function row(what: string, checked: unknown): Row {
  if (!Array.isArray(checked))
    return fail(
      'option-invalid',
      `${what}: got no list. Give the layers as one: ${what}([layer]).`,
    );
  const layers: Row['layers'] = checked;
  if (layers.length === 0) fail('option-invalid', `${what}: got no layers. Give at least one.`);
  layers.forEach((layer, i) => {
    // A cell has no apply. Every function has one, but no init.
    if (typeof layer?.init !== 'function' || typeof layer.apply !== 'function')
      fail(
        'option-invalid',
        `${what}: number ${i} is no layer, for it lacks init or apply. Wrap a cell: recurrent(cell); call what makes a layer: dense({ inputs, units }).`,
      );
  });
  const names = layers.map(({ label }, i) => (label ? `${i}-${label}` : `${i}`));
  return {
    layers,
    inScope: (i, f) => named(names[i] as string, f),
    checkCount(of, list) {
      const got = Array.isArray(list) ? `for ${list.length} layers` : 'that are no list';
      if ((list as unknown[] | undefined)?.length !== layers.length || !Array.isArray(list))
        fail(
          'tree-mismatch',
          `${what}: got ${of} ${got}, but there are ${layers.length}. Give one per layer, null where there is none.`,
        );
    },
  };
}
