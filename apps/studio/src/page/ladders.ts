/** The settings that are numbers: the steps of their sliders, and what each task begins with. */
import type { Settings, TaskName } from '../protocol.ts';

export const ladders = {
  units: [4, 8, 12, 16, 24, 32, 48, 64, 96, 128],
  embedding: [4, 8, 12, 16, 24, 32, 48, 64],
  learningRate: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1],
  epochs: [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50, 100],
  batch: [8, 16, 32, 64, 128],
  sentences: [100, 200, 500, 1000, 2000, 3000, 5000, 10_000],
} satisfies { readonly [K in keyof Settings]?: readonly number[] };

export type LadderName = keyof typeof ladders;
export const ladderNames = Object.keys(ladders) as readonly LadderName[];

/** The step of a ladder that is closest. */
export function nearest(name: LadderName, value: number): number {
  const steps: readonly number[] = ladders[name];
  return steps.reduce((best, step) =>
    Math.abs(step - value) < Math.abs(best - value) ? step : best,
  );
}

const sizes = {
  sentiment: { units: 32, embedding: 24, epochs: 12 },
  characters: { units: 64, embedding: 16, epochs: 12 },
} satisfies Record<TaskName, Partial<Settings>>;

/** What changes with the task: a character model needs more room. */
export const settingsOf = (task: TaskName): Partial<Settings> => ({ task, ...sizes[task] });

export const defaults: Settings = {
  task: 'sentiment',
  cell: { kind: 'lstm' },
  ...sizes.sentiment,
  learningRate: 0.01,
  batch: 32,
  seed: 0,
  sentences: 3000,
  text: null,
};
