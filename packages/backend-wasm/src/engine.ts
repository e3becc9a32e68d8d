/** What the engine can do, and whether it may. Knows no engine by name: v8.ts does. */
import { fail } from '@ostinato/core/backend';
import { FunctionBuilder } from './assembler/function.ts';
import { v128 } from './assembler/instructions.ts';
import { encodeModule } from './assembler/module.ts';

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
  if (typeof WebAssembly === 'undefined')
    fail('no-backend', 'wasm: there is no WebAssembly here. Use another backend, such as cpu.');
  const simd = probe((f) => f.let('zero', v128.constF32(0)));
  if (!WebAssembly.validate(simd))
    fail(
      'no-backend',
      'wasm: the engine has no WebAssembly SIMD. Use another backend, such as cpu.',
    );
  try {
    await WebAssembly.compile(simd);
  } catch (cause) {
    fail(
      'no-backend',
      `wasm: the engine refuses to compile (${(cause as Error).message}). Add 'wasm-unsafe-eval' to script-src in the page's policy, or use another backend, such as cpu.`,
      { cause },
    );
  }
}

/** Whether the engine has relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  const madd = probe((f) => {
    const zero = f.let('zero', v128.constF32(0));
    const [a, b, c] = [f.get(zero), f.get(zero), f.get(zero)];
    f.set(zero, v128.f32x4('relaxed_madd', a, b, c));
  });
  return WebAssembly.validate(madd);
}
