/** Every code: thrown somewhere, described on a page, and by a message that says what, got and do. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { reference } from '../src/backend/index.ts';
import { type ErrorCode, errorCodes } from '../src/errors.ts';
import * as o from '../src/index.ts';
import { counted, spying } from './spy.ts';
import { backend, expectError, f64, i32 } from './support.ts';

type T = o.Tensor;

interface Cause {
  readonly run: () => unknown;
  /** What was asked, what came, and what to do, as parts of the text. */
  readonly says: readonly [what: string | RegExp, got: string | RegExp, do_: string | RegExp];
}

const disposed = async (): Promise<T> => {
  const t = await o.run(backend, f64([1]));
  t.dispose();
  return t;
};

/** A string instead of a cause: which package throws it. */
const causes: { readonly [C in ErrorCode]: Cause | readonly Cause[] | string } = {
  'shape-mismatch': [
    {
      run: () => o.matmul(o.zeros([2, 3]), o.zeros([4, 5])),
      says: ['matmul', 'float32[2,3]', 'must equal'],
    },
    { run: () => o.matmul(o.zeros([]), o.zeros([4])), says: ['matmul', 'float32[]', 'use mul'] },
    {
      run: () => o.reshape(f64([1, 2]), [3]),
      says: ['reshape', 'float64[2]', 'multiply to 2'],
    },
    { run: () => o.squeeze(o.zeros([2, 1]), 0), says: ['squeeze', 'float32[2,1]', 'reshape'] },
    { run: () => o.split(o.zeros([5]), 2), says: ['split', 'float32[5]', '2 equal parts'] },
    { run: () => o.split(o.zeros([3]), 1.5), says: ['split', 'float32[3]', '1.5 equal parts'] },
    { run: () => o.concat([]), says: ['concat', 'no tensors', 'at least one'] },
    {
      run: () => o.concat([o.zeros([2, 2]), o.zeros([2, 3])]),
      says: ['concat', 'float32[2,3]', 'equal'],
    },
    { run: () => o.pad(o.zeros([2]), []), says: ['pad', '[]', 'one [before, after]'] },
    { run: () => o.pad(o.zeros([2]), [[-1, 0]]), says: ['pad', '[[-1,0]]', 'whole numbers'] },
    { run: () => o.gather(o.zeros([]), i32([0])), says: ['gather', 'float32[]', 'rows'] },
    {
      run: () => o.scatterAdd(o.zeros([3]), i32([0, 1]), 2),
      says: ['scatterAdd', 'float32[3]', 'begin with'],
    },
    {
      run: () => o.takeLast(o.zeros([2, 3]), i32([0])),
      says: ['takeLast', 'int32[1]', 'must have the shape'],
    },
    {
      run: () => o.einsum('ij,jk->ik', o.zeros([2, 3]), o.zeros([4, 5])),
      says: ['einsum: "j"', '3 and 4', 'float32[4,5]'],
    },
    {
      run: () => o.vjp((x: T) => o.mul(x, 2), f64([1]))[1](f64([1, 2])),
      says: ['vjp', 'float64[2]', "value's shape"],
    },
    {
      run: () => o.vjp((x: T) => o.mul(x, 2), f64([1]))[1](i32([1])),
      says: ['vjp', 'int32[1]', "value's shape and type"],
    },
  ],
  'shape-invalid': [
    { run: () => o.zeros([2, 0]), says: ['full', '[2,0]', 'leave them out'] },
    { run: () => o.zeros(3 as never), says: ['full', '[3]', 'whole numbers'] },
    { run: () => o.iota([1.5]), says: ['iota', '[1.5]', 'whole numbers'] },
    { run: () => o.bits(o.key(0), [-1]), says: ['bits', '[-1]', 'from 1 up'] },
    {
      run: () => o.scatterAdd(o.zeros([1]), i32([0]), 0),
      says: ['scatterAdd', '0 rows', 'from 1'],
    },
  ],
  'axis-out-of-range': [
    { run: () => o.sum(o.zeros([2]), { axes: 1 }), says: ['sum', 'axis 1', '-1 to 0'] },
    { run: () => o.iota([2], 3), says: ['iota', 'axis 3', '-1 to 0'] },
    { run: () => o.max(o.zeros([2, 2]), { axes: [0, -2] }), says: ['max', '[0,-2]', 'once'] },
    { run: () => o.transpose(o.zeros([2, 2]), [0]), says: ['transpose', '[0]', 'Name each once'] },
    { run: () => o.cumsum(o.zeros([])), says: ['cumsum', 'axis -1', 'rank 0'] },
  ],
  'dtype-mismatch': [
    { run: () => o.add(f64([1]), i32([1])), says: ['add', 'int32[1]', 'use cast'] },
    { run: () => o.zeros([2], {} as never), says: ['scalar', 'a Object', 'one of float32'] },
    { run: () => o.cast(f64([1]), 'half' as never), says: ['cast', '"half"', 'float32'] },
    { run: () => o.exp(i32([1])), says: ['exp', 'int32[1]', 'use cast'] },
    {
      run: () => o.scatterAdd(o.equal(f64([1]), 1), i32([0]), 2),
      says: ['scatterAdd', 'bool[1]', 'Cast it'],
    },
    { run: () => o.mul(i32([1]), 0.5), says: ['scalar', '0.5 is no int32', 'cast'] },
    { run: () => o.less(i32([1]), 2 ** 31), says: ['scalar', '2147483648 is no int32', 'cast'] },
    {
      run: () => o.clip(o.zeros([1], 'uint32'), -1, 1),
      says: ['scalar', '-1 is no uint32', 'cast'],
    },
    { run: () => o.where(f64([1]), 1, 2), says: ['where', 'float64[1]', 'bool'] },
    { run: () => o.mean(i32([1])), says: ['mean', 'int32[1]', 'cast'] },
    { run: () => o.sum(o.zeros([2], 'bool')), says: ['sum', 'bool[2]', 'Cast'] },
    { run: () => o.cumsum(o.zeros([2], 'bool')), says: ['cumsum', 'bool[2]', 'Cast'] },
    { run: () => o.gather(o.zeros([2]), f64([0])), says: ['gather', 'float64[1]', 'int32'] },
    { run: () => o.matmul(i32([[1]]), i32([[1]])), says: ['matmul', 'int32[1,1]', 'cast'] },
    {
      run: () => o.einsum('ij,jk->ik', i32([[1]]), i32([[1]])),
      says: ['einsum', 'int32[1,1]', 'cast'],
    },
    { run: () => o.concat([f64([1]), i32([1])]), says: ['concat', 'int32[1]', 'Cast'] },
    { run: () => o.uniform(o.key(0), [1], { dtype: 'int32' }), says: ['random', 'int32', 'bits'] },
    { run: () => o.normal(o.key(0), [1], 'int32'), says: ['random', 'int32', 'bits'] },
  ],
  'not-broadcastable': [
    { run: () => o.add(o.zeros([2]), o.zeros([3])), says: ['add', 'float32[3]', 'equal or 1'] },
    { run: () => o.broadcastTo(o.zeros([2]), [3]), says: ['broadcastTo', '[3]', 'be 1 or equal'] },
    ...(
      [
        [3, 2],
        [2, 5],
      ] as const
    ).map(([m, n]) => ({
      run: () => o.matmul(o.zeros([m, 2, 2]), o.zeros([n, 2, 2])),
      says: [`[${m},2,2]`, `[${n},2,2]`, 'be 1 or equal'] as const,
    })),
  ],
  'einsum-spec': ['ij', 'ii,ij->j', 'i,ij->j', 'ij,jk->il'].map((spec) => ({
    run: () => o.einsum(spec, o.zeros([2, 2]), o.zeros([2, 2])),
    says: ['einsum', spec, ''] as const,
  })),
  'index-out-of-range': [
    { run: () => o.slice(f64([1, 2]), 0, 1, 2), says: ['slice', '2 elements from 1', 'Stay'] },
    { run: () => o.at(f64([1, 2]), 2), says: ['slice', 'from 2', 'its 2 elements'] },
    {
      run: () =>
        o.compile(backend, (x: T, i: T) => o.gather(x, i), { label: 'f' })(f64([1]), i32([4])),
      says: ['f: "1"', 'holds 4', 'Use 0 to 0'],
    },
  ],
  'scan-carry-changed': [
    {
      run: () => o.scan((c: T) => [o.concat([c, c]), null], f64([1]), null, { length: 1 }),
      says: ['scan: carry', 'float64[2]', 'project'],
    },
    {
      run: () => o.scan(((c: T) => c) as never, f64([1]), null, { length: 1 }),
      says: ['scan: the step', 'returns a Tensor', 'Return a pair'],
    },
  ],
  'scan-empty': {
    run: () => o.scan((c: T) => [c, null], f64(1), null),
    says: ['scan', 'steps is undefined', 'length'],
  },
  'scan-lengths': {
    run: () => o.scan((c: T) => [c, null], f64([1]), null, { length: 1, lengths: i32([1, 1]) }),
    says: ['scan', '2 rows', 'one entry per row'],
  },
  'escaped-tensor': {
    run: async () => {
      const caught: T[] = [];
      o.scan((c: T) => [caught[caught.push(c) - 1] as T, null], f64(1), null, { length: 1 });
      await o.run(backend, caught);
    },
    says: ['compile', 'belongs to another', 'Return it'],
  },
  'not-run': [
    { run: () => o.add(1, 2).read(), says: ['read', 'never ran', 'run(backend'] },
    { run: () => o.zeros([2]) > o.zeros([1]), says: ['float32[2]', 'no number', 'greater'] },
    { run: () => `${o.zeros([2])}`, says: ['float32[2]', 'no number or text', 'item()'] },
  ],
  disposed: {
    run: async () => (await disposed()).read(),
    says: ['read', 'float64[1]', 'last use'],
  },
  donated: {
    run: async () => {
      const x = await o.run(backend, f64([1]));
      await o.compile(backend, (t: T) => o.mul(t, 2), { donate: [0], label: 'step' })(x);
      await x.read();
    },
    says: ['read', 'donated to "step"', 'Use the result'],
  },
  'wrong-backend': {
    run: async () => o.run(counted().backend, await o.run(backend, f64([1]))),
    says: ['run', '"reference"', 'Read it'],
  },
  'not-scalar': [
    { run: () => o.grad((x: T) => x)(f64([1])), says: ['grad', 'float64[1]', 'mean or sum'] },
    { run: () => o.grad((() => 3) as never)(f64([1])), says: ['grad', 'number', 'mean or sum'] },
    { run: () => o.grad((x: T) => o.cast(x, 'int32'))(f64(1)), says: ['grad', 'int32', 'Reduce'] },
  ],
  'not-differentiable': {
    run: () => o.grad((p: { n: T }) => o.cast(p.n, 'float32'))({ n: i32(1) }),
    says: ['grad: "n"', 'int32[]', 'later argument'],
  },
  'custom-gradient': [
    {
      run: () =>
        o.grad((x: T) =>
          o.customGradient(
            (y) => y,
            () => [],
            'mine',
          )(x),
        )(f64(1)),
      says: ['"mine"', '0 cotangents', 'for each'],
    },
    {
      run: () =>
        o.grad((x: T) =>
          o.customGradient(
            (y) => y,
            () => [f64([1])],
            'mine',
          )(x),
        )(f64(1)),
      says: ['"mine"', 'float64[1]', 'shape and type'],
    },
  ],
  'tree-mismatch': [
    {
      run: () => o.mapTree((a) => a, { a: f64(1) }, { b: f64(1) }),
      says: ['tree', '"b"', 'one structure'],
    },
    {
      run: () => o.vjp((x: T) => [x], f64(1))[1]([] as never),
      says: ['vjp', '[]', 'tree like the value'],
    },
  ],
  'tree-leaf': [
    { run: () => o.leavesOf({ a: [1] }), says: ['"a.0"', 'is 1', 'scalar()'] },
    { run: () => o.leavesOf({ a: new Date() }), says: ['"a"', 'Date', 'plain records'] },
    { run: () => o.add(o.zeros([1]), [1] as never), says: ['add', 'Array', 'tensor()'] },
    { run: () => o.mul(undefined as never, 2), says: ['mul', 'undefined', 'tensor()'] },
    { run: () => o.exp('1' as never), says: ['exp', '"1"', 'tensor()'] },
    {
      run: () => o.matmul(o.zeros([1]), Promise.resolve() as never),
      says: ['matmul', 'Promise', 'await'],
    },
    { run: () => o.leavesOf({ a: () => 1 }), says: ['"a"', 'a Function', 'plain records'] },
    {
      run: () => o.leavesOf(Object.create({ constructor: undefined })),
      says: ['tree', 'object of a class', 'plain records'],
    },
  ],
  'host-array': { run: () => o.tensor([[1], [1, 2]]), says: ['tensor', '2 and 1', 'one length'] },
  'key-invalid': [
    { run: () => o.key(-1), says: ['key', '-1', '2^53'] },
    { run: () => o.key(0.5), says: ['key', '0.5', 'whole number'] },
    { run: () => o.foldKey(o.key(1), 1.7), says: ['foldKey', '1.7', 'whole number'] },
    { run: () => o.foldKey(o.key(1), 2 ** 32), says: ['foldKey', '4294967296', '2^32 - 1'] },
    { run: () => o.bits(f64([1, 2]), [1]), says: ['random', 'float64[2]', 'key(seed)'] },
    { run: () => o.uniform(42 as never, [8]), says: ['random', '42 is no key', 'key(seed)'] },
    { run: () => o.foldKey(o.key(1), i32([1, 2])), says: ['foldKey', '[2]', 'one whole number'] },
  ],
  'slot-too-large': {
    run: () =>
      o.compile(reference({ limits: { bindingBytes: 64 } }), () =>
        o.sum(o.matmul(o.tensor([1, 2, 3, 4, 5].map((v) => [v])), o.tensor([[1, 2, 3, 4, 5]]))),
      )(),
    says: ['plan', '112 bytes', 'smaller batches'],
  },
  'program-invalid': {
    run: () => backend.compile({ slots: [], inputs: [0], outputs: [], scratch: [], code: [] }),
    says: ['verify', '0', ''],
  },
  'unsupported-dtype': 'backend-cpu',
  'out-of-memory': 'backend-cpu',
  'compiled-disposed': {
    run: async () => {
      const f = o.compile(spying(), (x: T) => x, { label: 'f' });
      f.dispose();
      await f(1);
    },
    says: ['f:', 'was disposed', 'Compile it again'],
  },
  'no-backend': { run: () => o.pickBackend([]), says: ['pickBackend', 'list is empty', 'Add one'] },
  'no-adapter': 'backend-webgpu',
  'device-lost': 'backend-webgpu',
  'option-invalid': [
    {
      run: () => o.scan((c: T) => [c, null], f64(1), null, { length: 1, checkpoint: -1 }),
      says: ['scan: checkpoint', '-1', 'from 1 up'],
    },
    {
      run: () => o.compile(Promise.resolve(backend) as never, o.neg),
      says: ['backend', 'Promise', 'await wasm()'],
    },
    { run: () => o.run(reference as never, f64(1)), says: ['run', 'a Function', 'cpu()'] },
  ],
  'data-invalid': 'training',
  'checkpoint-damaged': 'training',
  'checkpoint-foreign': 'training',
  'checkpoint-mismatch': 'training',
};

