/**
 * Optimisers as records of two pure functions, with PyTorch's formulas (torch.optim). Knows trees of parameters and
 * their gradients; knows no model, no batch and no backend.
 */
import {
  add,
  cast,
  checkOptions,
  div,
  fail,
  flatten,
  mapTree,
  maximum,
  mul,
  neg,
  scalar,
  shown,
  sqrt,
  sub,
  Tensor,
  tanh,
  zerosLike,
} from '@ostinato/core';

/**
 * `init` makes the state for parameters; `update` gives the next parameters and state. Both run inside a compiled
 * function, the state is a tree of tensors like any other.
 */
export interface Optimizer<S = unknown> {
  /** Kept in checkpoints, so that no run goes on with another one's state; unless it has none. */
  readonly name?: string;
  init<P>(params: P): S;
  update<P>(gradients: P, state: S, params: P): readonly [params: P, state: S];
}

/** A number, or a function of the number of the step (a float32 scalar, from 1): a schedule. */
export type LearningRate = number | ((step: Tensor) => Tensor);

/** State of all optimisers here: the number of steps so far (int32, []) and trees like the parameters. */
export interface OptimizerState<Slot extends string> {
  readonly step: Tensor;
  readonly slots: { readonly [name in Slot]: unknown };
}

/** One parameter's rule: the new parameter and its new slots. All tensors have the parameter's shape or are scalars. */
type Rule<Slot extends string> = (now: {
  readonly gradient: Tensor;
  readonly param: Tensor;
  readonly slots: { readonly [name in Slot]: Tensor };
  /** float32 [], from 1. */
  readonly step: Tensor;
  readonly rate: Tensor;
}) => readonly [param: Tensor, slots: { readonly [name in Slot]: Tensor }];

function byRule<Slot extends string>(
  name: string,
  names: readonly Slot[],
  learningRate: LearningRate,
  rule: Rule<Slot>,
): Optimizer<OptimizerState<Slot>> {
  const named = <V>(f: (name: Slot) => V): { [name in Slot]: V } =>
    Object.fromEntries(names.map((name) => [name, f(name)])) as { [name in Slot]: V };
  return {
    name,
    init: (params) => ({
      step: scalar(0, 'int32'),
      slots: named(() => mapTree(zerosLike, params)),
    }),
    update(gradients, state, params) {
      const step = add(state.step, 1); // int32 []
      const count = cast(step, 'float32');
      const scheduled = rateAt(learningRate, count); // []
      // A number has each parameter's own precision: float32's tenth would be off by 1.5e-8 for one of float64.
      const rateOf = ({ dtype }: Tensor): Tensor =>
        typeof learningRate === 'number' ? scalar(learningRate, dtype) : cast(scheduled, dtype);
      const { leaves, shape } = flatten(params);
      const given = sameTree('gradients', gradients, shape.text);
      const slots = named((name) => sameTree(`slot "${name}"`, state.slots[name], shape.text));
      const next = leaves.map((param, i) =>
        rule({
          param,
          gradient: given[i] as Tensor,
          slots: named((name) => slots[name][i] as Tensor),
          step: cast(count, param.dtype),
          rate: rateOf(param),
        }),
      );
      return [
        shape.build(next.map(([param]) => param)) as typeof params,
        { step, slots: named((name) => shape.build(next.map(([, own]) => own[name]))) },
      ];
    },
  };
}

/** What a learning rate is at a step (float32 [], from 1). */
export function rateAt(rate: LearningRate, step: Tensor): Tensor {
  if (typeof rate === 'number') return scalar(rate);
  const now: unknown = rate(step);
  if (now instanceof Tensor && now.rank === 0) return now;
  return fail(
    'option-invalid',
    `optimizer: learningRate returned ${now instanceof Tensor ? `${now.dtype}[${now.shape}]` : shown(now)}. It gets the step as a scalar tensor and returns one: use mul, div and the like.`,
  );
}

function sameTree(what: string, tree: unknown, wanted: string): Tensor[] {
  const { leaves, shape } = flatten(tree);
  if (shape.text !== wanted)
    fail(
      'tree-mismatch',
      `optimizer: ${what} ${shape.text} and the parameters ${wanted} differ. Give gradients of these parameters, and the state that init made for them.`,
    );
  return leaves;
}

/** The part of an option list that says what is wrong with a number. */
function requireNumber(name: string, value: number, fits: (x: number) => boolean): void {
  if (fits(value)) return;
  fail(
    'option-invalid',
    `optimizer: ${name} is ${shown(value)}. Rates, decays and epsilon are finite and not negative; momentum, betas and alpha are below 1.`,
  );
}
const notNegative = (x: number): boolean => Number.isFinite(x) && x >= 0;
const belowOne = (x: number): boolean => notNegative(x) && x < 1;

