/** What the passes need for graphs with gradients of scans or with tables; a stream through a cell has none. */
export { liftTable } from './lift-table.ts';
export { liftSum, mergeScans } from './scan-gradients.ts';
