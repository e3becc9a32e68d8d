/** `@ostinato/cells`: recurrent cells and what lifts a cell to sequences. */
export {
  type BidirectionalOptions,
  bidirectional,
  type Directions,
  type Merge,
  type Merged,
} from './bidirectional.ts';
export type { Cell, Gates, Preparation } from './cell.ts';
export type { AnyLayer } from './chain.ts';
export { type Bias, type ElmanOptions, type ElmanParams, elman } from './elman.ts';
export { type Exposed, exposed } from './exposed.ts';
export { type GruOptions, type GruParams, gru } from './gru.ts';
export { glorotUniform, orthogonal } from './initial.ts';
export {
  type Both,
  checkHow,
  type How,
  type Layer,
  type Recurrent,
  type RecurrentHow,
  type Returned,
  type Returns,
} from './layer.ts';
export { type LstmOptions, type LstmParams, type LstmState, lstm } from './lstm.ts';
export type { PaddedOutput } from './padded-output.ts';
export { type RecurrentOptions, recurrent } from './recurrent.ts';
export { sequential } from './sequential.ts';
export { type StatesOfEach, stack } from './stack.ts';
