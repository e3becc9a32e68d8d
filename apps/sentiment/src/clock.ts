/** What training one model has cost so far, over all parts of an interrupted run. Knows time, memory and one file. */
import { UsageError } from './errors.ts';
import { readJson, writeJson } from './json-file.ts';
import { peakMemoryMiB } from './result.ts';

/** As kept in the file. */
interface Costs {
  /** Of the texts, which must still be the same. */
  readonly sha256: string;
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
export async function startClock(file: string, sha256: string): Promise<Clock> {
  const started = performance.now();
  const before = await readJson<Costs>(file);
  if (before !== null && before.sha256 !== sha256) {
    throw new UsageError(
      'the texts are not those that the interrupted run was trained on. Name the same folder, or start without --resume',
    );
  }
  let { tokens, trainingSeconds } = before ?? { tokens: 0, trainingSeconds: 0 };
  const costs = (): Costs => ({
    sha256,
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
