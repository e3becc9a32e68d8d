/** What is done to programs that reduce, which are those that train, before they are built. */
import type { Program } from '@ostinato/core/backend';
import { delay } from './delay.ts';
import { shareReductions } from './share.ts';

export const arrange = (program: Program): Program => delay(shareReductions(program));