export interface SgdOptions {
  readonly learningRate: LearningRate;
  /** Default 0. */
  readonly momentum?: number | undefined;
  /** Looks ahead along the velocity. Needs momentum. */
  readonly nesterov?: boolean | undefined;
  /** Adds weightDecay * parameter to the gradient. Default 0. */
  readonly weightDecay?: number | undefined;
}

/**
 * Gradient descent: `v = momentum v + g`, `p = p - rate v`; with nesterov `p = p - rate (g + momentum v)`.
 * PyTorch's SGD with dampening 0 (Sutskever et al., ICML 2013, in the form without the rate in v).
 */
export function sgd(options: SgdOptions): Optimizer<OptimizerState<'velocity'>> {
  checkOptions('sgd', options, 'learningRate, momentum, nesterov, weightDecay');
  const { learningRate, momentum = 0, nesterov = false, weightDecay = 0 } = options;
  checkRate(learningRate);
  requireNumber('momentum', momentum, belowOne);
  requireNumber('weightDecay', weightDecay, notNegative);
  if (nesterov && momentum === 0) requireNumber('momentum (nesterov needs one)', momentum, Boolean);
  // Without momentum there is no velocity to keep.
  const slots: readonly 'velocity'[] = momentum === 0 ? [] : ['velocity'];
  return byRule('sgd', slots, learningRate, ({ gradient, param, slots, rate }) => {
    const g = decayed(gradient, param, weightDecay);
    if (momentum === 0) return [sub(param, mul(rate, g)), slots];
    const velocity = add(mul(slots.velocity, momentum), g);
    const direction = nesterov ? add(g, mul(velocity, momentum)) : velocity;
    return [sub(param, mul(rate, direction)), { velocity }];
  });
}

export interface AdamOptions {
  /** Default 0.001. */
  readonly learningRate?: LearningRate | undefined;
  /** Default 0.9. */
  readonly beta1?: number | undefined;
  /** Default 0.999. */
  readonly beta2?: number | undefined;
  /** Added outside of the square root. Default 1e-8. */
  readonly epsilon?: number | undefined;
  /** `adam` adds weightDecay * parameter to the gradient, `adamW` shrinks the parameter. Default 0 and 0.01. */
  readonly weightDecay?: number | undefined;
}

/**
 * Kingma and Ba, ICLR 2015: `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`, and with both corrected for their start
 * at zero `p = p - rate m / (sqrt(v) + epsilon)`. PyTorch's Adam.
 */
export function adam(options: AdamOptions = {}): Optimizer<OptimizerState<'mean' | 'square'>> {
  return adamRule('adam', options, 0);
}

/** Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019): `p = p (1 - rate weightDecay)` first. PyTorch's AdamW. */
export function adamW(options: AdamOptions = {}): Optimizer<OptimizerState<'mean' | 'square'>> {
  return adamRule('adamW', options, 0.01);
}

