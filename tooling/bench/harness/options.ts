/** The options that all benches share. */
import { parseArgs } from 'node:util';

export interface Options {
  /** A part of a case's name, such as "lstm" or "t16/gru". Empty: all cases. */
  readonly case: string;
  /** How often each side takes its turn in a pass. */
  readonly rounds: number;
  /**
   * Passes over all cases: what disturbs one of them for some minutes then disturbs a part of each figure. Not for cold
   * starts, whose rounds are processes of their own, nor for memory, which is counted.
   */
  readonly passes: number;
  /** Short turns and little warming up: to see what is several times off. */
  readonly quick: boolean;
  /** Only JSON lines, no table. */
  readonly json: boolean;
}

/** How a bench ends that has no case of that name. */
export const NO_CASE = 3;

const FULL_ROUNDS = 20;
const QUICK_ROUNDS = 3;

export const usage =
  'pnpm bench [name...] [--case part] [--rounds n] [--passes n] [--quick] [--json]';

/** Names of benches, and options. Throws with a line to print where an argument is unknown. */
export function parseOptions(args: readonly string[]): { names: string[]; options: Options } {
  const { values, positionals } = parseArgs({
    args: args.filter((arg) => arg !== '--'), // pnpm passes it on
    allowPositionals: true,
    options: {
      case: { type: 'string', default: '' },
      rounds: { type: 'string' },
      passes: { type: 'string', default: '1' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const { quick, json } = values;
  const count = (name: string, text: string): number => {
    const n = Number(text);
    if (!Number.isInteger(n) || n < 1)
      throw new RangeError(`--${name} is ${text}. Give a whole number from 1 on.`);
    return n;
  };
  const rounds = count('rounds', values.rounds ?? `${quick ? QUICK_ROUNDS : FULL_ROUNDS}`);
  const passes = count('passes', values.passes);
  return { names: positionals, options: { case: values.case, rounds, passes, quick, json } };
}
