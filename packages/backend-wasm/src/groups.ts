/** Instructions that run better together than one after another: which, and their calls. */
import type { Instr, Program } from '@ostinato/core/backend';
import { callsOfJoint, findJoints, membersOf, single } from './joint.ts';
import type { ModuleBuilder } from './module-builder.ts';
import type { Call, Surroundings } from './program.ts';
import { callsOfStrips, findStrips } from './strips.ts';

/** By the first member; none for the others. */
export function callsOfGroups(
  module: ModuleBuilder,
  program: Program,
  around: Surroundings,
): ReadonlyMap<Instr, readonly Call[]> {
  const calls = new Map<Instr, readonly Call[]>();
  const add = (members: readonly Instr[], made: readonly Call[]): void => {
    const first = program.code.find((i) => members.includes(i));
    for (const member of members) calls.set(member, member === first ? made : []);
  };
  const joints = findJoints(program);
  const all = [...joints, ...single(program, joints)];
  findStrips(program, all, module.machine.strips).forEach((strips, k) => {
    const made = callsOfStrips(module, strips, `strips_${k}`, around);
    if (made) add(made.members, made.calls);
  });
  joints.forEach((joint, k) => {
    const members = membersOf(joint);
    if (members.some((i) => calls.has(i))) return;
    const made = callsOfJoint(module, joint, `joint_${k}`, around);
    if (made) add(members, made);
  });
  return calls;
}
