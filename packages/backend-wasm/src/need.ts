/** What is loaded when a program needs it. Knows that there is such, not what. */

/** What most pages do without: see extras.ts. */
export type Extras = typeof import('./extras.ts');

/** A program cannot be built yet. `compileProgram` loads the extras and begins again. */
export class ExtrasNeeded extends Error {}

export function need(extras: Extras | undefined): Extras {
  if (!extras) throw new ExtrasNeeded();
  return extras;
}
