/** What the page and the worker say to each other: plain data. Knows neither of them. */

export type BackendName = 'webgpu' | 'wasm' | 'cpu';

export interface BackendChoice {
  /** `auto`: the first that opens, in the order of the names. */
  readonly name: BackendName | 'auto';
  /** Whether a WebGPU adapter in software will do. */
  readonly software: boolean;
}

export type CellChoice =
  | { readonly kind: 'elman' | 'gru' | 'lstm' }
  | { readonly kind: 'own'; readonly equations: string };

export type TaskName = 'sentiment' | 'characters';

/** All that a run depends on. The same settings on the same backend give the same numbers. */
export interface Settings {
  readonly task: TaskName;
  readonly cell: CellChoice;
  /** Size of the cell's state. */
  readonly units: number;
  /** Numbers for each word or character. */
  readonly embedding: number;
  readonly learningRate: number;
  readonly batch: number;
  readonly epochs: number;
  readonly seed: number;
  /** Sentences to train on. */
  readonly sentences: number;
  /** What a character model reads; null for the text that comes with the studio. */
  readonly text: string | null;
}

export type ToWorker =
  | { readonly kind: 'open'; readonly choice: BackendChoice }
  /** A new run, in the place of the one before: all of it, or its first step. */
  | {
      readonly kind: 'start';
      readonly run: number;
      readonly settings: Settings;
      readonly begin: 'resume' | 'step';
      readonly order: number;
    }
  /** Each with a number of its own, so that the page can tell which of them a rest follows. */
  | { readonly kind: 'pause' | 'resume' | 'step'; readonly order: number }
  /** What to look at and what to write on from now on, whenever the parameters have changed; null: nothing is written. */
  | { readonly kind: 'watch'; readonly text: string; readonly sample: SampleRequest | null };

export interface SampleRequest {
  readonly prompt: string;
  /** 0 takes the likeliest character each time, 1 draws as the model says. */
  readonly temperature: number;
  readonly seed: number;
}

export interface OpenBackend {
  readonly name: string;
  readonly variant: string;
  /** One line for each backend that was tried. */
  readonly tried: readonly string[];
  readonly notes: readonly string[];
}

export interface RunFacts {
  readonly parameters: number;
  readonly stepsPerEpoch: number;
  readonly trainingRows: number;
  readonly heldBackRows: number;
  /** Words or characters that the model knows, the most frequent first. */
  readonly vocabulary: readonly string[];
  /** Held-back texts to try, with what they say where it is known. */
  readonly examples: readonly Example[];
}

export interface Example {
  readonly text: string;
  readonly label: 0 | 1 | null;
}

/** One step of training, before its update. */
export interface StepPoint {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}

/** Means over the texts that no step has seen. */
export interface EpochPoint {
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}

/** One quantity of the cell over time: a row for each unit, a column for each token. */
export interface CellMap {
  readonly name: string;
  /** `verdict`: what the readout says after each token, from 0 to 1. */
  readonly kind: 'verdict' | 'gate' | 'state' | 'output';
  readonly units: number;
  /** [tokens, units] */
  readonly values: Float32Array;
}

export interface Token {
  readonly text: string;
  /** Otherwise the model does not see it. */
  readonly known: boolean;
}

export interface Look {
  readonly text: string;
  readonly step: number;
  readonly tokens: readonly Token[];
  /** Of the tokens that are known. Empty where there are none. */
  readonly maps: readonly CellMap[];
  /** Sentiment: the chance that the text is positive. */
  readonly positive: number | null;
  /** Characters: the likeliest to come next. */
  readonly next: readonly { readonly character: string; readonly chance: number }[];
}

export interface Sample extends SampleRequest {
  readonly step: number;
  readonly text: string;
}

export type FromWorker =
  | { readonly kind: 'opened'; readonly backend: OpenBackend }
  | { readonly kind: 'started'; readonly run: number; readonly facts: RunFacts }
  | {
      readonly kind: 'progress';
      readonly run: number;
      readonly points: readonly StepPoint[];
      readonly stepsPerSecond: number;
    }
  | { readonly kind: 'epoch'; readonly run: number; readonly point: EpochPoint }
  /** No step is taken until somebody says so, or ever again. `order`: the last that was heard. */
  | {
      readonly kind: 'rests';
      readonly run: number;
      readonly why: 'paused' | 'done';
      readonly order: number;
    }
  | { readonly kind: 'looked'; readonly run: number; readonly look: Look }
  | { readonly kind: 'sampled'; readonly run: number; readonly sample: Sample }
  /** `run` is over where it is the run's; null: no backend opens. */
  | { readonly kind: 'failed'; readonly run: number | null; readonly message: string };
