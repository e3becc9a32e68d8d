/**
 * Loops with a reduction. Where vectors lie along an axis of the results, blocks of results are accumulated side by
 * side; where they lie along a reduced axis, several vectors of terms make one result. Either way the order depends
 * on sizes and strides alone.
 */
import type { Combine } from '@ostinato/core/backend';
import { type Kernel } from './points.ts';
export declare function emitReduce(kernel: Kernel, combine: Combine): void;
//# sourceMappingURL=reduce.d.ts.map
