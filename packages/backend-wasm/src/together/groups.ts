/** Instructions that run better together than one after another: which, and their calls. */
import type { Instr, Program } from '@ostinato/core/backend';
import type { ModuleBuilder } from '../module-builder.ts';
import type { Call, Surroundings, Together } from '../program.ts';
import { callsOfJoint, findJoints, membersOf } from './joint.ts';
import { callsOfStrips, findStrips } from './strips.ts';

/** Of each member: all in the place of the first one, but for results that wait for their turn. */
export function callsOfGroups(
  module: ModuleBuilder,
  program: Program,
  around: Surroundings,
): ReadonlyMap<Instr, readonly Call[]> {
  const calls = new Map<Instr, readonly Call[]>();
  const add = (made: Together | undefined): void => {
    const first = program.code.find((i) => made?.members.includes(i));
    for (const member of made?.members ?? []) {
      const late = made?.later.get(member) ?? [];
      calls.set(member, member === first ? [...(made?.calls ?? []), ...late] : late);
    }
  };
  const joints = findJoints(program);
  findStrips(program, joints, module.machine.strips).forEach((strips, k) => {
    add(callsOfStrips(module, strips, `strips_${k}`, around));
  });
  joints.forEach((joint, k) => {
    const members = membersOf(joint);
    if (members.some((i) => calls.has(i))) return;
    add(callsOfJoint(module, joint, `joint_${k}`, around));
  });
  return calls;
}
