/**
 * Whether strided windows share an element, exactly. Knows only whole numbers: a window is a start and some axes, all
 * in one unit.
 */

/** Points start + sum of i * step with 0 <= i < n, per axis. Steps are positive: see `lattice`. */
export interface Lattice {
  readonly start: number;
  readonly axes: readonly { readonly n: number; readonly step: number }[];
}

/** The points of a window; axes that do not move are dropped, negative strides are counted from the other end. */
export function lattice(
  start: number,
  shape: readonly number[],
  strides: readonly number[],
): Lattice {
  let first = start;
  const axes: { n: number; step: number }[] = [];
  shape.forEach((n, a) => {
    const step = strides[a] as number;
    if (step < 0) first += (n - 1) * step;
    if (n > 1 && step !== 0) axes.push({ n, step: Math.abs(step) });
  });
  return { start: first, axes };
}

/** Calls `visit` with every point. */
export function visitPoints({ start, axes }: Lattice, visit: (point: number) => void): void {
  const go = (axis: number, point: number): void => {
    const a = axes[axis];
    if (!a) visit(point);
    else for (let i = 0; i < a.n; i++) go(axis + 1, point + i * a.step);
  };
  go(0, start);
}

export const pointsOf = ({ axes }: Lattice): number => axes.reduce((size, { n }) => size * n, 1);

/** True where some point is in both. */
export function meet(a: Lattice, b: Lattice): boolean {
  // start_a + i.s = start_b + j.t; counting j from its far end makes all steps positive.
  const far = b.axes.reduce((sum, { n, step }) => sum + (n - 1) * step, 0);
  const terms = [...a.axes, ...b.axes].map(({ n, step }) => ({ step, most: n - 1 }));
  return reaches(terms, b.start + far - a.start);
}

/** True where two different indices give the same point. */
export function folds(shape: readonly number[], strides: readonly number[]): boolean {
  if (shape.some((n, a) => n > 1 && strides[a] === 0)) return true;
  const { axes } = lattice(0, shape, strides);
  // Some axis differs by at least one; the others may differ either way.
  return axes.some((axis, k) => {
    const others = axes.filter((_, m) => m !== k);
    const far = others.reduce((sum, { n, step }) => sum + (n - 1) * step, 0);
    const terms = others.map(({ n, step }) => ({ step, most: 2 * (n - 1) }));
    return reaches([...terms, { step: axis.step, most: axis.n - 2 }], far - axis.step);
  });
}

interface Term {
  readonly step: number;
  readonly most: number;
}

/**
 * Whether target = sum of count * step with 0 <= count <= most: a search from the largest step down, cut where the
 * rest is out of reach or no multiple of what the smaller steps share. Strides are ladders, so it hardly branches.
 */
function reaches(given: readonly Term[], target: number): boolean {
  const terms = given.filter((t) => t.most > 0).sort((a, b) => b.step - a.step);
  const reach: number[] = new Array(terms.length + 1).fill(0);
  const divisor: number[] = new Array(terms.length + 1).fill(0);
  for (let k = terms.length - 1; k >= 0; k--) {
    const { step, most } = terms[k] as Term;
    reach[k] = (reach[k + 1] as number) + step * most;
    divisor[k] = gcd(step, divisor[k + 1] as number);
  }
  // Adversarial strides could take long; where the budget ends, nothing was found.
  let budget = 200_000;
  const search = (k: number, rest: number): boolean => {
    if (rest === 0) return true;
    if (k === terms.length || rest < 0 || rest > (reach[k] as number)) return false;
    if (rest % (divisor[k] as number) !== 0 || budget-- < 0) return false;
    const { step, most } = terms[k] as Term;
    const high = Math.min(most, Math.floor(rest / step));
    const low = Math.max(0, Math.ceil((rest - (reach[k + 1] as number)) / step));
    for (let n = high; n >= low; n--) if (search(k + 1, rest - n * step)) return true;
    return false;
  };
  return search(0, target);
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
