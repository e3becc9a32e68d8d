import { grad, mul, sum, type Tensor } from '@ostinato/core';
import type { Program } from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import { elman, gru, lstm, type Recurrent, type Returns, recurrent } from '../src/index.ts';
import { invented } from './invented.ts';
import { launches, numbers, parameters, perStep, programOf } from './support.ts';

const sizes = { inputs: 3, units: 4 };
const cells = {
  elman: elman(sizes),
  lstm: lstm(sizes),
  'lstm with two biases': lstm({ ...sizes, bias: 'two' }),
  'gru after': gru({ ...sizes, reset: 'after' }),
  'gru before': gru({ ...sizes, reset: 'before' }),
  invented: invented({ ...sizes, outputs: 4 }),
};
type Name = keyof typeof cells;

/** The program of a layer, and that of its gradients for a given cotangent: no loss stands beside it. */
async function programs(
  name: Name,
  returns: Returns,
): Promise<{ forward: Program; both: Program }> {
  const layer = recurrent(cells[name] as never, { returns }) as Recurrent<never, unknown>;
  const params = await parameters(layer);
  const x = numbers(1, [2, 6, 3]);
  const forward = await programOf((p: never, xs: Tensor) => layer.apply(p, xs), params, x);
  const gradients = (p: never, xs: Tensor, cotangent: Tensor): unknown =>
    grad((q: { p: never; xs: Tensor }) => sum(mul(layer.apply(q.p, q.xs), cotangent)))({
      p,
      xs,
    } as never);
  const cotangent = numbers(2, returns === 'last' ? [2, 4] : [2, 6, 4]);
  return { forward, both: await programOf(gradients, params, x, cotangent) };
}

const recurrences = {
  elman: { forward: '1 contract, 1 loop', backward: '1 contract, 1 loop' },
  lstm: { forward: '1 contract, 1 loop', backward: '1 contract, 1 loop' },
  'lstm with two biases': { forward: '1 contract, 1 loop', backward: '1 contract, 1 loop' },
  // Behind the product, what the update gate kept is added to the state's cotangent: a loop of its own.
  'gru after': { forward: '1 contract, 1 loop', backward: '1 contract, 2 loop' },
  'gru before': { forward: '2 contract, 2 loop', backward: '2 contract, 4 loop' },
} as const;

describe.each(['last', 'sequence'] as const)('launches of %s', (returns) => {
  test.each(Object.keys(recurrences) as (keyof typeof recurrences)[])('%s', async (name) => {
    const { forward, both } = await programs(name, returns);
    const want = recurrences[name];
    // Zeros, one input projection for all steps, and the loop over time.
    expect(launches(forward)).toBe('1 contract, 1 loop, 1 scan');
    expect(perStep(forward)).toEqual([want.forward]);
    // One product for each gradient of a matrix or of x, whatever the number of steps.
    const products = name === 'gru before' ? 5 : 4;
    expect(both.code.filter((i) => i.kind === 'contract').length).toBe(products);
    expect(both.code.length).toBeLessThanOrEqual(10);
    expect(perStep(both)[1]).toBe(want.backward);
  });
});

const count = (program: Program | undefined, kind: string): number =>
  program?.code.filter((i) => i.kind === kind).length ?? 0;
const bodies = (program: Program): Program[] =>
  program.code.flatMap((i) => (i.kind === 'scan' ? [i.body] : []));

test('a cell of one’s own gets the same: projections, readout and weight gradients leave its loop', async () => {
  const { forward, both } = await programs('invented', 'sequence');
  expect(count(forward, 'contract')).toBe(2); // tanh(x) W and h V
  expect(bodies(forward).map((b) => count(b, 'contract'))).toEqual([1]); // h' U
  expect(bodies(both).map((b) => count(b, 'contract'))).toEqual([1, 1]);
  expect(count(both, 'contract')).toBe(6); // those, and the gradients of W, U, V and x, less the readout itself
});

test('the last output of a cell whose state holds it is not stacked over time', async () => {
  const { forward } = await programs('lstm', 'last');
  const [scan] = forward.code.filter((i) => i.kind === 'scan');
  expect(scan?.ys).toEqual([]);
});
