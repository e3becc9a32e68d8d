/** What training one model has cost so far, over all parts of an interrupted run. Knows time, memory and one file. */
import { readJson, writeJson } from './json-file.ts';
import { peakMemoryMiB } from './result.ts';

/** As kept in the file. */
interface Costs {
  readonly tokens: number;
  readonly trainingSeconds: number;
  readonly seconds: number;
  readonly peakMemoryMiB: number;
}

export interface Clock {
  /** A step of training: how many tokens it saw, padding included, and how long it took. */
  add(tokens: number, seconds: number): void;
  readonly costs: Costs;
  save(): Promise<void>;
}

/** Starts, or goes on from what the file says. */
export async function startClock(file: string): Promise<Clock> {
  const started = performance.now();
  const before = await readJson<Costs>(file);
  let { tokens, trainingSeconds } = before ?? { tokens: 0, trainingSeconds: 0 };
  const costs = (): Costs => ({
    tokens,
    trainingSeconds,
    seconds: (before?.seconds ?? 0) + (performance.now() - started) / 1000,
    peakMemoryMiB: Math.max(before?.peakMemoryMiB ?? 0, peakMemoryMiB()),
  });
  return {
    add(more, seconds) {
      tokens += more;
      trainingSeconds += seconds;
    },
    get costs() {
      return costs();
    },
    save: () => writeJson(file, costs()),
  };
}
