/** Layers in a row: what `stack` and `sequential` share. Types that follow values from layer to layer, and names. */
import { fail, type Key, named } from '@ostinato/core';
import type { How, Layer } from './layer.ts';

/** Any layer, whatever it takes and gives. */
export type AnyLayer = Layer<unknown, never, unknown>;

export type InputOf<L> = L extends { apply(params: never, x: infer X, how?: How): unknown }
  ? X
  : never;
export type OutputOf<L> = L extends { apply(params: never, x: never, how?: How): infer Y }
  ? Y
  : never;
type ParamsOf<L> = L extends { init(key: Key): infer P } ? P : never;

export type First<L> = L extends readonly [infer F, ...unknown[]] ? F : never;
export type Last<L> = L extends readonly [...unknown[], infer E] ? E : never;

/** The parameters of each layer, in order. */
export type ParamsOfEach<L extends readonly AnyLayer[]> = {
  readonly [K in keyof L]: ParamsOf<L[K]>;
};

/** The list itself if each output fits the next input; else the layer that does not fit becomes a message. */
export type Chain<L> = L extends readonly [infer A, infer B, ...infer Rest]
  ? OutputOf<A> extends InputOf<B>
    ? readonly [A, ...Chain<readonly [B, ...Rest]>]
    : readonly [A, 'this layer does not take what the one before it gives', ...Rest]
  : L;

/** Layers whose types have been checked, as a list to go through. */
export interface Row {
  readonly layers: readonly Layer<unknown, unknown, unknown>[];
  /** Runs `f` for a layer under its number and name. */
  inScope<R>(i: number, f: () => R): R;
}

export function row(what: string, checked: unknown): Row {
  const layers = checked as Row['layers'];
  if (layers.length === 0) fail('option-invalid', `${what}: got no layers. Give at least one.`);
  layers.forEach((layer, i) => {
    if (typeof layer?.apply !== 'function')
      fail(
        'option-invalid',
        `${what}: number ${i} is no layer, for it has no apply. Wrap a cell: recurrent(cell).`,
      );
  });
  const names = layers.map(({ label }, i) => (label ? `${i}-${label}` : `${i}`));
  return { layers, inScope: (i, f) => named(names[i] as string, f) };
}
