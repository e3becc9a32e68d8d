/**
 * What products, time loops and plain maps of floats do without: other types, rarer maths, reductions, tables. Loaded with
 * the first program that needs some of it, so that a page which streams a cell loads none.
 */
export { casts, ops, type Stored } from './loop/ops.ts';
export { emitReduce } from './loop/reduce.ts';
export { emitGather, emitScatter } from './table.ts';
