/** What there is to learn: the data, and how a text becomes what a model sees. Knows no cell and no backend. */
import type { Tensor } from '@ostinato/core';
import type { Measure, TrainingData } from '@ostinato/training';
import type { Example, Look, Settings, Token } from '../protocol.ts';

export interface Task {
  readonly vocabulary: readonly string[];
  /** Ids run from 0 to this, without it. */
  readonly ids: number;
  /** Logits of each prediction. */
  readonly outputs: number;
  /** One prediction per text, or one after each token. */
  readonly predicts: 'last' | 'sequence';
  readonly training: TrainingData<Tensor>;
  readonly heldBack: TrainingData<Tensor>;
  readonly loss: Measure;
  readonly accuracy: Measure;
  readonly examples: readonly Example[];
  /** A visitor's text: what of it is known, and the ids of that. */
  read(text: string): { readonly tokens: readonly Token[]; readonly ids: readonly number[] };
  /** What the logits after each token say, [tokens, outputs]. */
  judge(logits: Float32Array, ids: readonly number[]): Judgement;
}

export interface Judgement extends Pick<Look, 'positive' | 'next'> {
  /** After each token, from 0 to 1. */
  readonly verdicts: Float32Array;
  /** What `verdicts` are. */
  readonly name: string;
}

/** A setting that makes no sense, said to the visitor. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

export type MakeTask = (settings: Settings) => Task;
