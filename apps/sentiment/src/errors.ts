/** What the person at the command line can put right: one line and exit code 2. Everything else is a bug and throws. */
import { type ErrorCode, OstinatoError } from '@ostinato/core';
import { DatasetError } from '@ostinato/datasets';

/** A bad option, a missing folder, a checkpoint that does not fit. Its message is one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Of the files that a run goes on with. All other codes of Ostinato's mean that this app is wrong. */
const OF_CHECKPOINTS: readonly ErrorCode[] = [
  'checkpoint-damaged',
  'checkpoint-foreign',
  'checkpoint-mismatch',
];

/** Of memory: what does not fit is as large as the options say. */
const OF_SIZES: readonly ErrorCode[] = ['out-of-memory', 'slot-too-large'];

/** The line to show, or undefined where the error is none of the user's. */
export function usageLine(error: unknown): string | undefined {
  if (isTooLarge(error)) {
    const [what] = oneLine(error.message).split('. '); // what to do is said in options here
    return `${what}. Give smaller --units, --embedding, --words, --batch or --maxlen`;
  }
  const known =
    error instanceof UsageError ||
    error instanceof DatasetError ||
    (error instanceof OstinatoError && OF_CHECKPOINTS.includes(error.code)) ||
    isOfSystem(error);
  return known ? oneLine(error.message) : undefined;
}

/** V8 has no code for an array that it cannot make, only this text. */
const isTooLarge = (error: unknown): error is Error =>
  (error instanceof OstinatoError && OF_SIZES.includes(error.code)) ||
  (error instanceof RangeError &&
    /^Array buffer allocation|^Invalid typed array length/.test(error.message));

/** A full disk, a folder that may not be read: Node names the call, and the path unless the file was open already. */
const isOfSystem = (error: unknown): error is Error => error instanceof Error && 'syscall' in error;

export const oneLine = (message: string): string => message.replace(/\s*\n\s*/g, ' ').trim();
