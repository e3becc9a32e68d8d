/** JSON with all numbers: it has no NaN and no infinities itself; losses do. */

export const toJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, spellOut, indent);

/** What `toJson` wrote. Throws a SyntaxError where the text is no JSON. */
export const fromJson = (text: string): unknown => JSON.parse(text, readBack);

const spellOut = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? { number: String(value) } : value;

const readBack = (_: string, value: unknown): unknown =>
  typeof value === 'object' &&
  value !== null &&
  'number' in value &&
  typeof value.number === 'string'
    ? Number(value.number)
    : value;
