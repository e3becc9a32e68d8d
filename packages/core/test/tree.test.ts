/** Trees: apart and together again, and which types may be trees. What must not typecheck is checked by `tsc`. */
import vm from 'node:vm';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import * as o from '../src/index.ts';
import { backend, expectError, f64, i32, valuesOf } from './support.ts';

type T = o.Tensor;
type AnyTree = T | null | undefined | AnyTree[] | { [key: string]: AnyTree };

const leaf = fc.nat(99).map((n): AnyTree => f64(n));
const { tree } = fc.letrec<{ tree: AnyTree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.constantFrom(null, undefined),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie('tree'), {
      maxKeys: 4,
    }) as fc.Arbitrary<AnyTree>,
  ),
}));

describe('flatten and build', () => {
  test('takes leaves from trees of the same structure, and from no other', () => {
    const [one, two] = [f64(1), f64(2)];
    const take = (like: unknown, tree: unknown): unknown[] | undefined =>
      o.flatten(like).shape.take(tree);
    const like = { a: [two, null], b: { c: one } };
    const same: readonly unknown[] = [
      { a: [one, null], b: { c: two } },
      { b: { c: two }, a: [one, undefined] },
      { a: [one, null], b: Object.assign(Object.create(null), { c: two }) },
    ];
    for (const tree of same) expect(take(like, tree)).toEqual([one, two]);
    const others: readonly unknown[] = [
      null,
      one,
      [one, two],
      { a: [one, null] },
      { a: [one], b: { c: two } },
      { a: [one, two], b: { c: two } },
      { a: [null, one], b: { c: two } },
      { a: [one, null], b: { d: two } },
      { a: [one, null], b: { c: two }, e: null },
      { a: [one, null], b: two },
      { a: { 0: one, 1: null }, b: { c: two } },
      { a: [one, null], b: new Map([['c', two]]) },
    ];
    for (const tree of others) expect(take(like, tree)).toBeUndefined();
    // A key that is not there is not one that is null.
    expect(take({ a: null, b: one }, { c: null, b: one })).toBeUndefined();
  });

  test('are inverse, and equal structures have equal text', () =>
    fc.assert(
      fc.property(tree, (t) => {
        const { leaves, shape } = o.flatten(t);
        expect(shape.build(leaves)).toEqual(t);
        expect(shape.paths.length).toBe(leaves.length);
        const again = o.flatten(shape.build(leaves));
        expect(again.shape.text).toBe(shape.text);
        expect(again.leaves).toEqual(leaves);
        expect(o.flatten(o.mapTree((x) => x, t)).leaves).toEqual(leaves);
      }),
    ));

  test('take keys in sorted order, whatever order they were made in', () => {
    const [one, two] = [f64(1), f64(2)];
    const a = o.flatten({ b: two, a: [one, null] });
    const b = o.flatten({ a: [one, null], b: two });
    expect(a.leaves).toEqual([one, two]);
    expect(a.shape.paths).toEqual(['a.0', 'b']);
    expect(a.shape.text).toBe(b.shape.text);
    expect(a.shape.text).not.toBe(o.flatten({ a: [one], b: two }).shape.text);
    expect(o.flatten({ a: one }).shape.text).not.toBe(o.flatten([one]).shape.text);
  });

  test('take records of any realm, but no instances', async () => {
    const foreign = vm.runInNewContext('({ a: null, b: [] })') as unknown;
    expect(
      o.leavesOf({ foreign, own: Object.assign(Object.create(null), { x: f64(1) }) }).length,
    ).toBe(1);
    class Box {
      w = f64(1);
    }
    await expectError('tree-leaf', ['"box" is a Box'], () => o.leavesOf({ box: new Box() }));
  });

  test('mapTree walks several trees at once', async () => {
    const [a, b] = [
      { w: f64(1), b: [f64(2)] },
      { w: f64(10), b: [f64(20)] },
    ];
    const c = o.mapTree((x, y) => o.add(x, y as T), a, b);
    expect(await valuesOf(c.b[0] as T)).toEqual([22]);
    const names = o.mapTree((x) => x.shape.length, a);
    expect(names).toEqual({ w: 0, b: [0] });
  });

  test('mapTree gives a tree of what the function gives', () => {
    const tree = { w: f64(1), b: [null, f64(2)] } as const;
    const shapes = o.mapTree((x) => x.shape, tree);
    expectTypeOf(shapes.w).toEqualTypeOf<T['shape']>();
    expectTypeOf(shapes.b).toEqualTypeOf<readonly [null, T['shape']]>();
    expect(shapes).toEqual({ w: [], b: [null, []] });
    // @ts-expect-error: a shape is no tensor
    expect(shapes.w.read).toBe(undefined);
    const model: Model = { layers: [{ kernel: f64(1), bias: null }] };
    const sizes = o.mapTree((x) => x.size, model);
    expectTypeOf(sizes.layers[0]?.bias).toEqualTypeOf<number | null | undefined>();
    expectTypeOf(sizes.out?.kernel).toEqualTypeOf<number | undefined>();
    expect(sizes).toEqual({ layers: [{ kernel: 1, bias: null }] });
  });

  test('mapTree to tensors gives the type of the tree', () => {
    const zeros = <P>(params: P): P => o.mapTree(o.zerosLike, params);
    const model: Model = { layers: [{ kernel: f64(1), bias: null }] };
    expectTypeOf(o.mapTree((x) => o.mul(x, 2), model)).toEqualTypeOf<Model>();
    expect(zeros(model).layers[0]?.bias).toBe(null);
    const all: readonly T[] = o.mapTree((x) => x, [f64(1)]);
    expect(all.length).toBe(1);
  });
});

