/** What one model's training came to: a row of the table and an object of the JSON. Plain data. */
import type { CellName } from './options.ts';

/** Accuracies are shares, 0 to 1. */
export interface ModelResult {
  readonly cell: CellName;
  readonly backend: string;
  readonly parameters: number;
  readonly epochs: number;
  /** One per epoch. */
  readonly trainLoss: readonly number[];
  /** Of the epoch with the lowest validation loss, as are all below it that depend on the epoch. */
  readonly validationAccuracy: number;
  /** From 1. */
  readonly bestEpoch: number;
  readonly testAccuracy: number;
  readonly testLoss: number;
  /** Steps of training texts, padding included, per second spent training. */
  readonly tokensPerSecond: number;
  /** Largest resident set of the process that trained this model and nothing else. */
  readonly peakMemoryMiB: number;
  /** From the start of training to the tested model; a resumed run counts all its parts. */
  readonly seconds: number;
}

/** The logistic regression that knows which words a text has and not their order. */
export interface BaselineResult {
  readonly parameters: number;
  readonly testAccuracy: number;
  readonly testLoss: number;
  readonly peakMemoryMiB: number;
  readonly seconds: number;
}

/** What the texts came to. */
export interface DataSummary {
  /** Of all ids and labels. */
  readonly sha256: string;
  readonly training: number;
  readonly validation: number;
  readonly test: number;
}

export const peakMemoryMiB = (): number => Math.round(process.resourceUsage().maxRSS / 1024);
