/**
 * What most products, time loops and plain maps of floats do without: other types, rarer maths, reductions, tables, many
 * rows and copies of them, work that threads share, products moved into loops. Loaded with the first program that needs
 * some of it (need.ts), so that a page which streams a cell loads none.
 */

export { prepareAffine } from './affine.ts';
export { packColumns } from './contract/columns.ts';
export { cutDepth } from './contract/depth.ts';
export { copyEdge } from './contract/edge.ts';
export { heightsOf } from './contract/heights.ts';
export { emitPartialSums, maskLocals } from './contract/partial.ts';
export { planRanged, rangedOrientations, rangeOf } from './contract/ranged.ts';
export { emitRowBlocks } from './contract/rows.ts';
export { emitInThrees } from './contract/wide.ts';
export { casts, ops, type Stored } from './loop/ops.ts';
export { alongRange } from './loop/range.ts';
export { emitReduce } from './loop/reduce.ts';
export { arrange } from './passes/arrange.ts';
export { tighten } from './passes/tighten.ts';
export { emitGather, emitScatter } from './table.ts';
export { callsOfGroups } from './together/groups.ts';
