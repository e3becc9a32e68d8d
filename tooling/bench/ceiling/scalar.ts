/**
 * Scalar JavaScript: multiplications and additions that depend on nothing but their own chain and load nothing. Twelve
 * chains and two constants fit into 16 registers; more or fewer are slower.
 */
const TURNS = 1_000_000;

/** Of one call of what `scalar` returns. */
export const SCALAR_FLOPS = 24 * TURNS;

export function scalar(): () => void {
  for (let i = 0; i < 1000; i++) chains(1000, 0.999, 0.001); // until it is compiled
  return () => {
    chains(TURNS, 0.999, 0.001);
  };
}

function chains(steps: number, m: number, c: number): number {
  let [a0, a1, a2, a3, a4, a5] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
  let [b0, b1, b2, b3, b4, b5] = [1.1, 1.2, 1.3, 1.4, 1.5, 1.6];
  for (let i = 0; i < steps; i++) {
    a0 = a0 * m + c;
    a1 = a1 * m + c;
    a2 = a2 * m + c;
    a3 = a3 * m + c;
    a4 = a4 * m + c;
    a5 = a5 * m + c;
    b0 = b0 * m + c;
    b1 = b1 * m + c;
    b2 = b2 * m + c;
    b3 = b3 * m + c;
    b4 = b4 * m + c;
    b5 = b5 * m + c;
  }
  return a0 + a1 + a2 + a3 + a4 + a5 + b0 + b1 + b2 + b3 + b4 + b5;
}
