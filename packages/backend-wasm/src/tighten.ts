/** What makes time loops of a program do more, with less to store and load, before it is built. */
import type { Program } from '@ostinato/core/backend';
import { absorb } from './affine.ts';
import type { Machine } from './module-builder.ts';
import { sink } from './sink.ts';

export const tighten = (program: Program, machine: Machine): Program =>
  absorb(sink(program, machine.sinks), machine);
