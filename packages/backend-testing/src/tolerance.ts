/** How near is equal, in one table by element type. */
import type { DType } from '@ostinato/core/backend';

export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

const exact: Tolerance = { absolute: 0, relative: 0 };

/**
 * The cases keep values around 1 and never decide by a computed float, so that rounding alone stays far below these;
 * the float32 row also covers subnormals flushed to zero and GPU functions that are off by some units in the last place.
 */
export const tolerances: { readonly [D in DType]: Tolerance } = {
  float32: { absolute: 2e-5, relative: 2e-5 },
  float64: { absolute: 1e-12, relative: 1e-12 },
  int32: exact,
  uint32: exact,
  bool: exact,
};

/** NaN equals NaN, an infinity only itself, and 0 equals -0. */
export function near(got: number, want: number, tolerance: Tolerance): boolean {
  if (got === want || (Number.isNaN(got) && Number.isNaN(want))) return true;
  if (!Number.isFinite(got) || !Number.isFinite(want)) return false;
  return Math.abs(got - want) <= tolerance.absolute + tolerance.relative * Math.abs(want);
}
