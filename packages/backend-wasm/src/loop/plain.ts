/**
 * The scalar ops that every page loads: plain float maths, and what gates are made of. ops.ts has all of them, for all
 * types. Knows no loop.
 */
import type { ScalarOp } from '@ostinato/core/backend';
import { sigmoid, tanh } from './gates.ts';
import { floats as f, type Kit, type V } from './kit.ts';

/** `known`: the values of those inputs that are constants. Inputs may be used once; keep them to use them more. */
export type Emit = (kit: Kit, inputs: readonly V[], known: readonly (number | undefined)[]) => V;

export const unary =
  (emit: (kit: Kit, a: V) => V): Emit =>
  (kit, [a]) =>
    emit(kit, a as V);
export const binary =
  (emit: (kit: Kit, a: V, b: V) => V): Emit =>
  (kit, [a, b]) =>
    emit(kit, a as V, b as V);

const one = (name: 'neg' | 'abs' | 'floor' | 'sqrt'): Emit => unary((_, a) => f(name, a));
const two = (name: 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max'): Emit =>
  binary((_, a, b) => f(name, a, b));

export const plainOps = {
  add: two('add'),
  sub: two('sub'),
  mul: two('mul'),
  div: two('div'),
  // These give NaN where either is NaN, and -0 before 0, as JavaScript's.
  min: two('min'),
  max: two('max'),
  neg: one('neg'),
  abs: one('abs'),
  floor: one('floor'),
  sqrt: one('sqrt'),
  tanh: unary(tanh),
  sigmoid: unary(sigmoid),
} satisfies { readonly [Op in ScalarOp]?: Emit };