interface Weights {
  kernel: T;
  bias: T | null;
}
interface Model {
  readonly layers: readonly Weights[];
  out?: Weights;
}

const model: Model = { layers: [{ kernel: f64([[2]]), bias: null }] };
const apply = (m: Model, x: T): T =>
  m.layers.reduce((y, { kernel, bias }) => {
    const z = o.matmul(y, kernel);
    return bias ? o.add(z, bias) : z;
  }, x);

describe("a user's interface is a tree", () => {
  test('in grad and valueAndGrad', async () => {
    const gradient = o.grad((m: Model, x: T) => o.sum(apply(m, x)))(model, f64([[3]]));
    expectTypeOf(gradient).toEqualTypeOf<Model>();
    expect(gradient.layers[0]?.bias).toBe(null);
    expect(await valuesOf(gradient.layers[0]?.kernel as T)).toEqual([3]);
    const [loss, again] = o.valueAndGrad((m: Model) => o.sum(apply(m, f64([[1]]))))(model);
    expectTypeOf(loss).toEqualTypeOf<T>();
    expectTypeOf(again).toEqualTypeOf<Model>();
  });

  test('with a part that nobody knows before it runs', async () => {
    const params: readonly [Weights, unknown] = [{ kernel: f64([3]), bias: null }, f64([4])];
    const product = ([{ kernel }, other]: typeof params): T => o.sum(o.mul(kernel, other as T));
    const gradient = o.grad(product)(params);
    expectTypeOf(gradient).toEqualTypeOf<typeof params>();
    expect(await valuesOf(gradient[0].kernel)).toEqual([4]);
    expect(await valuesOf(gradient[1] as T)).toEqual([3]);
  });

  test('in valueAndGradAux and vjp', async () => {
    const [[loss, aux], gradient] = o.valueAndGradAux((m: Model, x: T) => {
      const y = apply(m, x);
      return [o.sum(y), { y, note: 'any value' }] as const;
    })(model, f64([[3]]));
    expectTypeOf(aux.note).toEqualTypeOf<'any value'>();
    expect(aux.note).toBe('any value');
    expect(await valuesOf(loss)).toEqual([6]);
    expect(gradient.layers.length).toBe(1);
    const [value, pullback] = o.vjp((m: Model) => ({ y: apply(m, f64([[1]])) }), model);
    expectTypeOf(value).toEqualTypeOf<{ y: T }>();
    expect(await valuesOf(pullback({ y: f64([[5]]) }).layers[0]?.kernel as T)).toEqual([5]);
  });

  test('in scan', async () => {
    interface State {
      h: T;
      deep: { n: T };
    }
    const init: State = { h: f64([[1]]), deep: { n: i32(0) } };
    const [last, ys] = o.scan(
      (s: State, x: Weights): [State, Weights] => [
        { h: o.mul(s.h, x.kernel), deep: { n: o.add(s.deep.n, 1) } },
        x,
      ],
      init,
      { kernel: f64([2, 3]), bias: null } satisfies Weights as Weights,
    );
    expectTypeOf(last).toEqualTypeOf<State>();
    expectTypeOf(ys).toEqualTypeOf<Weights>();
    expect(await valuesOf(last.h)).toEqual([6]);
    expect(await valuesOf(last.deep.n)).toEqual([2]);
  });

  test('in compile and run', async () => {
    const f = o.compile(backend, (m: Model, x: T) => apply(m, x));
    const y = await f(
      { layers: [{ kernel: { data: [2], shape: [1, 1] }, bias: 1 }] },
      { data: [3], shape: [1, 1] },
    );
    expectTypeOf(y).toEqualTypeOf<T>();
    expect(await y.item()).toBe(7);
    const there = await o.run(backend, model);
    expectTypeOf(there).toEqualTypeOf<Model>();
  });
});

describe('what is no tree does not typecheck, and throws', () => {
  test('numbers, strings, functions and instances', async () => {
    await expectError('tree-leaf', ['"rate"'], () => {
      const f = (p: { rate: number }): T => f64(p.rate);
      // @ts-expect-error a number is no leaf
      return o.grad(f)({ rate: 1 });
    });
    await expectError('tree-leaf', ['"name"'], () => {
      const f = (p: { name: string }): T => f64(p.name.length);
      // @ts-expect-error nor is a string
      return o.grad(f)({ name: '' });
    });
    const step = (c: { f: () => T }): [{ f: () => T }, null] => [c, null];
    await expectError('tree-leaf', ['"f"'], () =>
      // @ts-expect-error nor is a function
      o.scan(step, { f: () => f64(1) }, null, { length: 1 }),
    );
    await expectError('tree-leaf', ['Date'], () =>
      // @ts-expect-error nor is an instance of a class
      o.grad((p: { when: Date }) => f64(p.when.getTime()))({ when: new Date() }),
    );
  });
  test('a scan step that returns another carry', async () => {
    await expectError('scan-carry-changed', [], () =>
      // @ts-expect-error the carry loses a key
      o.scan((c: { h: T; c: T }) => [{ h: c.h }, null], { h: f64(1), c: f64(1) }, null, {
        length: 1,
      }),
    );
  });
});
