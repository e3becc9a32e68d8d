/** Which values the colours of a picture stand for. Knows no colour. */

/** The values that the ends of the colours stand for. */
export interface Range {
  readonly isSigned: boolean;
  readonly most: number;
}

/** 0 to 1 where all values are, otherwise from -most to most, a round number that is large enough. */
export function rangeOf(values: ArrayLike<number>): Range {
  let [low, high] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low >= 0 && high <= 1) return { isSigned: false, most: 1 };
  return { isSigned: true, most: roundUp(Math.max(-low, high)) };
}

function roundUp(value: number): number {
  if (value <= 1) return 1;
  const exponent = Math.floor(Math.log10(value));
  // Read, not multiplied: 1.5 * 1e37 is 1.4999999999999999e+37.
  const steps = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((n) => Number(`${n}e${exponent}`));
  return steps.find((step) => step >= value) as number;
}
