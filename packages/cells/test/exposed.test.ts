import { leavesOf, type Tensor } from '@ostinato/core';
import { reference } from '@ostinato/core/backend';
import { describe, expect, test } from 'vitest';
import { type Cell, elman, exposed, gru, lstm, recurrent } from '../src/index.ts';
import { invented } from './invented.ts';
import { backends, evaluate, numbers, parameters, perStep, programOf } from './support.ts';

const sizes = { inputs: 3, units: 4 };
const x = numbers(1, [2, 5, 3]);

const cells = {
  elman: elman(sizes),
  lstm: lstm(sizes),
  'gru after': gru({ ...sizes, reset: 'after' }),
  'gru before, write': gru({ ...sizes, reset: 'before', update: 'write' }),
  invented: invented({ ...sizes, outputs: 4 }),
} as unknown as Record<string, Cell<never, never>>;

describe.each(backends)('on %s', (_, backend) => {
  test.each(Object.entries(cells))('%s gives the same output and state', async (_, cell) => {
    const params = await parameters(cell);
    const plain = recurrent(cell, { returns: 'both' });
    const shown = recurrent(exposed(cell), { returns: 'both' });
    const f = (p: never, xs: Tensor): unknown => {
      const { sequence, state } = plain.apply(p, xs);
      const all = shown.apply(p, xs);
      return { plain: [sequence, state], shown: [all.sequence.output, all.state] };
    };
    const values = await evaluate(backend, f, params, x);
    const half = values.length / 2;
    expect(values.slice(0, half)).toEqual(values.slice(half));
  });
});

/** By path, as [batch, time, units]. */
async function look(cell: Cell<never, never>): Promise<Record<string, Float32Array>> {
  const layer = recurrent(exposed(cell), { returns: 'sequence' });
  const shown = (p: never, xs: Tensor): Record<string, Tensor> => {
    const { state, gates } = layer.apply(p, xs);
    const [h, c = h] = leavesOf(state).toReversed(); // c before h, in order of their names
    return { ...gates, h: h as Tensor, c: c as Tensor };
  };
  let names: string[] = [];
  const named = (p: never, xs: Tensor): Tensor[] => {
    const all = shown(p, xs);
    names = Object.keys(all);
    return Object.values(all);
  };
  const values = await evaluate(reference() as never, named, await parameters(cell), x);
  return Object.fromEntries(values.map(({ data }, i) => [names[i], data as Float32Array]));
}

const at = (values: Float32Array | undefined, b: number, t: number, u: number): number =>
  t < 0 ? 0 : (values?.[(b * 5 + t) * 4 + u] ?? Number.NaN);

/** Every place of [2, 5, 4]. */
const places = Array.from(
  { length: 40 },
  (_, i) => [i >= 20 ? 1 : 0, (i >> 2) % 5, i % 4] as const,
);

test("an LSTM's gates make its memory and its state", async () => {
  const { i, f, g, o, c, h } = await look(cells.lstm as never);
  for (const [b, t, u] of places) {
    const memory = at(f, b, t, u) * at(c, b, t - 1, u) + at(i, b, t, u) * at(g, b, t, u);
    expect(at(c, b, t, u)).toBeCloseTo(memory, 5);
    expect(at(h, b, t, u)).toBeCloseTo(at(o, b, t, u) * Math.tanh(memory), 5);
  }
});

test.each(['gru after', 'gru before, write'])('the gates of %s make its state', async (name) => {
  const { r, z, n, h } = await look(cells[name] as never);
  for (const [b, t, u] of places) {
    const keep = name.endsWith('write') ? 1 - at(z, b, t, u) : at(z, b, t, u);
    const state = keep * at(h, b, t - 1, u) + (1 - keep) * at(n, b, t, u);
    expect(at(h, b, t, u)).toBeCloseTo(state, 5);
    expect(at(r, b, t, u)).toBeGreaterThan(0);
    expect(at(r, b, t, u)).toBeLessThan(1);
  }
});

test('to look inside takes no product more', async () => {
  const params = await parameters(cells.lstm as Cell<never, never>);
  const program = (cell: Cell<never, never>): ReturnType<typeof programOf> => {
    const layer = recurrent(cell, { returns: 'sequence' });
    return programOf((p: never, xs: Tensor) => layer.apply(p, xs), params, x);
  };
  const plain = await program(cells.lstm as never);
  const shown = await program(exposed(cells.lstm as never) as never);
  expect(perStep(shown)).toEqual(perStep(plain));
  expect(shown.code.filter((i) => i.kind === 'contract')).toHaveLength(1);
});
