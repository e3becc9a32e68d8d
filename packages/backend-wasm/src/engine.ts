/** What the engine can do and how it compiles. The only file that knows V8 and its flags. */
import { FunctionBuilder } from './assembler/function.ts';
import { v128 } from './assembler/instructions.ts';
import { encodeModule } from './assembler/module.ts';
import type { Target } from './target.ts';

/** Whether the engine has relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  const f = new FunctionBuilder('probe');
  const zero = f.let('zero', v128.constF32(0));
  const [a, b, c] = [f.get(zero), f.get(zero), f.get(zero)];
  f.set(zero, v128.f32x4('relaxed_madd', a, b, c));
  return WebAssembly.validate(
    encodeModule([f.finish()], { shared: false, minimum: 1, maximum: 1 }),
  );
}

interface V8 {
  setFlagsFromString(flag: string): void;
}

/** Node's handle on V8, where we run on one. */
function v8(): V8 | undefined {
  const host = globalThis as {
    process?: {
      versions?: { node?: string; v8?: string };
      getBuiltinModule?: (name: string) => unknown;
    };
  };
  if (!host.process?.versions?.v8) return undefined;
  return host.process.getBuiltinModule?.('node:v8') as V8 | undefined;
}

/**
 * Whether V8 can pair vectors here: its revectoriser is in Node 24 and later, for x64 processors with AVX2. Elsewhere
 * the flag does nothing or is not known.
 */
export function canPair(): { readonly yes: boolean; readonly why: string } {
  const host = globalThis as { process?: { versions?: { node?: string }; arch?: string } };
  const version = host.process?.versions?.node;
  if (!version) return { yes: false, why: 'not in Node' };
  if (host.process?.arch !== 'x64')
    return { yes: false, why: `processor is ${host.process?.arch}` };
  if (Number.parseInt(version, 10) < 24)
    return { yes: false, why: `Node ${version} is older than 24` };
  if (!v8()) return { yes: false, why: 'node:v8 is not there' };
  return { yes: true, why: `Node ${version} on x64` };
}

/**
 * Compiles at full optimisation before the first call, where the engine lets us choose. V8's flags are switched on
 * around this one synchronous compilation and off again, so that no other module in the process is affected.
 */
export async function compileModule(
  bytes: Uint8Array<ArrayBuffer>,
  target: Target,
): Promise<WebAssembly.Module> {
  const engine = v8();
  if (!engine) return WebAssembly.compile(bytes);
  const flags = ['liftoff', 'wasm-lazy-compilation'];
  try {
    for (const flag of flags) engine.setFlagsFromString(`--no-${flag}`);
    if (target.paired) engine.setFlagsFromString('--experimental-wasm-revectorize');
    return new WebAssembly.Module(bytes);
  } finally {
    if (target.paired) engine.setFlagsFromString('--no-experimental-wasm-revectorize');
    for (const flag of flags) engine.setFlagsFromString(`--${flag}`);
  }
}

/** Threads that the machine runs at once. */
export function parallelism(): number {
  const host = globalThis as {
    process?: { getBuiltinModule?: (name: string) => unknown };
    navigator?: { hardwareConcurrency?: number };
  };
  const os = host.process?.getBuiltinModule?.('node:os') as
    | { availableParallelism(): number }
    | undefined;
  return os?.availableParallelism() ?? host.navigator?.hardwareConcurrency ?? 1;
}
