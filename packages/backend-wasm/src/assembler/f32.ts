/** Single floats. */
import { node, type OpsOf, type Value } from './codes.ts';

type F32 = Value<'f32'>;

const constant = (x: number): F32 => node('f32', 'f32.const', [], [x]);

export { constant as const };

export const load = (at: Value<'i32'>, offset = 0): F32 => node('f32', 'f32.load', [at], [offset]);

/** Any other instruction that gives an f32. */
export const op = (name: OpsOf<'f32'>, ...args: readonly Value[]): F32 =>
  node('f32', `f32.${name}`, args);
