import { key, OstinatoError, ones, type Tensor, tensor, zeros } from '@ostinato/core';
import { expect, test } from 'vitest';
import {
  bidirectional,
  type Cell,
  elman,
  exposed,
  glorotUniform,
  gru,
  type LstmParams,
  lstm,
  orthogonal,
  recurrent,
  sequential,
  stack,
} from '../src/index.ts';

const cell = lstm({ inputs: 3, units: 4 });
const layer = recurrent(cell, { returns: 'last' });
const params = layer.init(key(1));
const x = zeros([2, 5, 3]);

/** `code: message` of the error that `f` throws. */
function errorOf(f: () => unknown): string {
  try {
    f();
  } catch (e) {
    if (e instanceof OstinatoError) return e.message;
    throw e;
  }
  return 'no error';
}

test('options', () => {
  expect(errorOf(() => elman({ inputs: 3, units: 0 }))).toMatchInlineSnapshot(
    `"elman: units is 0. Give a whole number from 1 up. [option-invalid]"`,
  );
  expect(errorOf(() => lstm({ inputs: 2.5, units: 4 }))).toMatchInlineSnapshot(
    `"lstm: inputs is 2.5. Give a whole number from 1 up. [option-invalid]"`,
  );
  expect(
    errorOf(() => lstm({ inputs: 3, units: 4, bias: 'three' as never })),
  ).toMatchInlineSnapshot(
    `"lstm: bias is "three". Give one of 'one', 'two', 'none'. [option-invalid]"`,
  );
  expect(errorOf(() => gru({ inputs: 3, units: 4 } as never))).toMatchInlineSnapshot(
    `"gru: reset is undefined. Give one of 'before', 'after'. [option-invalid]"`,
  );
  expect(errorOf(() => recurrent(cell, { returns: 'all' as never }))).toMatchInlineSnapshot(
    `"recurrent: returns is "all". Give one of 'last', 'sequence', 'both'. [option-invalid]"`,
  );
  expect(
    errorOf(() => bidirectional(cell, { merge: 'max' as never, returns: 'last' })),
  ).toMatchInlineSnapshot(
    `"bidirectional: merge is "max". Give one of 'concat', 'sum', 'mul', 'average', 'none'. [option-invalid]"`,
  );
  expect(errorOf(() => sequential([]))).toMatchInlineSnapshot(
    `"sequential: got no layers. Give at least one. [option-invalid]"`,
  );
  expect(errorOf(() => sequential([cell as never]))).toMatchInlineSnapshot(
    `"sequential: number 0 is no layer, for it lacks init or apply. Wrap a cell: recurrent(cell); call what makes a layer: dense({ inputs, units }). [option-invalid]"`,
  );
  expect(errorOf(() => sequential([lstm as never]))).toMatch('number 0 is no layer');
  expect(errorOf(() => sequential(layer as never))).toMatchInlineSnapshot(
    `"sequential: got no list. Give the layers as one: sequential([layer]). [option-invalid]"`,
  );
  expect(errorOf(() => stack(undefined as never))).toMatch('stack: got no list.');
  expect(
    errorOf(() => bidirectional([cell] as never, { merge: 'sum', returns: 'last' })),
  ).toMatchInlineSnapshot(
    `"bidirectional: got a list of 1 cells. Give one for both directions, or two. [option-invalid]"`,
  );
  expect(errorOf(() => stack([layer as never, layer]))).toMatchInlineSnapshot(
    `"stack: layer 0 (lstm) returns 'last', but another layer runs over its outputs. Make it with returns: 'sequence'; the stack gives the states of all layers. [option-invalid]"`,
  );
  expect(errorOf(() => glorotUniform(key(0), [3, 4, 5] as never))).toMatch('[3,4,5] is no matrix');
  expect(errorOf(() => orthogonal(key(0), [3] as never))).toMatchInlineSnapshot(
    `"orthogonal: shape [3] is no matrix. Give two sizes. [option-invalid]"`,
  );
});

