import type { Moved } from './nest.ts';
import { type Extent, type Kernel } from './points.ts';
export declare function emitMap(kernel: Kernel): void;
/** One row: groups of vectors, the vectors left over, then the rest of the last vector. */
export declare function alongVectors(
  { nest, plan: { vector } }: Kernel,
  group: number,
  body: (extent: Extent) => void,
): Moved;
//# sourceMappingURL=map.d.ts.map
