/** How many kernels a program launches, read off the program: no device, so a regression fails everywhere alike. */
import type { Instr, Program } from '@ostinato/core/backend';

export interface LaunchCount {
  /** Instructions at this level; a scan is one. */
  readonly total: number;
  readonly loop: number;
  readonly contract: number;
  readonly gather: number;
  readonly scatter: number;
  readonly scan: number;
  /** What each scan launches per step, in program order. */
  readonly scans: readonly {
    readonly label: string;
    readonly length: number;
    readonly perStep: LaunchCount;
  }[];
}

export function countLaunches(program: Program): LaunchCount {
  const count = (kind: Instr['kind']): number => program.code.filter((i) => i.kind === kind).length;
  return {
    total: program.code.length,
    loop: count('loop'),
    contract: count('contract'),
    gather: count('gather'),
    scatter: count('scatter'),
    scan: count('scan'),
    scans: program.code.flatMap((i) =>
      i.kind === 'scan'
        ? [{ label: i.label, length: i.length, perStep: countLaunches(i.body) }]
        : [],
    ),
  };
}
