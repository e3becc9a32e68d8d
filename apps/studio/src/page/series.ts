/** What the curves show of a run. Knows no chart. */
import type { EpochPoint, StepPoint } from '../protocol.ts';

export type Quantity = 'loss' | 'accuracy';

/** Steps over which the bold line is a mean: few enough that it does not trail behind, many enough to be calm. */
const smoothingOf = (total: number): number => Math.max(3, Math.min(20, total / 60));

/** Steps, batches, their running mean, and held-back means (null between epochs). */
export type Columns = [number[], number[], number[], (number | null)[]];

interface Curve {
  readonly points: readonly StepPoint[];
  readonly epochs: readonly EpochPoint[];
  /** Steps that the run will take. */
  readonly total: number;
}

export function columnsOf({ points, epochs, total }: Curve, quantity: Quantity): Columns {
  const kept = 1 - 1 / smoothingOf(total);
  const held = new Map(epochs.map((point) => [point.step, point[quantity]]));
  const columns: Columns = [[], [], [], []];
  let [sum, weight] = [0, 0];
  for (const point of points) {
    const value = point[quantity];
    // A mean of what there is, so that the first steps do not begin at zero.
    sum = sum * kept + value;
    weight = weight * kept + 1;
    columns[0].push(point.step);
    columns[1].push(value);
    columns[2].push(sum / weight);
    columns[3].push(held.get(point.step) ?? null);
  }
  return columns;
}
