/** What the engine can do, and whether it may. Knows no engine by name: v8.ts does. */
import { fail } from '@ostinato/core/backend';
import { FunctionBuilder } from '../assembler/function.ts';
import { i32, v128 } from '../assembler/instructions.ts';
import { encodeModule } from '../assembler/module.ts';
import { openMemory } from '../memory.ts';

/** A module of one function that does one thing, to ask the engine about it. */
function probe(body: (f: FunctionBuilder) => void): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder('probe');
  body(f);
  return encodeModule([f.finish()], { shared: false, minimum: 1, maximum: 1 });
}

/**
 * Throws where WebAssembly with SIMD is not there, or is there and may not be compiled: a page's policy shows only when
 * something is compiled.
 */
export async function assertCompiles(): Promise<void> {
  const simd = probe((f) => f.let('zero', v128.constF32(0)));
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(simd))
    fail(
      'no-backend',
      'wasm: there is no WebAssembly with SIMD here. Use another backend, such as cpu.',
    );
  try {
    await WebAssembly.compile(simd);
  } catch (cause) {
    fail(
      'no-backend',
      `wasm: the engine refuses to compile (${(cause as Error).message}). Add 'wasm-unsafe-eval' to the page's script-src, or use another backend, such as cpu.`,
      { cause },
    );
  }
}

/**
 * Whether the engine has relaxed SIMD and its multiply-add rounds once, on which sigmoid relies: (1 + e)^2 - (1 + 2e) is
 * e^2, which a product rounded by itself has lost.
 */
export async function fusesMultiplyAdd(): Promise<boolean> {
  const madd = probe((f) => {
    const x = v128.constF32(1 + 2 ** -12);
    const rest = v128.f32x4('relaxed_madd', x, x, v128.constF32(-1 - 2 ** -11));
    f.store('v128.store', i32.const(0), rest);
  });
  if (!WebAssembly.validate(madd)) return false;
  const memory = openMemory(1);
  const { instance } = await WebAssembly.instantiate(madd, { env: { memory } });
  (instance.exports.probe as () => void)();
  return new Float32Array(memory.buffer)[0] !== 0;
}