describe('each code is thrown', () => {
  for (const [code, cause] of Object.entries(causes)) {
    if (typeof cause === 'string')
      test(`${code}, by ${cause}`, () => {
        const root = new URL(`../../${cause}/src/`, import.meta.url);
        const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
        const sources = files
          .filter((f) => f.endsWith('.ts'))
          .map((f) => readFileSync(new URL(f, root), 'utf8'));
        expect(sources.some((text) => text.includes(`'${code}'`))).toBe(true);
      });
    else
      for (const [k, { run, says }] of [cause].flat().entries())
        test(`${code} ${k}`, async () => {
          const { message } = await expectError(code as ErrorCode, [], run);
          for (const part of says) {
            if (typeof part === 'string') expect(message).toContain(part);
            else expect(message).toMatch(part);
          }
          expect(message.endsWith(`[${code}]`)).toBe(true);
        });
  }
});

test.each<[string, () => unknown, string]>([
  [
    'sum',
    () => o.sum(f64(1), { axis: 0 } as never),
    'there is no option "axis". Options are axes, ',
  ],
  ['sum', () => o.sum(f64(1), 0 as never), 'options are 0. Give a record of axes, keepDims.'],
  ['mean', () => o.mean(f64(1), null as never), 'options are null. Give'],
  ['variance', () => o.variance(f64(1), 0 as never), 'options are 0. Give'],
  ['logSumExp', () => o.logSumExp(f64(1), 0 as never), 'options are 0. Give'],
  ['any', () => o.any(f64(1), { keepdims: true } as never), 'there is no option "keepdims".'],
  ['all', () => o.all(f64(1), 'axes' as never), 'options are "axes". Give'],
  ['max', () => o.max(f64(1), [0] as never), 'there is no option "0".'],
  ['cumsum', () => o.cumsum(f64([1]), 0, { reversed: true } as never), 'there is no option "reve'],
  ['uniform', () => o.uniform(o.key(0), [2], { min: 1 } as never), 'there is no option "min". Opt'],
  ['compile', () => o.compile(backend, o.neg, { donated: [0] } as never), 'there is no option "do'],
  ['tensor', () => o.tensor([1], 'int32' as never), 'options are "int32". Give a record of dtype.'],
  [
    'scan',
    () => o.scan((c: T) => [c, null], f64(1), null, { steps: 1 } as never),
    'there is no op',
  ],
])('%s refuses what it would ignore', async (name, run, says) => {
  const { message } = await expectError('option-invalid', [], run);
  expect(message).toContain(`${name}: ${says}`);
});

