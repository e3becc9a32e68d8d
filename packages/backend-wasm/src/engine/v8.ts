/** V8 and its flags, in Node. The only file that knows them; pages do not load it. */
import type { CompileModule } from '../executable.ts';

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
  readonly execArgv?: readonly string[];
  readonly getBuiltinModule?: (name: string) => unknown;
}

/** Node's `process`; not that of a bundler's stand-in or of a host that only resembles Node. */
function node(): Host | undefined {
  const { process } = globalThis as { process?: Host };
  const { node, v8, bun, deno } = process?.versions ?? {};
  return node && v8 && !bun && !deno ? process : undefined;
}

/** Node's handle on V8, where we run on one. Not where its flags are frozen: who sets one then ends the process. */
function v8(): V8 | undefined {
  const host = node();
  if (host?.execArgv?.some((flag) => /^--freeze.flags.after.init$/.test(flag))) return undefined;
  return host?.getBuiltinModule?.('node:v8') as V8 | undefined;
}

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
  if (!v8()) return { yes: false, why: "V8's flags cannot be set" };
  return { yes: true, why: `Node ${version} on x64` };
}

/**
 * Compiles at full optimisation before the first call, where V8 lets us choose. Its flags are switched on around this one
 * synchronous compilation and off again. They belong to the whole process: what other threads compile meanwhile may get
 * pairs, too (see keepsApart in module-builder.ts), or this one none, which has the same bits.
 */
export const compileModule: CompileModule = async (bytes, { paired }) => {
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
};
