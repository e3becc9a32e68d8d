/** `pnpm demo`: options in, exit code out. */
import process from 'node:process';
import { compare } from './compare.ts';
import { usageLine } from './errors.ts';
import { helpText, parseOptions } from './options.ts';

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options !== null) return await compare(options, args);
    console.log(helpText());
    return 0;
  } catch (error) {
    const line = usageLine(error);
    if (line === undefined) throw error;
    console.error(`sentiment: ${line}`);
    return 2;
  }
}

process.exitCode = await main(process.argv.slice(2));