test('numbers in quotes are said to be text, and a number is one', () => {
  expect(errorOf(() => lstm({ inputs: '3' as never, units: 4 }))).toMatch('inputs is "3". Give');
  expect(errorOf(() => lstm({ inputs: 3, units: 4, forgetBias: NaN }))).toMatchInlineSnapshot(
    `"lstm: forgetBias is NaN. Give a number, such as 1. [option-invalid]"`,
  );
  expect(errorOf(() => lstm({ inputs: 3, units: 4, forgetBias: '1' as never }))).toMatch(
    'forgetBias is "1". Give a number',
  );
});

const sizes = { inputs: 3, units: 4 };
const none = undefined as never;
const sequence = recurrent(cell, { returns: 'sequence' });
const applied = (of: typeof sequence, how: object): unknown => of.apply(of.init(key(1)), x, how);
const both = bidirectional(cell, { merge: 'sum', returns: 'last' });
const rows = { stack: stack([sequence]), sequential: sequential([sequence]) };

test.each<[string, () => unknown, string]>([
  ['lstm', () => lstm({ ...sizes, dropout: 0.1 } as never), 'inputs, units, bias, forgetBias'],
  ['gru', () => gru({ ...sizes, reset: 'after', activation: 0 } as never), 'inputs, units, reset,'],
  ['elman', () => elman({ ...sizes, useBias: false } as never), 'inputs, units, activation, bias'],
  ['recurrent', () => recurrent(cell, { returns: 'last', reversed: true } as never), 'returns, re'],
  ['bidirectional', () => bidirectional(cell, { mode: 'sum' } as never), 'merge, returns, padded'],
  ['recurrent', () => applied(sequence, { length: ones([2]) }), 'key, training, lengths, mask,'],
  ['bidirectional', () => both.apply(both.init(key(1)), x, { length: 1 } as never), 'key, train'],
  ['stack', () => rows.stack.apply([params], x, { masks: 1 } as never), 'key, training, lengths'],
  ['sequential', () => rows.sequential.apply([params], x, { masks: 1 } as never), 'key, training'],
])('%s refuses an option that it does not have', (name, misspelt, options) => {
  const text = errorOf(misspelt);
  expect(text).toMatch(new RegExp(`^${name}: there is no option "\\w+"\\. Options are ${options}`));
  expect(text).toMatch('[option-invalid]');
});

test('no options at all are no raw error', () => {
  expect(errorOf(() => lstm(none))).toMatchInlineSnapshot(
    `"lstm: options are undefined. Give a record of inputs, units, bias, forgetBias. [option-invalid]"`,
  );
  expect(errorOf(() => gru(none))).toMatch('gru: options are undefined. Give a record');
  expect(errorOf(() => elman(4 as never))).toMatch('elman: options are 4. Give a record');
  expect(errorOf(() => recurrent(cell, none))).toMatch('recurrent: options are undefined.');
  expect(errorOf(() => bidirectional(cell, none))).toMatch('bidirectional: options are undefined.');
  expect(errorOf(() => layer.apply(params, x, null as never))).toMatch(
    'recurrent: options are null',
  );
});

test('what is undefined is as if it were left out', () => {
  const unset = { bias: undefined, forgetBias: undefined };
  const made = recurrent(lstm({ ...sizes, ...unset }), {
    returns: 'last',
    reverse: undefined,
    paddedOutput: undefined,
    label: undefined,
  });
  expect(made.label).toBe('lstm');
  expect(made.apply(made.init(key(1)), x, { lengths: undefined, key: undefined }).shape).toEqual([
    2, 4,
  ]);
  const update = { bias: undefined, update: undefined };
  expect(gru({ ...sizes, reset: 'after', ...update }).init(key(0)).recurrentBias?.shape).toEqual([
    12,
  ]);
  expect(elman({ ...sizes, activation: undefined, bias: undefined }).label).toBe('elman');
});

