import { expect, test } from 'vitest';
import { FunctionBuilder } from '../src/assembler/function.ts';
import { f32, i32, v128 } from '../src/assembler/instructions.ts';
import { encodeModule } from '../src/assembler/module.ts';
import { printFunction } from '../src/assembler/print.ts';

/** out[i] = x[i] * 2 + 1 over n vectors of four. */
function scale() {
  const f = new FunctionBuilder('scale');
  const x = f.param('i32', 'x');
  const out = f.param('i32', 'out');
  const n = f.param('i32', 'n');
  const two = f.let('two', v128.constF32(2));
  const one = f.let('one', v128.splat(f32.const(1)));
  f.times(f.get(n), () => {
    const product = v128.f32x4('mul', v128.load(f.get(x)), f.get(two));
    f.store('v128.store', f.get(out), v128.f32x4('add', product, f.get(one)));
    f.advance(x, 16);
    f.advance(out, 16);
  });
  return f.finish();
}

test('a function runs', async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const bytes = encodeModule([scale()], { shared: false, minimum: 1, maximum: 1 });
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  const floats = new Float32Array(memory.buffer);
  floats.set([1, 2, 3, 4, 5, 6, 7, 8]);
  (instance.exports as { scale: (x: number, out: number, n: number) => void }).scale(0, 64, 2);
  expect([...floats.subarray(16, 24)]).toEqual([3, 5, 7, 9, 11, 13, 15, 17]);
});

test('a function may have any length, and leaves the ones after it as they are', async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const stores = 12_000;
  const long = new FunctionBuilder('long');
  for (let k = 0; k < stores; k++) long.store('i32.store', i32.const(0), i32.const(7 * k), 4 * k);
  const functions = [long.finish(), scale()];
  const bytes = encodeModule(functions, { shared: false, minimum: 1, maximum: 1 });
  expect(bytes.length).toBeGreaterThan(1 << 16);
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  const { long: run, scale: scaled } = instance.exports as Record<string, CallableFunction>;
  run?.();
  const words = new Int32Array(memory.buffer);
  expect(words.subarray(0, stores).every((word, k) => word === 7 * k)).toBe(true);
  new Float32Array(memory.buffer).set([1, 2, 3, 4]);
  scaled?.(0, 64, 1);
  expect([...new Float32Array(memory.buffer).subarray(16, 20)]).toEqual([3, 5, 7, 9]);
});

test('a function prints', () => {
  expect(printFunction(scale())).toMatchInlineSnapshot(`
    "(func $scale (param $x i32) (param $out i32) (param $n i32)
      (local.set $two (v128.const 0 0 0 64 0 0 0 64 0 0 0 64 0 0 0 64))
      (local.set $one (f32x4.splat (f32.const 1)))
      (local.set $left $n)
      (loop
        (v128.store $out (f32x4.add (f32x4.mul (v128.load $x) $two) $one))
        (local.set $x (i32.add $x (i32.const 16)))
        (local.set $out (i32.add $out (i32.const 16)))
        (local.set $left (i32.add $left (i32.const -1)))
        (br_if 0 $left)
      )
    )"
  `);
});

test('address sums fold their constants', () => {
  const f = new FunctionBuilder('f');
  const p = f.param('i32', 'p');
  expect(i32.add(i32.const(3), i32.const(4)).imm).toEqual([7]);
  expect(i32.add(f.get(p), 0)).toEqual(f.get(p));
});

test('stores of vectors may have addresses of their own instead of offsets', () => {
  const printed = [false, true].map((storesApart) => {
    const f = new FunctionBuilder('f', { storesApart });
    const p = f.param('i32', 'p');
    for (const offset of [0, 16]) f.store('v128.store', f.get(p), v128.load(f.get(p)), offset);
    f.store('i32.store', f.get(p), f.get(p), 4);
    return printFunction(f.finish());
  });
  expect(printed).toMatchInlineSnapshot(`
    [
      "(func $f (param $p i32)
      (v128.store $p (v128.load $p))
      (v128.store offset=16 $p (v128.load $p))
      (i32.store offset=4 $p $p)
    )",
      "(func $f (param $p i32)
      (v128.store $p (v128.load $p))
      (v128.store (i32.add $p (i32.const 16)) (v128.load $p))
      (i32.store offset=4 $p $p)
    )",
    ]
  `);
});
