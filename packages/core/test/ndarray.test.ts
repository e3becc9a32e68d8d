import ndarray, { type NdArray } from 'ndarray';
import { expect, expectTypeOf, test } from 'vitest';
import { compile, run, type Tensor, tensor } from '../src/index.ts';
import { toNdarray } from '../src/ndarray.ts';
import { backend } from './support.ts';

test('a read becomes an ndarray on the same memory', async () => {
  const x = await run(
    backend,
    tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]),
  );
  const read = await x.read();
  const a = toNdarray(read);
  expectTypeOf(a).toExtend<NdArray>();
  expect(a.data).toBe(read.data);
  expect([a.shape, a.stride, a.offset, a.dtype]).toEqual([[2, 3], [3, 1], 0, 'float32']);
  expect(a.get(1, 0)).toBe(4);
  a.set(1, 0, 9);
  expect(read.data[3]).toBe(9);
  expect(await x.read()).toMatchObject({ data: Float32Array.of(1, 2, 3, 4, 5, 6) });
});

test('scalars and integers', async () => {
  const read = await (await run(backend, tensor(7, { dtype: 'int32' }))).read();
  const a = toNdarray(read);
  expect([a.dimension, a.dtype, a.get()]).toEqual([0, 'int32', 7]);
});

test('there and back, through a strided view', async () => {
  const copy = compile(backend, (x: Tensor) => x);
  const view = ndarray(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3])
    .transpose(1, 0)
    .step(-1, 1);
  const back = toNdarray(await (await copy(view)).read());
  expect(back.shape).toEqual([3, 2]);
  for (const i of [0, 1, 2]) for (const j of [0, 1]) expect(back.get(i, j)).toBe(view.get(i, j));
});
