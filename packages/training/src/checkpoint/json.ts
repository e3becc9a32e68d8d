/** JSON with all numbers: it has no NaN and no infinities itself; losses do. */

export const toJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, spellOut, indent);

/** What `toJson` wrote; `{ number: 'NaN' }` and the like are the numbers. Throws a SyntaxError where the text is no JSON. */
export const fromJson = (text: string): unknown => JSON.parse(text, readBack);

const spellOut = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? { number: String(value) } : value;

const readBack = (_: string, value: unknown): unknown =>
  isSpelledOut(value) ? Number(value.number) : value;

/** Exactly what `spellOut` makes, for a record may well have a house's number. */
const isSpelledOut = (x: unknown): x is { number: string } =>
  typeof x === 'object' &&
  x !== null &&
  'number' in x &&
  Object.keys(x).length === 1 &&
  ['NaN', 'Infinity', '-Infinity'].includes(x.number as string);