test('what is no cell is refused by the method that it lacks', () => {
  const last = { returns: 'last' } as const;
  const lifted = recurrent(cell, last) as never;
  expect(errorOf(() => recurrent(lifted, last))).toMatchInlineSnapshot(
    `"recurrent: the cell has no start. Give one such as lstm(sizes). [option-invalid]"`,
  );
  expect(errorOf(() => bidirectional(lifted, { merge: 'sum', ...last }))).toMatch(
    'bidirectional: the cell has no start.',
  );
  expect(errorOf(() => recurrent({ ...cell, step: undefined } as never, last))).toMatch('no step.');
  expect(errorOf(() => recurrent(none, last))).toMatch('the cell has no init.');
  expect(errorOf(() => exposed(lifted))).toMatch('exposed: the cell has no start.');
});

test('a step that returns its state alone is told so', () => {
  const own = { ...cell, step: (_: unknown, { h }: { h: Tensor }) => h } as never;
  const alone = recurrent(own, { returns: 'last' });
  expect(errorOf(() => alone.apply(params as never, x as never))).toMatchInlineSnapshot(
    `"recurrent: the step returns a Tensor. Return a pair, [state, output]. (in lstm) [scan-carry-changed]"`,
  );
  const shown = recurrent(exposed(own), { returns: 'last' });
  expect(errorOf(() => shown.apply(params as never, x as never))).toMatch(
    'exposed: the step returns',
  );
});

test('shapes', () => {
  expect(errorOf(() => layer.apply(params, zeros([2, 5, 4])))).toMatchInlineSnapshot(
    `"lstm: one step of [batch, time, 3] is float32[2,4]. Give float32[2,3]. (in lstm) [shape-mismatch]"`,
  );
  expect(errorOf(() => layer.apply(params, zeros([5])))).toMatchInlineSnapshot(
    `"recurrent: the input is float32[5]. Give [batch, time, features]; a single sequence is a batch of 1. (in lstm) [shape-mismatch]"`,
  );
  expect(
    errorOf(() => layer.apply(params, x, { lengths: tensor([1, 2, 3], { dtype: 'int32' }) })),
  ).toMatchInlineSnapshot(
    `"recurrent: lengths for 2 rows is int32[3]. Give int32[2]. (in lstm) [scan-lengths]"`,
  );
  expect(
    errorOf(() => layer.apply(params, x, { mask: ones([5, 2], 'bool') })),
  ).toMatchInlineSnapshot(
    `"recurrent: mask for 2 rows is bool[5,2]. Give bool[2,5]. (in lstm) [scan-lengths]"`,
  );
  expect(errorOf(() => layer.apply(params, x, { mask: ones([2, 5]) }))).toMatch(
    'mask for 2 rows is float32[2,5]. Give bool[2,5].',
  );
  expect(
    errorOf(() =>
      layer.apply(params, x, { mask: ones([2, 5], 'bool'), lengths: ones([2], 'int32') }),
    ),
  ).toMatchInlineSnapshot(
    `"scan: got lengths and a mask. Give one of them. (in lstm) [scan-lengths]"`,
  );
  expect(
    errorOf(() => layer.apply(params, x, { initial: { h: zeros([1, 4]), c: zeros([1, 4]) } })),
  ).toMatchInlineSnapshot(
    `"recurrent: initial state for 2 rows is float32[1,4]. Give float32[2,4]. (in lstm) [shape-mismatch]"`,
  );
  const two = stack([
    recurrent(cell, { returns: 'sequence' }),
    recurrent(elman({ inputs: 4, units: 2 }), { returns: 'last' }),
  ]);
  expect(
    errorOf(() => two.apply(two.init(key(1)), x, { initial: [] as never })),
  ).toMatchInlineSnapshot(
    `"stack: got states for 0 layers, but there are 2. Give one per layer, null where there is none. (in stack) [tree-mismatch]"`,
  );
  const own = two.init(key(1));
  expect(
    errorOf(() => two.apply(own, x, { initial: { h: zeros([2, 4]), c: zeros([2, 4]) } as never })),
  ).toMatchInlineSnapshot(
    `"stack: got states that are no list, but there are 2. Give one per layer, null where there is none. (in stack) [tree-mismatch]"`,
  );
  expect(errorOf(() => two.apply({ ...own } as never, x))).toMatch('parameters that are no list');
  expect(errorOf(() => two.apply(undefined as never, x))).toMatch('parameters that are no list');
  const row = sequential([two]);
  expect(errorOf(() => row.apply([own, own] as never, x))).toMatchInlineSnapshot(
    `"sequential: got parameters for 2 layers, but there are 1. Give one per layer, null where there is none. [tree-mismatch]"`,
  );
});

