import {
  add,
  at,
  type HostArray,
  stack as join,
  mul,
  relu,
  sum,
  type Tensor,
  transpose,
  valueAndGradAux,
} from '@ostinato/core';
import {
  assertClose,
  type GoldenTensor,
  listGoldens,
  loadGolden,
  type RecurrentConfig,
  type RecurrentGolden,
} from '@ostinato/golden';
import { describe, expect, test } from 'vitest';
import {
  bidirectional,
  type Cell,
  type Directions,
  elman,
  gru,
  type LstmState,
  lstm,
  type Recurrent,
  recurrent,
  stack,
} from '../src/index.ts';
import { backends, evaluate, int32 } from './support.ts';

type Tensors = Record<string, Tensor>;
type Params = Record<'kernel' | 'recurrent' | 'bias' | 'recurrentBias', Tensor | null>;
type AnyCell = Cell<Params, Tensor | { h: Tensor; c: Tensor }>;

function cellOf(c: RecurrentConfig, inputs: number): AnyCell {
  const sizes = { inputs, units: c.H, bias: c.biases === 1 ? 'one' : 'two' } as const;
  const cell =
    c.cell === 'elman'
      ? elman({ ...sizes, ...(c.form === 'relu' && { activation: relu }) })
      : c.cell === 'lstm'
        ? lstm(sizes)
        : gru({ ...sizes, reset: c.form === 'reset-after' ? 'after' : 'before' });
  return cell as unknown as AnyCell;
}

function modelOf(c: RecurrentConfig): Recurrent<unknown, unknown> {
  const layers = Array.from({ length: c.layers }, (_, k) => {
    const cell = cellOf(c, k === 0 ? c.I : c.H * (c.bidirectional ? 2 : 1));
    return c.bidirectional
      ? bidirectional(cell, { merge: 'concat', returns: 'sequence' })
      : recurrent(cell, { returns: 'sequence' });
  });
  return stack(layers) as unknown as Recurrent<unknown, unknown>;
}

/** One value per layer, or per layer and direction, in the shape of a stack's parameters and states. */
const perLayer = (c: RecurrentConfig, f: (row: number, suffix: string) => unknown): unknown[] =>
  Array.from({ length: c.layers }, (_, k) => {
    if (!c.bidirectional) return f(k, `l${k}`);
    return { forward: f(2 * k, `l${k}`), backward: f(2 * k + 1, `l${k}_reverse`) };
  });

/** PyTorch keeps matrices [outputs, inputs]. Its gates stand in our order: i, f, g, o and r, z, n. */
const fromTorch = (c: RecurrentConfig, w: Tensors): unknown =>
  perLayer(c, (_, suffix) => ({
    kernel: transpose(w[`weight_ih_${suffix}`] as Tensor),
    recurrent: transpose(w[`weight_hh_${suffix}`] as Tensor),
    bias: w[`bias_ih_${suffix}`] ?? null,
    recurrentBias: w[`bias_hh_${suffix}`] ?? null,
  }));

const statesOf = (c: RecurrentConfig, { h0, c0 }: Tensors): unknown =>
  h0 && perLayer(c, (row) => (c0 ? { h: at(h0, row), c: at(c0, row) } : at(h0, row)));

const batchFirst = (x: Tensor): Tensor => transpose(x, [1, 0, 2]);

/** What PyTorch's module gives, from its weights and inputs. */
function outputsOf(
  c: RecurrentConfig,
  model: Recurrent<unknown, unknown>,
  given: Tensors,
): Tensors {
  const { x, lengths } = given as { x: Tensor; lengths?: Tensor };
  const how = { lengths, initial: statesOf(c, given) };
  const { output, state } = model.unroll(fromTorch(c, given), batchFirst(x), how);
  const rows = (state as unknown[]).flatMap((s) =>
    c.bidirectional
      ? [(s as Directions<unknown>).forward, (s as Directions<unknown>).backward]
      : [s],
  );
  const part = (name: 'h' | 'c'): Tensor =>
    join(rows.map((s) => (c.cell === 'lstm' ? (s as LstmState)[name] : (s as Tensor))));
  return {
    out: batchFirst(output),
    h_n: part('h'),
    ...(c.cell === 'lstm' && { c_n: part('c') }),
  };
}

const host = (
  tensors: Readonly<Record<string, GoldenTensor | undefined>>,
): Record<string, GoldenTensor> =>
  Object.fromEntries(Object.entries(tensors).flatMap(([k, v]) => (v ? [[k, v]] : [])));

const sorted = (tensors: Readonly<Record<string, GoldenTensor | undefined>>) =>
  Object.entries(host(tensors)).sort(([a], [b]) => (a < b ? -1 : 1));

describe.each(backends)('PyTorch on %s', (_, backend) => {
  test.each(listGoldens('recurrent'))('%s', async (name) => {
    const golden: RecurrentGolden = loadGolden(name);
    const { config, inputs, weights, cotangents, outputs, grads } = golden;
    const model = modelOf(config);
    const lossOf = valueAndGradAux((given: Tensors, lengths: Tensor | null, cot: Tensors) => {
      const out = outputsOf(config, model, { ...given, ...(lengths && { lengths }) });
      const parts = Object.keys(cot).map((k) => sum(mul(out[k] as Tensor, cot[k] as Tensor)));
      return [parts.reduce((a, b) => add(a, b)), out];
    });
    const given = { ...host(inputs), ...host(weights) };
    const lengths = config.lengths && int32(config.lengths, [config.B]);
    const run = (g: Tensors, l: Tensor | null, cot: Tensors) => {
      const [[, out], gradient] = lossOf(g, l, cot);
      return [out, gradient];
    };
    const got = await evaluate(backend, run as never, given, lengths, host(cotangents));
    const want = [...sorted(outputs), ...sorted(grads)]; // the order of a tree's leaves
    expect(got.length).toBe(want.length);
    want.forEach(([k, tensor], i) => {
      assertClose(got[i] as HostArray, tensor, `${name} ${k}, number ${i}`);
    });
  });
});
