/** What the engine can do and how it compiles. The only file that knows V8 and its flags. */
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

interface V8 {
  setFlagsFromString(flag: string): void;
}

interface Host {
  readonly versions?: {
    readonly node?: string;
    readonly v8?: string;
    readonly bun?: string;
    readonly deno?: string;
  };
  readonly arch?: string;
  readonly getBuiltinModule?: (name: string) => unknown;
}

/** Node's `process`; not that of a bundler's stand-in or of a host that only resembles Node. */
function node(): Host | undefined {
  const { process } = globalThis as { process?: Host };
  const { node, v8, bun, deno } = process?.versions ?? {};
  return node && v8 && !bun && !deno ? process : undefined;
}

/** Node's handle on V8, where we run on one. */
const v8 = (): V8 | undefined => node()?.getBuiltinModule?.('node:v8') as V8 | undefined;

/**
 * Whether V8 can pair vectors here: its revectoriser is in Node 24 and later, for x64 processors with AVX2. Elsewhere
 * the flag does nothing or is not known.
 */
export function canPair(): { readonly yes: boolean; readonly why: string } {
  const host = node();
  const version = host?.versions?.node;
  if (!version) return { yes: false, why: 'not in Node' };
  if (host.arch !== 'x64') return { yes: false, why: `processor is ${host.arch}` };
  if (Number.parseInt(version, 10) < 24)
    return { yes: false, why: `Node ${version} is older than 24` };
  if (!v8()) return { yes: false, why: 'node:v8 is not there' };
  return { yes: true, why: `Node ${version} on x64` };
}

/**
 * Compiles at full optimisation before the first call, where the engine lets us choose; elsewhere without blocking, since
 * a page may not compile more than 4 kB at once on its main thread. V8's flags are switched on
 * around this one synchronous compilation and off again, so that no other module in the process is affected.
 */
export async function compileModule(
  bytes: Uint8Array<ArrayBuffer>,
  { paired }: { readonly paired: boolean },
): Promise<WebAssembly.Module> {
  const engine = v8();
  if (!engine) return WebAssembly.compile(bytes);
  const flags = ['liftoff', 'wasm-lazy-compilation'];
  try {
    for (const flag of flags) engine.setFlagsFromString(`--no-${flag}`);
    if (paired) engine.setFlagsFromString('--experimental-wasm-revectorize');
    return new WebAssembly.Module(bytes);
  } finally {
    if (paired) engine.setFlagsFromString('--no-experimental-wasm-revectorize');
    for (const flag of flags) engine.setFlagsFromString(`--${flag}`);
  }
}
