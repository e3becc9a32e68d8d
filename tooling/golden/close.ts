/** The acceptance rule against a golden: |got - want| <= 1e-6 + 1e-5 * max|want|, the maximum over the whole tensor. */

const ABSOLUTE = 1e-6;
const RELATIVE = 1e-5;

export interface TensorLike {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

export interface Closeness {
  readonly close: boolean;
  /** The largest error that the rule allows. */
  readonly allowed: number;
  /** The element with the largest error; null for a tensor without elements. */
  readonly worst: {
    readonly index: readonly number[];
    readonly got: number;
    readonly want: number;
    readonly error: number;
  } | null;
}

/** Measures `got` against `want`. Throws where the shapes differ, because then no element has a counterpart. */
export function closeness(got: TensorLike, want: TensorLike): Closeness {
  requireSameShape(got, want);
  const allowed = ABSOLUTE + RELATIVE * largest(want.data);
  let worstAt = -1;
  let worstError = -1;
  for (let k = 0; k < want.data.length; k++) {
    const error = errorOf(got.data[k] as number, want.data[k] as number);
    if (error > worstError) {
      worstAt = k;
      worstError = error;
    }
  }
  if (worstAt < 0) return { close: true, allowed, worst: null };
  const worst = {
    index: indexOf(worstAt, want.shape),
    got: got.data[worstAt] as number,
    want: want.data[worstAt] as number,
    error: worstError,
  };
  return { close: worstError <= allowed, allowed, worst };
}

export function isClose(got: TensorLike, want: TensorLike): boolean {
  return closeness(got, want).close;
}

/** Throws an error that names the worst element. `what` says which tensor it is: `lstm-l1 grads.x`. */
export function assertClose(got: TensorLike, want: TensorLike, what: string): void {
  const { close, allowed, worst } = closeness(got, want);
  if (close || worst === null) return;
  throw new Error(
    `${what}: at [${worst.index}] got ${worst.got}, want ${worst.want}: ` +
      `error ${worst.error.toExponential(2)}, allowed ${allowed.toExponential(2)}.`,
  );
}

function requireSameShape(got: TensorLike, want: TensorLike): void {
  const same =
    got.shape.length === want.shape.length && got.shape.every((n, k) => n === want.shape[k]);
  if (!same) throw new Error(`golden: got shape [${got.shape}], want [${want.shape}].`);
  for (const { data, shape } of [got, want]) {
    const size = shape.reduce((product, n) => product * n, 1);
    if (data.length !== size)
      throw new Error(`golden: shape [${shape}] needs ${size} numbers, got ${data.length}.`);
  }
}

/** Infinities are not a scale: with one, the rule would allow everything. */
function largest(data: ArrayLike<number>): number {
  let max = 0;
  for (let k = 0; k < data.length; k++) {
    const size = Math.abs(data[k] as number);
    if (Number.isFinite(size) && size > max) max = size;
  }
  return max;
}

/** An infinity or NaN is matched only by itself. */
function errorOf(got: number, want: number): number {
  if (Number.isFinite(got) && Number.isFinite(want)) return Math.abs(got - want);
  return Object.is(got, want) ? 0 : Number.POSITIVE_INFINITY;
}

function indexOf(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (let axis = shape.length - 1, rest = flat; axis >= 0; axis--) {
    const size = shape[axis] as number;
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}
