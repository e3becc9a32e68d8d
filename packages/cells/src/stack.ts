/** Recurrent layers on top of each other, with the states of all. */
import { fail, type Key, keys, named } from '@ostinato/core';
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
import { type Both, checkHow, type Layer, type Recurrent, type RecurrentHow } from './layer.ts';

type StateOf<L> = L extends {
  unroll(params: never, x: never, how?: never): { readonly state: infer S };
}
  ? S
  : null;

/** The state of each layer, in order; null for layers without one. */
export type StatesOfEach<L extends readonly AnyLayer[]> = {
  readonly [K in keyof L]: StateOf<L[K]>;
};

/** What the top gives. Where that holds its state, it holds the states of all. */
type StackOutput<S, Y> = Y extends Both<unknown, infer Z> ? Both<S, Z> : Y;

/**
 * Runs layers one on top of the other, each with its own size, direction, parameters and state. All but the top give
 * sequences; layers without a state, such as dropout, may stand between. Lengths and mask go to all of them, the key
 * is split.
 */
export function stack<const L extends readonly AnyLayer[]>(
  layers: L & Chain<L>,
): Recurrent<
  ParamsOfEach<L>,
  StatesOfEach<L>,
  InputOf<First<L>>,
  StackOutput<StatesOfEach<L>, OutputOf<Last<L>>>
> {
  type States = StatesOfEach<L>;
  type Output = StackOutput<States, OutputOf<Last<L>>>;
  const { layers: list, inScope, checkCount } = row('stack', layers);
  const top = list.at(-1) as Layer<unknown, unknown, unknown>;
  list.forEach((layer, i) => {
    if (i < list.length - 1 && isRecurrent(layer) && layer.returns !== 'sequence')
      fail(
        'option-invalid',
        `stack: layer ${i} (${layer.label}) returns '${layer.returns}', but another layer runs over its outputs. Make it with returns: 'sequence'; the stack gives the states of all layers.`,
      );
  });
  const unroll = (
    params: ParamsOfEach<L>,
    x: InputOf<First<L>>,
    how: RecurrentHow<States> = {},
  ): { output: Output; state: States } =>
    named('stack', () => {
      checkHow('stack', how);
      const { initial, key, ...rest } = how;
      if (initial !== undefined) checkCount('states', initial);
      checkCount('parameters', params);
      const own = key ? keys(key, list.length) : [];
      const states: unknown[] = [];
      let y: unknown = x;
      list.forEach((layer, i) => {
        const mine = (params as readonly unknown[])[i];
        const given = { ...rest, key: own[i] };
        inScope(i, () => {
          if (!isRecurrent(layer)) {
            y = layer.apply(mine, y, given);
            states.push(null);
            return;
          }
          const { output, state } = layer.unroll(mine, y, {
            ...given,
            initial: initial?.[i] ?? undefined,
          });
          y = output;
          states.push(state);
        });
      });
      const state = states as unknown as States;
      const both = isRecurrent(top) && top.returns === 'both';
      return { output: (both ? { ...(y as object), state } : y) as Output, state };
    });
  return {
    label: 'stack',
    returns: isRecurrent(top) ? top.returns : 'sequence',
    init: (key) =>
      named('stack', () => {
        const own = keys(key, list.length);
        const each = list.map((layer, i) => inScope(i, () => layer.init(own[i] as Key)));
        return each as unknown as ParamsOfEach<L>;
      }),
    apply: (params, x, how) => unroll(params, x, how).output,
    unroll,
  };
}

const isRecurrent = (
  layer: Layer<unknown, unknown, unknown>,
): layer is Recurrent<unknown, unknown, unknown, unknown> => 'unroll' in layer;
