/** `@ostinato/layers`: what stands around a recurrent network. */
export { type How, type Layer, sequential } from '@ostinato/cells';
export { type DenseOptions, type DenseParams, dense } from './dense.ts';
export { type DropoutOptions, dropout } from './dropout.ts';
export { type EmbeddingOptions, type EmbeddingParams, embedding } from './embedding.ts';
export { type LayerNormOptions, type LayerNormParams, layerNorm } from './layer-norm.ts';
