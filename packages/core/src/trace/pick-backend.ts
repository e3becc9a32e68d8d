/** The first backend that opens, and why the ones before it did not. Knows no backend by name. */
import type { Backend } from '../backend/interface.ts';
import { fail, OstinatoError } from '../errors.ts';

/** Opens a backend, or throws with the reason why it cannot. */
export type Opener = () => Backend<never> | Backend | Promise<Backend<never> | Backend>;

/** What `pickBackend` found. */
export interface Picked {
  readonly backend: Backend;
  /** One line per opener that was tried: `wasm: opened (simd256+fma)`, `webgpu: no adapter`. */
  readonly tried: readonly string[];
}

/**
 * Tries openers in order, such as `pickBackend([webgpu, wasm, cpu])`, and takes the first that opens. Throws, with all
 * reasons, if none does.
 */
export async function pickBackend(openers: readonly Opener[]): Promise<Picked> {
  const tried: string[] = [];
  for (const open of openers) {
    try {
      const backend = (await open()) as Backend;
      const { name, variant } = backend.info();
      return { backend, tried: [...tried, `${name}: opened (${variant})`] };
    } catch (error) {
      tried.push(reason(open, error));
    }
  }
  return fail(
    'no-backend',
    `pickBackend: none of ${openers.length} backends opens (${tried.join('; ') || 'the list is empty'}). Add one that always does, such as cpu.`,
  );
}

/** Our own errors begin with the backend's name. A function's name does not do in bundles, which shorten it. */
function reason(open: Opener, error: unknown): string {
  if (error instanceof OstinatoError) return error.message;
  return `${open.name || 'backend'}: ${error instanceof Error ? error.message : String(error)}`;
}
