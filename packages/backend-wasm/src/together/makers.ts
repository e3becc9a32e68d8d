/**
 * What makes the inputs of a time loop that runs in strips, strip by strip: a map that nobody else reads, such as a loss'
 * gradient, never leaves the cache then, and a sum of what the map reads, such as the loss, finds it there. Knows windows
 * and places; emits nothing by itself.
 */
import {
  argsOfInstr,
  exprOrder,
  extent,
  type Instr,
  type Loop,
  type Operand,
  outsOfInstr,
  type Program,
  type Scan,
} from '@ostinato/core/backend';
import { independent, overlap, readsNothingOf } from '../hazards.ts';
import { prepareInstr } from '../instruction.ts';
import type { ModuleBuilder } from '../module-builder.ts';
import type { Argument, Call, Surroundings } from '../program.ts';
import { MAXIMUM_BUFFERS } from '../target.ts';
import { addressIn, apart, fixed } from './apart.ts';

/** A loop that may run some time steps at a time, before those of the time loop. */
export interface Maker {
  readonly loop: Loop;
  /** Which axis of its shape is time. */
  readonly time: number;
  /** Which of the time loop's xs it makes; a sum makes none. */
  readonly x: Operand | undefined;
}

/**
 * Those right before the time loop, where `passes/delay.ts` brings them. Whoever is `busy` elsewhere is none, nor what makes
 * something that `readers`, which run before all of it is made, read. What comes before such a one is none either: it would
 * take the loop along, to before that one.
 */
export function makersBefore(
  program: Program,
  scan: Scan,
  { readers, busy }: { readonly readers: readonly Instr[]; readonly busy: readonly Instr[] },
): readonly Maker[] {
  const all = findMakers(program, scan).filter(
    ({ loop }) =>
      !busy.includes(loop) && readers.every((i) => readsNothingOf(program.slots, i, loop)),
  );
  const before = program.code.slice(0, program.code.indexOf(scan));
  const near = before.slice(1 + before.findLastIndex((i) => all.every((m) => m.loop !== i)));
  return all.filter(({ loop }) => near.includes(loop));
}

/** All that could run as late as that. */
export function findMakers(program: Program, scan: Scan): readonly Maker[] {
  const before = program.code.slice(0, program.code.indexOf(scan));
  const canWait = (loop: Loop): boolean =>
    before.slice(before.indexOf(loop) + 1).every((i) => independent(program.slots, loop, i));
  const loops = before
    .filter((i) => i.kind === 'loop')
    .filter((i) => knowsNoTime(i) && fitsCall(i) && canWait(i));
  const maps = loops.flatMap((loop) => mapFor(program, scan, loop) ?? []);
  const sums = loops.flatMap((loop) => sumBeside(program, scan, loop, maps) ?? []);
  return [...sums, ...maps];
}

/** A value that depends on an axis knows it by its number. */
const knowsNoTime = ({ body }: Loop): boolean => exprOrder(body).every((x) => x.op !== 'axis');

/** Each operand gets a parameter. */
const fitsCall = ({ args, outs }: Loop): boolean => args.length + outs.length <= MAXIMUM_BUFFERS;

function mapFor({ code, slots, outputs }: Program, scan: Scan, loop: Loop): Maker | undefined {
  const { shape, over, args, outs } = loop;
  const [out] = outs as readonly [Operand];
  const x = scan.xs.find((o) => o.slot === out.slot);
  if (!x || over.length > 0 || outs.length > 1 || outputs.includes(out.slot)) return undefined;
  const [step] = x.strides as [number];
  const time = shape.findIndex((n, k) => n === scan.length && out.strides[k] === step);
  const touched = code.flatMap((i) => [...argsOfInstr(i), ...outsOfInstr(i)]);
  const alone = touched.filter((o) => o.slot === out.slot).length === 2;
  if (time < 0 || !alone || args.some((o) => overlap(slots, o.slot, out.slot))) return undefined;
  const { low, high } = extent(shape.with(time, 1), out.strides);
  const skipped = out.offset - x.offset;
  const inStep = skipped + low >= 0 && skipped + high <= step;
  const rest = { ...scan, xs: scan.xs.filter((o) => o !== x) };
  return inStep && independent(slots, loop, rest) ? { loop, time, x } : undefined;
}

function sumBeside(
  { slots }: Program,
  scan: Scan,
  loop: Loop,
  maps: readonly Maker[],
): Maker | undefined {
  const { shape, over, args, outs } = loop;
  const read = maps.flatMap((m) =>
    m.loop.args.map((o) => ({ slot: o.slot, step: o.strides[m.time] })),
  );
  const time = shape.findIndex(
    (n, k) =>
      n === scan.length &&
      outs.every((o) => o.strides[k] !== 0) &&
      args.some(({ slot, strides }) =>
        read.some((r) => r.slot === slot && r.step !== 0 && r.step === strides[k]),
      ),
  );
  const fits = over.length > 0 && time >= 0 && independent(slots, loop, scan);
  return fits ? { loop, time, x: undefined } : undefined;
}

/** Some time steps in a row. */
export interface Stretch {
  readonly low: number;
  readonly steps: number;
}

/** The call that makes a stretch. An x lies where the first one of all steps would. */
export function callOfMaker(
  module: ModuleBuilder,
  { loop, time, x }: Maker,
  name: string,
  { constants, partsOf, place }: Surroundings,
): (stretch: Stretch) => Call {
  const { main } = prepareInstr(module, apart(loop), name, { constants, range: { axis: time } });
  const shared = partsOf(loop) !== undefined;
  const at = (o: Operand, step: number): Argument =>
    addressIn(loop, o, step * (o.strides[time] as number), place);
  return ({ low, steps }) => {
    const from = x ? 0 : low;
    const args = [...loop.args.map((o) => at(o, low)), ...loop.outs.map((o) => at(o, from))];
    return shared
      ? { function: main, args, parts: steps }
      : { function: main, args: [...args, fixed(0), fixed(steps), fixed(0)] };
  };
}
