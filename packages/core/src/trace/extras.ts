/**
 * What a stream through a cell, a step at a time, does not need and so does not load: for loops of many steps, gradients of
 * scans, tables, donated arguments, and devices with few buffers. One file, so that who needs some of it waits once.
 */
export { fission } from '../passes/fission.ts';
export { liftTable } from '../passes/lift-table.ts';
export { refine } from '../passes/refine.ts';
export { liftSum, mergeScans } from '../passes/scan-gradients.ts';
export { donations } from './donate.ts';
export { idsChecker } from './ids.ts';
