/** Pairs of vectors: where they are safe, and whether they are right here. Loaded where V8 has them. */
export { pairs } from './pairing.ts';
export { agreesWithPlain } from './self-check.ts';