function adamRule(
  name: 'adam' | 'adamW',
  options: AdamOptions,
  decay: number,
): Optimizer<OptimizerState<'mean' | 'square'>> {
  checkOptions(name, options, 'learningRate, beta1, beta2, epsilon, weightDecay');
  const { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const { weightDecay = decay } = options;
  checkRate(learningRate);
  requireNumber('beta1', beta1, belowOne);
  requireNumber('beta2', beta2, belowOne);
  requireNumber('epsilon', epsilon, notNegative);
  requireNumber('weightDecay', weightDecay, notNegative);
  const decoupled = name === 'adamW';
  return byRule(
    name,
    ['mean', 'square'],
    learningRate,
    ({ gradient, param, slots, step, rate }) => {
      const g = decoupled ? gradient : decayed(gradient, param, weightDecay);
      const mean = add(mul(slots.mean, beta1), mul(g, 1 - beta1));
      const square = add(mul(slots.square, beta2), mul(mul(g, g), 1 - beta2));
      const size = div(rate, oneMinusPower(beta1, step)); // []
      const root = sqrt(oneMinusPower(beta2, step)); // []
      const from =
        decoupled && weightDecay !== 0 ? mul(param, sub(1, mul(rate, weightDecay))) : param;
      const change = mul(size, div(mean, add(div(sqrt(square), root), epsilon)));
      return [sub(from, change), { mean, square }];
    },
  );
}

/**
 * 1 - beta^step without cancellation: with x = step log(beta), 1 - e^x = -2 tanh(x/2) / (1 - tanh(x/2)). In float32,
 * 1 - 0.999 itself is off by 5e-5, which would be in the first steps' size.
 */
function oneMinusPower(beta: number, step: Tensor): Tensor {
  if (beta === 0) return add(mul(step, 0), 1);
  const half = tanh(mul(step, Math.log(beta) / 2));
  return neg(div(mul(half, 2), sub(1, half)));
}

export interface RmspropOptions {
  /** Default 0.01. */
  readonly learningRate?: LearningRate | undefined;
  /** How much of the mean square stays at each step. Default 0.99. */
  readonly alpha?: number | undefined;
  /** Added outside of the square root. Default 1e-8. */
  readonly epsilon?: number | undefined;
  readonly momentum?: number | undefined;
  /**
   * Divides by the deviation from the mean gradient instead of by its root mean square. Where gradients hardly change,
   * that is next to nothing, and steps are as long as epsilon lets them be (PyTorch's too).
   */
  readonly centered?: boolean | undefined;
  readonly weightDecay?: number | undefined;
}

/**
 * Tieleman and Hinton, lecture 6.5, 2012: `s = a s + (1 - a) g^2`, `p = p - rate g / (sqrt(s) + epsilon)`; centred as in
 * Graves, arXiv 1308.0850. PyTorch's RMSprop.
 */
export function rmsprop(
  options: RmspropOptions = {},
): Optimizer<OptimizerState<'square' | 'mean' | 'velocity'>> {
  checkOptions('rmsprop', options, 'learningRate, alpha, epsilon, momentum, centered, weightDecay');
  const { learningRate = 0.01, alpha = 0.99, epsilon = 1e-8 } = options;
  const { momentum = 0, centered = false, weightDecay = 0 } = options;
  checkRate(learningRate);
  requireNumber('alpha', alpha, belowOne);
  requireNumber('epsilon', epsilon, notNegative);
  requireNumber('momentum', momentum, belowOne);
  requireNumber('weightDecay', weightDecay, notNegative);
  type Slot = 'square' | 'mean' | 'velocity';
  const names: readonly Slot[] = [
    'square',
    ...(centered ? (['mean'] as const) : []),
    ...(momentum > 0 ? (['velocity'] as const) : []),
  ];
  return byRule('rmsprop', names, learningRate, ({ gradient, param, slots, rate }) => {
    const g = decayed(gradient, param, weightDecay);
    const square = add(mul(slots.square, alpha), mul(mul(g, g), 1 - alpha));
    const mean = centered ? add(mul(slots.mean, alpha), mul(g, 1 - alpha)) : slots.mean;
    // Rounding may leave less than nothing of a spread that is none.
    const spread = centered ? maximum(sub(square, mul(mean, mean)), 0) : square;
    const scaled = div(g, add(sqrt(spread), epsilon));
    const velocity = momentum > 0 ? add(mul(slots.velocity, momentum), scaled) : slots.velocity;
    const change = mul(rate, momentum > 0 ? velocity : scaled);
    return [sub(param, change), { square, mean, velocity }];
  });
}

export interface AdagradOptions {
  /** Default 0.01. */
  readonly learningRate?: LearningRate | undefined;
  /** The rate at step n is learningRate / (1 + (n - 1) rateDecay). Default 0. */
  readonly rateDecay?: number | undefined;
  /** Default 1e-10. */
  readonly epsilon?: number | undefined;
  readonly weightDecay?: number | undefined;
}

/** Duchi, Hazan and Singer, JMLR 2011: `s = s + g^2`, `p = p - rate g / (sqrt(s) + epsilon)`. PyTorch's Adagrad. */
export function adagrad(options: AdagradOptions = {}): Optimizer<OptimizerState<'square'>> {
  checkOptions('adagrad', options, 'learningRate, rateDecay, epsilon, weightDecay');
  const { learningRate = 0.01, rateDecay = 0, epsilon = 1e-10, weightDecay = 0 } = options;
  checkRate(learningRate);
  requireNumber('rateDecay', rateDecay, notNegative);
  requireNumber('epsilon', epsilon, notNegative);
  requireNumber('weightDecay', weightDecay, notNegative);
  return byRule('adagrad', ['square'], learningRate, ({ gradient, param, slots, step, rate }) => {
    const g = decayed(gradient, param, weightDecay);
    const square = add(slots.square, mul(g, g));
    const now = rateDecay === 0 ? rate : div(rate, add(mul(sub(step, 1), rateDecay), 1));
    return [sub(param, mul(now, div(g, add(sqrt(square), epsilon)))), { square }];
  });
}

const decayed = (gradient: Tensor, param: Tensor, weightDecay: number): Tensor =>
  weightDecay === 0 ? gradient : add(gradient, mul(param, weightDecay));

export function checkRate(rate: LearningRate): void {
  if (typeof rate !== 'function') requireNumber('learningRate', rate, notNegative);
}