test('parameters of another shape are refused, also those that would broadcast', () => {
  const sizes = { inputs: 3, units: 2 };
  const cells = [
    elman(sizes),
    lstm(sizes),
    gru({ ...sizes, reset: 'before' }),
    gru({ ...sizes, reset: 'after' }),
  ] as const;
  for (const made of cells) {
    const layer = recurrent(made as unknown as Cell<LstmParams, Tensor>, { returns: 'last' });
    const own = layer.init(key(1));
    const columns = own.kernel.shape[1] as number;
    const given = (changes: Partial<LstmParams>) => () =>
      layer.apply({ ...own, ...changes }, ones([4, 5, 3]));
    expect(errorOf(given({}))).toBe('no error');
    for (const shape of [[1], [], [4, columns]])
      expect(errorOf(given({ bias: ones(shape) }))).toMatch(`bias is float32[${shape}]`);
    for (const shape of [[3, 1], [3], [3, columns + 2]])
      expect(errorOf(given({ kernel: ones(shape) }))).toMatch(`kernel is float32[${shape}]`);
    expect(errorOf(given({ recurrent: ones([2, 1]) }))).toMatch('recurrent is float32[2,1]');
    expect(errorOf(given({ bias: null }))).toMatch(`bias is none. Give float32[${columns}].`);
    expect(errorOf(given({ bias: undefined as never }))).toMatch('bias is none.');
    const other = own.recurrentBias ? null : ones([columns]);
    expect(errorOf(given({ recurrentBias: other }))).toMatch('recurrentBias is');
  }
  const bare = recurrent(lstm({ ...sizes, bias: 'none' }), { returns: 'last' });
  const { bias, recurrentBias } = lstm(sizes).init(key(1));
  expect(
    errorOf(() => bare.apply({ ...bare.init(key(1)), bias, recurrentBias }, ones([4, 5, 3]))),
  ).toMatchInlineSnapshot(`"lstm: bias is float32[8]. Give none. (in lstm) [shape-mismatch]"`);
});

test('directions of two sizes are not merged element by element, also where one is 1', () => {
  const pair = [elman({ inputs: 3, units: 2 }), elman({ inputs: 3, units: 1 })] as const;
  for (const merge of ['sum', 'mul', 'average'] as const) {
    const both = bidirectional(pair, { merge, returns: 'last' });
    expect(errorOf(() => both.apply(both.init(key(1)), x))).toMatch(
      'the outputs are float32[2,2] forward and float32[2,1] backward',
    );
  }
  const both = bidirectional(pair, { merge: 'concat', returns: 'last' });
  expect(both.apply(both.init(key(1)), x).shape).toEqual([2, 3]);
});

test('activations must be functions', () => {
  expect(
    errorOf(() => elman({ inputs: 1, units: 1, activation: 'relu' as never })),
  ).toMatchInlineSnapshot(
    `"elman: activation is "relu". Give a function, such as tanh. [option-invalid]"`,
  );
});
