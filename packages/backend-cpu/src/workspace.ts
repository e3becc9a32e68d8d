/**
 * Scratch that all kernels of one backend share, because they run one at a time: registers stay in the first cache
 * from one launch to the next. Grown when a kernel is prepared, never in a launch. Knows no kernel.
 */
import { coerce, type DType, type TypedArray, viewOf } from '@ostinato/core/backend';

/** Elements of a register. */
export const registerSize = 1024;

export interface Workspace {
  /** The `k`th register, seen as elements of `dtype`. */
  register(k: number, dtype: DType): TypedArray;
  /** A register's worth of one value, which nobody overwrites. */
  constant(value: number, dtype: DType): TypedArray;
  /** The `k`th array of doubles, with room for `size`. It may grow later, so ask in the launch. */
  doubles(k: number, size: number): () => Float64Array;
}

export function createWorkspace(): Workspace {
  const registers: ArrayBuffer[] = [];
  const constants = new Map<string, TypedArray>();
  const arrays: Float64Array[] = [];
  return {
    register(k, dtype) {
      while (registers.length <= k) registers.push(new ArrayBuffer(registerSize * 4));
      return viewOf(dtype, registers[k] as ArrayBuffer);
    },
    constant(value, dtype) {
      const key = `${Object.is(value, -0) ? '-0' : value} ${dtype}`;
      const made = constants.get(key);
      if (made) return made;
      const filled = viewOf(dtype, new ArrayBuffer(registerSize * 4)).fill(coerce[dtype](value));
      constants.set(key, filled);
      return filled;
    },
    doubles(k, size) {
      while (arrays.length <= k) arrays.push(new Float64Array(0));
      if ((arrays[k] as Float64Array).length < size) arrays[k] = new Float64Array(size);
      return () => arrays[k] as Float64Array;
    },
  };
}
