/**
 * What few functions need: those with gradients of scans or with tables, those that donate, and devices with few buffers. A
 * stream through a cell loads none of it. One file, so that who needs some of it waits once.
 */
export { liftTable } from '../passes/lift-table.ts';
export { refine } from '../passes/refine.ts';
export { liftSum, mergeScans } from '../passes/scan-gradients.ts';
export { donations } from './donate.ts';
export { idsChecker } from './ids.ts';