test('the names of options are held to be those of the type', () => {
  interface Options<P> {
    readonly a?: P;
    readonly b?: number;
  }
  const options: Options<T> = {};
  o.checkOptions('f', options, 'a, b');
  // @ts-expect-error: b is missing
  o.checkOptions('f', options, 'a');
  // @ts-expect-error: c is no option
  o.checkOptions('f', options, 'a, b, c');
});

test('the scope path stands in the text and in `path`', async () => {
  const e = await expectError(
    'not-broadcastable',
    [/\(in encoder\/lstm\) \[not-broadcastable\]$/],
    () => o.named('encoder', () => o.named('lstm', () => o.add(o.zeros([2]), o.zeros([3])))),
  );
  expect(e.path).toBe('encoder/lstm');
  expect(e.name).toBe('OstinatoError');
  // Also from inside a traced function and a scan.
  const f = o.compile(backend, (x: T) =>
    o.scan((c: T) => [o.reshape(c, [2]), null], x, null, { length: 1, label: 'decoder' }),
  );
  expect((await expectError('shape-mismatch', [], () => f(1))).path).toBe('decoder');
});

describe('docs/errors', () => {
  const folder = new URL('../../../docs/errors/', import.meta.url);
  const page = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
  const codes = Object.keys(errorCodes).sort();

  test('has one page per code and no other', () => {
    const pages = readdirSync(folder).filter((f) => f !== 'README.md');
    expect(pages.sort()).toEqual(codes.map((c) => `${c}.md`));
  });
  test.each(Object.entries(errorCodes))(
    '%s.md has its title, an example and a way out',
    (code, title) => {
      const text = page(`${code}.md`);
      const [heading = '', meaning = '', ...rest] = text.split('\n\n');
      expect(heading).toBe(`# ${code}: ${title.charAt(0).toLowerCase()}${title.slice(1)}`);
      expect(meaning.length).toBeGreaterThan(30);
      expect(rest.join('\n')).toContain('```ts');
    },
  );
  test('the list names them all', () => {
    const listed = [...page('README.md').matchAll(/^- \[([a-z-]+)\]\(\1\.md\)/gm)].map((m) => m[1]);
    expect(listed).toEqual(codes);
  });
});
