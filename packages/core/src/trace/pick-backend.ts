/** The first backend that opens, and why the ones before it did not. Knows no backend by name. */
import type { Backend } from '../backend/interface.ts';
import { fail } from '../errors.ts';

/** Opens a backend, or throws with the reason why it cannot. Its function name is what messages call it. */
export type Opener = () => Backend<never> | Backend | Promise<Backend<never> | Backend>;

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
    const name = open.name || 'backend';
    try {
      const backend = (await open()) as Backend;
      const { variant } = backend.info();
      return { backend, tried: [...tried, `${name}: opened (${variant})`] };
    } catch (error) {
      tried.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return fail(
    'no-backend',
    `pickBackend: none of ${openers.length} backends opens (${tried.join('; ') || 'the list is empty'}). Add one that always does, such as cpu.`,
  );
}
