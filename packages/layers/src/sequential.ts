/** Layers in a row. */
import type { How, Layer } from '@ostinato/cells';
import { fail, type Key, keys, named } from '@ostinato/core';

/** Any layer, whatever it takes and gives. */
export type AnyLayer = Layer<unknown, never, unknown>;

type ParamsOf<L> = L extends { init(key: Key): infer P } ? P : never;
type InputOf<L> = L extends { apply(params: never, x: infer X, how?: How): unknown } ? X : never;
type OutputOf<L> = L extends { apply(params: never, x: never, how?: How): infer Y } ? Y : never;

type First<L> = L extends readonly [infer F, ...unknown[]] ? F : never;
type Last<L> = L extends readonly [...unknown[], infer E] ? E : never;

/** The parameters of each layer, in order. */
export type SequentialParams<L extends readonly AnyLayer[]> = {
  readonly [K in keyof L]: ParamsOf<L[K]>;
};

/** The list itself if each output fits the next input; else the layer that does not fit becomes a message. */
type Chain<L> = L extends readonly [infer A, infer B, ...infer Rest]
  ? OutputOf<A> extends InputOf<B>
    ? readonly [A, ...Chain<readonly [B, ...Rest]>]
    : readonly [A, 'this layer does not take what the one before it gives', ...Rest]
  : L;

/**
 * Applies layers one after another. The key is split, so that each layer draws its own random numbers; all else in
 * `how`, lengths and mask among it, goes to every layer.
 */
export function sequential<const L extends readonly AnyLayer[]>(
  layers: L & Chain<L>,
): Layer<SequentialParams<L>, InputOf<First<L>>, OutputOf<Last<L>>> {
  const list = layers as unknown as readonly Layer<unknown, unknown, unknown>[];
  if (list.length === 0) fail('option-invalid', 'sequential: got no layers. Give at least one.');
  const inScope = <R>(i: number, f: () => R): R =>
    named(`${i}${list[i]?.label ? `-${list[i].label}` : ''}`, f);
  return {
    label: 'sequential',
    init(key) {
      const own = keys(key, list.length);
      return list.map((layer, i) =>
        inScope(i, () => layer.init(own[i] as Key)),
      ) as unknown as SequentialParams<L>;
    },
    apply(params, x, { key, ...how } = {}) {
      const own = key ? keys(key, list.length) : [];
      const all = params as readonly unknown[];
      return list.reduce<unknown>(
        (y, layer, i) => inScope(i, () => layer.apply(all[i], y, { ...how, key: own[i] })),
        x,
      ) as OutputOf<Last<L>>;
    },
  };
}
