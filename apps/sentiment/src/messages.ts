/** What the command and the process that trains one model say to each other. Plain data. */
import type { CellName, RunSettings } from './options.ts';
import type { BaselineResult, DataSummary, ModelResult } from './result.ts';

/** One row of the table: a model, or the baseline. */
export type RowName = CellName | 'baseline';

/** What a process is started for. */
export interface Job {
  readonly row: RowName;
  readonly settings: RunSettings;
  readonly dataDir: string | null;
  /** Where the run is kept; a checkpoint that lies there is gone on with. */
  readonly folder: string;
}

export type ToCommand =
  | { readonly kind: 'loaded'; readonly data: DataSummary }
  | { readonly kind: 'trained'; readonly result: ModelResult }
  | { readonly kind: 'baseline'; readonly result: BaselineResult }
  /** It was asked to stop and did; what was done is saved. */
  | { readonly kind: 'stopped' }
  /** It was asked to stop and could not save, for the reason in the line. */
  | { readonly kind: 'unsaved'; readonly line: string }
  /** One line for the user: an option, a folder or a file is not as it must be. */
  | { readonly kind: 'refused'; readonly line: string };

export type ToWorker = { readonly kind: 'stop' };
