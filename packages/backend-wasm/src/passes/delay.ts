/**
 * Brings what a time loop's strips may make themselves (together/makers.ts) right before that loop. Program to program;
 * knows windows and places.
 */
import type { Instr, Program, Scan } from '@ostinato/core/backend';
import { findMakers } from '../together/makers.ts';

export const delay = (program: Program): Program =>
  program.code.filter((i) => i.kind === 'scan').reduce(delayBefore, program);

function delayBefore(program: Program, scan: Scan): Program {
  const { code } = program;
  const place = code.indexOf(scan);
  const before = code.slice(0, place);
  const moved: readonly Instr[] = findMakers(program, scan).map((m) => m.loop);
  if (moved.length === 0) return program;
  const others = before.filter((i) => !moved.includes(i));
  return { ...program, code: [...others, ...moved, ...code.slice(place)] };
}
