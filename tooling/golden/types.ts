/** What a golden file holds, by kind. Names are PyTorch's. Knows no file and no tolerance. */

export interface GoldenTensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

type Named<K extends string> = { readonly [key in K]: GoldenTensor };

/** One kind of golden per prefix of the file name. */
export interface Goldens {
  readonly recurrent: RecurrentGolden;
  readonly optimiser: OptimiserGolden;
  readonly function: FunctionGolden;
}
export type GoldenKind = keyof Goldens;
export type GoldenName<K extends GoldenKind = GoldenKind> = `${K}-${string}`;

export type CellConfig =
  | { readonly cell: 'elman'; readonly form: 'tanh' | 'relu' }
  | { readonly cell: 'lstm'; readonly form: 'standard' }
  | { readonly cell: 'gru'; readonly form: 'reset-after' | 'reset-before' };

export type RecurrentConfig = CellConfig & {
  /** With 1 there is no bias_hh: in the reset-after GRU nothing is added inside the reset gate. */
  readonly biases: 1 | 2;
  readonly layers: 1 | 2 | 3;
  readonly bidirectional: boolean;
  readonly T: number;
  readonly B: number;
  readonly I: number;
  readonly H: number;
  /** One per row of the batch, not sorted; x past a length is not zero and must not matter. */
  readonly lengths: readonly number[] | null;
  /** With 'zero' the inputs have no h0 and c0. */
  readonly initial: 'zero' | 'given';
  readonly source: 'torch.nn' | 'hand-written';
};

export type WeightName = `${'weight' | 'bias'}_${'ih' | 'hh'}_l${number}${'' | '_reverse'}`;

/** Loss = sum over outputs of sum(output * cotangent); D is 2 if bidirectional, else 1. */
export interface RecurrentGolden {
  readonly name: GoldenName<'recurrent'>;
  readonly kind: 'recurrent';
  readonly config: RecurrentConfig;
  /** x [T, B, I]; h0 and c0 [layers*D, B, H], the row being layer*D + direction. */
  readonly inputs: Named<'x'> & Partial<Named<'h0' | 'c0'>>;
  /** weight_ih [G*H, I or D*H], weight_hh [G*H, H], bias_ih and bias_hh [G*H]. Gates: LSTM i f g o, GRU r z n. */
  readonly weights: Readonly<Record<WeightName, GoldenTensor>>;
  readonly cotangents: RecurrentOutputs;
  readonly outputs: RecurrentOutputs;
  readonly grads: Named<'x'> &
    Partial<Named<'h0' | 'c0'>> &
    Readonly<Record<WeightName, GoldenTensor>>;
}

/** out [T, B, D*H], zero past a length; h_n and c_n [layers*D, B, H]; c_n for the LSTM only. */
export type RecurrentOutputs = Named<'out' | 'h_n'> & Partial<Named<'c_n'>>;

export type OptimiserConfig =
  | {
      readonly algorithm: 'sgd';
      readonly lr: number;
      readonly momentum: number;
      readonly dampening: number;
      readonly nesterov: boolean;
      readonly weight_decay: number;
    }
  | {
      /** adam adds weight_decay * param to the gradient, adamw shrinks the parameter. */
      readonly algorithm: 'adam' | 'adamw';
      readonly lr: number;
      readonly betas: readonly [number, number];
      readonly eps: number;
      readonly weight_decay: number;
    }
  | {
      readonly algorithm: 'rmsprop';
      readonly lr: number;
      readonly alpha: number;
      readonly eps: number;
      readonly momentum: number;
      readonly centered: boolean;
      readonly weight_decay: number;
    }
  | {
      readonly algorithm: 'adagrad';
      readonly lr: number;
      readonly lr_decay: number;
      readonly eps: number;
      readonly initial_accumulator_value: number;
      readonly weight_decay: number;
    };

/** a [2, 3] and b [4]. */
export type OptimiserTensors = Named<'a' | 'b'>;

export interface OptimiserGolden {
  readonly name: GoldenName<'optimiser'>;
  readonly kind: 'optimiser';
  readonly config: OptimiserConfig;
  readonly initial: OptimiserTensors;
  /** Ten steps: the gradients to feed, and the parameters after the step. */
  readonly steps: readonly {
    readonly grads: OptimiserTensors;
    readonly params: OptimiserTensors;
  }[];
}

interface Signature<Config, In extends string, Out extends string, Grad extends string> {
  readonly config: Config;
  readonly inputs: Named<In>;
  /** Of the loss that `grads` belong to; 1 for a scalar output. Empty where there are no gradients. */
  readonly cotangents: [Grad] extends [never] ? Record<never, never> : Named<Out>;
  readonly outputs: Named<Out>;
  readonly grads: Named<Grad>;
}

interface Mean {
  readonly reduction: 'mean';
}
interface LastAxis {
  readonly dim: -1;
}

interface Signatures {
  binary_cross_entropy_with_logits: Signature<Mean, 'logits' | 'targets', 'loss', 'logits'>;
  cross_entropy: Signature<
    Mean & { readonly targets: readonly number[] },
    'logits',
    'loss',
    'logits'
  >;
  mse_loss: Signature<Mean, 'input' | 'targets', 'loss', 'input'>;
  softmax: Signature<LastAxis, 'x', 'y', 'x'>;
  log_softmax: Signature<LastAxis, 'x', 'y', 'x'>;
  logsumexp: Signature<LastAxis, 'x', 'y', 'x'>;
  layer_norm: Signature<
    { readonly normalized_shape: readonly number[]; readonly eps: number },
    'x' | 'weight' | 'bias',
    'y',
    'x' | 'weight' | 'bias'
  >;
  embedding: Signature<
    { readonly indices: readonly number[]; readonly indices_shape: readonly number[] },
    'weight',
    'y',
    'weight'
  >;
  erf: Signature<Record<never, never>, 'x', 'y', 'x'>;
  /** Inputs are three gradients, outputs the clipped ones and their norm before clipping. */
  clip_grad_norm: Signature<
    { readonly max_norm: number },
    'w' | 'b' | 'u',
    'w' | 'b' | 'u' | 'total_norm',
    never
  >;
}

export type FunctionName = keyof Signatures;
export type FunctionGoldenOf<F extends FunctionName> = {
  [key in F]: {
    readonly name: GoldenName<'function'>;
    readonly kind: 'function';
    readonly fn: key;
  } & Signatures[key];
}[F];
export type FunctionGolden = FunctionGoldenOf<FunctionName>;
