/** Layers in a row. */
import { type Key, keys } from '@ostinato/core';
import {
  type AnyLayer,
  type Chain,
  type First,
  type InputOf,
  type Last,
  type OutputOf,
  type ParamsOfEach,
  row,
} from './chain.ts';
import { checkHow, type Layer } from './layer.ts';

/**
 * Applies layers one after another. The key is split, so that each layer draws its own random numbers; all else in
 * `how`, lengths and mask among it, goes to every layer. For final states use `stack`.
 */
export function sequential<const L extends readonly AnyLayer[]>(
  layers: L & Chain<L>,
): Layer<ParamsOfEach<L>, InputOf<First<L>>, OutputOf<Last<L>>> {
  const { layers: list, inScope, checkCount } = row('sequential', layers);
  return {
    label: 'sequential',
    init(key) {
      const own = keys(key, list.length);
      const each = list.map((layer, i) => inScope(i, () => layer.init(own[i] as Key)));
      return each as unknown as ParamsOfEach<L>;
    },
    apply(params, x, how = {}) {
      checkHow('sequential', how);
      const { key, ...rest } = how;
      checkCount('parameters', params);
      const own = key ? keys(key, list.length) : [];
      const all = params as readonly unknown[];
      return list.reduce<unknown>(
        (y, layer, i) => inScope(i, () => layer.apply(all[i], y, { ...rest, key: own[i] })),
        x,
      ) as OutputOf<Last<L>>;
    },
  };
}
