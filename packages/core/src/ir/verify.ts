/**
 * Checks that a program keeps the format's promises, so that a backend may rely on them. Says which instruction and
 * which slot break one. Knows the format only: no graph, no backend.
 */
import { bytesPerElement, type DType, isFloat, isInteger } from './dtype.ts';
import { exprOrder } from './expr.ts';
import { folds, meet } from './overlap.ts';
import type { BufferUse, Instr, Loop, Operand, Program, Rows, Scan, Slot } from './program.ts';
import { exprType } from './scalar.ts';
import { type Described, describe, labelOf, type Wrong, withAxis, wrongAt } from './touch.ts';
import { trackValues } from './values.ts';
import { extent } from './view.ts';

export interface VerifyLimits {
  /** Distinct buffers that one instruction may touch. */
  readonly buffers?: number;
  /** Largest slot and arena, in bytes. */
  readonly bindingBytes?: number;
}

/** Throws an OstinatoError `program-invalid` at the first broken promise. */
export function verify(program: Program, limits: VerifyLimits = {}): void {
  verifyProgram(program, limits, '', program.outputs, new Map());
}

/**
 * `whole`: the outputs that must be written everywhere. `within`: the buffer outside the loop in which a slot of a
 * scan's body lies.
 */
function verifyProgram(
  program: Program,
  limits: VerifyLimits,
  where: string,
  whole: readonly number[],
  within: ReadonlyMap<number, string>,
): void {
  verifySlots(program, limits, where);
  const values = trackValues(program);
  program.code.forEach((instr, k) => {
    const scan = instr.kind === 'scan' ? ` "${instr.label}"` : '';
    const place = `${where}instruction ${k} (${instr.kind}${scan}): `;
    const wrong = wrongAt(place);
    if (instr.kind === 'scan') {
      verifyScan(instr, wrong);
      // A body may write its ys through windows that leave gaps; carries are read as a whole.
      const carries = instr.body.outputs.slice(0, instr.init.length);
      const inside = `${where}instruction ${k}, body of scan${scan}: `;
      verifyProgram(instr.body, limits, inside, carries, buffersWithin(instr, program, within));
    } else verifyShape(instr, wrong);
    const operands = describe(instr, program);
    verifyBuffers(instr, operands, program, { ...limits, within }, wrong);
    for (const o of operands) verifyWindow(o, wrong);
    if (instr.kind === 'loop') verifyBody(instr, wrong);
    else if (instr.kind !== 'scan') verifyTypes(instr, wrong);
    verifyOverlap(instr, operands, wrong);
    for (const o of operands) if (o.role === 'arg') values.read(o, wrong);
    for (const o of operands) if (o.role === 'out') values.write(o, wrong);
  });
  for (const k of program.outputs) values.finished(k, whole.includes(k), wrongAt(where));
}

// ---- slots ----

function verifySlots(program: Program, limits: VerifyLimits, where: string): void {
  const wrong = wrongAt(where);
  const callers = new Set([...program.inputs, ...program.outputs]);
  for (const [name, list] of [
    ['inputs', program.inputs],
    ['outputs', program.outputs],
  ] as const) {
    for (const k of list)
      if (!program.slots[k])
        wrong(`${name} name slot ${k} of ${program.slots.length}. Add the slot.`);
    if (new Set(list).size < list.length)
      wrong(`${name} [${list}] name one slot twice. Give each its own slot.`);
  }
  const room = limits.bindingBytes ?? Number.POSITIVE_INFINITY;
  program.slots.forEach((slot, k) => {
    const name = labelOf(program, k);
    if (!Number.isInteger(slot.size) || slot.size < 1)
      wrong(`${name} has size ${slot.size}. Leave out slots without elements.`);
    const bytes = slot.size * bytesPerElement[slot.dtype];
    if (bytes > room) wrong(`${name} has ${bytes} bytes, one binding holds ${room}. Split it.`);
    if (slot.arena !== undefined) verifyPlace(program, slot, name, callers.has(k), wrong);
  });
  program.scratch.forEach((bytes, k) => {
    if (bytes > room) wrong(`arena ${k} has ${bytes} bytes, one binding holds ${room}. Split it.`);
  });
}

function verifyPlace(
  program: Program,
  slot: Slot,
  name: string,
  caller: boolean,
  wrong: Wrong,
): void {
  if (caller)
    wrong(`${name} is an input or output and lies in arena ${slot.arena}. Leave out its arena.`);
  const room = program.scratch[slot.arena as number];
  if (room === undefined)
    wrong(`${name} lies in arena ${slot.arena} of ${program.scratch.length}. Add the arena.`);
  const width = bytesPerElement[slot.dtype];
  const offset = slot.offset ?? 0;
  if (!Number.isInteger(offset) || offset % width !== 0)
    wrong(`${name} starts at byte ${offset}. ${slot.dtype} needs a multiple of ${width}.`);
  const end = offset + slot.size * width;
  if (offset < 0 || end > room)
    wrong(
      `${name} takes bytes ${offset} to ${end} of arena ${slot.arena}, which has ${room}. Make it larger.`,
    );
}

// ---- shapes and types ----

function verifyShape(instr: Exclude<Instr, Scan>, wrong: Wrong): void {
  const over = 'over' in instr ? instr.over : [instr.rows];
  for (const n of [...instr.shape, ...over])
    if (!Number.isInteger(n) || n < 1)
      wrong(
        `shape [${instr.shape}] over [${over}] has an axis of size ${n}. Axes have at least 1.`,
      );
}

function verifyTypes(instr: Exclude<Instr, Loop | Scan>, wrong: Wrong): void {
  const [a, b] = instr.args;
  const out = instr.outs[0].dtype;
  if (instr.kind === 'contract') {
    if (!isFloat(out) || a.dtype !== out || b.dtype !== out)
      wrong(
        `a product of ${a.dtype} and ${b.dtype} into ${out}. All three have one float type: cast first.`,
      );
    return;
  }
  if (!isInteger(b.dtype)) wrong(`the index is ${b.dtype}. Pass int32 or uint32.`);
  if (a.dtype !== out) wrong(`takes ${a.dtype} and gives ${out}. Cast before or after.`);
  if (instr.kind === 'scatter' && out === 'bool') wrong('sums bool. Cast to int32 first.');
}

function verifyBody(loop: Loop, wrong: Wrong): void {
  if (loop.body.length !== loop.outs.length || loop.outs.length === 0)
    wrong(
      `${loop.body.length} expressions for ${loop.outs.length} outs. Give one each, at least one.`,
    );
  const rank = loop.shape.length + loop.over.length;
  const types = loop.args.map((a) => a.dtype);
  const memo = new Map<Loop['body'][number], DType | null>();
  for (const x of exprOrder(loop.body)) {
    if (x.op === 'axis' && !(x.axis >= 0 && x.axis < rank))
      wrong(`the body reads axis ${x.axis} of ${rank}. Use an axis of shape or over.`);
    if (x.op === 'arg' && !loop.args[x.index])
      wrong(`the body reads argument ${x.index} of ${loop.args.length}. Add it to args.`);
    if (exprType(x, types, memo) === null) {
      const got = 'args' in x ? x.args.map((y) => exprType(y, types, memo)).join(', ') : '';
      wrong(`${x.op}(${got}) has no type. Cast its arguments to what the scalar table accepts.`);
    }
  }
  loop.body.forEach((x, k) => {
    const got = exprType(x, types, memo);
    const want = (loop.outs[k] as Operand).dtype;
    if (got !== want) wrong(`expression ${k} is ${got}, its out is ${want}. Cast it.`);
    if (loop.over.length > 0 && loop.combine === 'sum' && want === 'bool')
      wrong(`expression ${k} sums bool. Cast to int32 first.`);
  });
}

function verifyScan(scan: Scan, wrong: Wrong): void {
  const { body, consts, init, xs, finals, ys } = scan;
  if (!Number.isInteger(scan.length) || scan.length < 1)
    wrong(`has ${scan.length} steps. Leave out scans without steps.`);
  const inputs = consts.length + init.length + xs.length;
  if (body.inputs.length !== inputs)
    wrong(
      `its body has ${body.inputs.length} inputs for ${consts.length} consts, ${init.length} carries and ${xs.length} xs. Give one each.`,
    );
  if (finals.length !== init.length)
    wrong(`has ${init.length} init and ${finals.length} finals. Give one of each per carry.`);
  if (body.outputs.length !== finals.length + ys.length)
    wrong(
      `its body has ${body.outputs.length} outputs for ${finals.length} carries and ${ys.length} ys. Give one each.`,
    );
  const both = body.inputs.find((k) => body.outputs.includes(k));
  if (both !== undefined)
    wrong(
      `its body has ${labelOf(body, both)} as input and output. Copy it: a body donates nothing.`,
    );
  init.forEach((_, k) => {
    const from = body.slots[body.inputs[consts.length + k] as number];
    const to = body.slots[body.outputs[k] as number];
    if (from && to && (from.dtype !== to.dtype || from.size !== to.size))
      wrong(
        `carry ${k} goes in as ${from.dtype}[${from.size}] and comes out as ${to.dtype}[${to.size}]. Keep both.`,
      );
  });
  const { rows } = scan;
  if (!rows) return;
  for (const [name, got, want] of [
    ['inputs', rows.inputs.length, body.inputs.length],
    ['outputs', rows.outputs.length, body.outputs.length],
    ['axis', rows.axis.length, body.code.length],
    ['stride', rows.stride.length, body.slots.length],
  ] as const)
    if (got !== want)
      wrong(`rows.${name} has ${got} entries, the body has ${want}. Give one each.`);
  verifyRows(body, rows, wrong);
}

/** An instruction has rows where what it writes has them, and only such a one reads what has rows, each its own. */
function verifyRows(body: Program, { axis, stride, count }: Rows, wrong: Wrong): void {
  body.code.forEach((instr, k) => {
    if (instr.kind === 'scan') return;
    const along = axis[k] ?? null;
    const check = (operand: Operand, does: 'reads' | 'writes'): void => {
      const step = stride[operand.slot] ?? null;
      const what = `rows: instruction ${k} (${instr.kind}) of the body ${does} ${labelOf(body, operand.slot)}`;
      if (along === null ? step !== null : does === 'writes' && step === null)
        wrong(
          `${what}, and only one of the two has rows. Part what rows share from what they do not.`,
        );
      if (along !== null && count > 1 && operand.strides[along] !== (step ?? 0))
        wrong(
          `${what} along axis ${along} with stride ${operand.strides[along]}, its rows are ${step ?? 0} apart. Correct one of them.`,
        );
    };
    for (const o of instr.outs) check(o, 'writes');
    // Each row takes what it likes of a table.
    const args =
      instr.kind === 'gather' ? [{ ...instr.args[0], strides: [0, 0] }, instr.args[1]] : instr.args;
    for (const o of args) check(o, 'reads');
    if (along !== null && instr.shape[along] !== count)
      wrong(`rows: axis ${along} of instruction ${k} has ${instr.shape[along]} of ${count} rows.`);
  });
}

// ---- buffers and windows ----

const bufferKey = (use: BufferUse, within: ReadonlyMap<number, string>): string =>
  (use.source === 'slot' ? within.get(use.index) : undefined) ?? `${use.source} ${use.index}`;

/** A body's inputs and outputs lie in the buffers that the scan touches, all carries in one of their own. */
function buffersWithin(
  scan: Scan,
  program: Program,
  outer: ReadonlyMap<number, string>,
): Map<number, string> {
  const { body, consts, init, xs, ys } = scan;
  const key = (slot: number): string => {
    const { arena } = program.slots[slot] as Slot;
    const use = arena === undefined ? { source: 'slot' as const, index: slot } : undefined;
    return `outside ${use ? bufferKey({ ...use, access: 'read' }, outer) : `arena ${arena}`}`;
  };
  const inputs = [
    ...consts.map((o) => key(o.slot)),
    ...init.map(() => 'carries'),
    ...xs.map((o) => key(o.slot)),
  ];
  const outputs = [...init.map(() => 'carries'), ...ys.map((o) => key(o.slot))];
  const out = new Map<number, string>();
  for (const [k, slot] of body.inputs.entries()) out.set(slot, inputs[k] ?? `slot ${slot}`);
  for (const [k, slot] of body.outputs.entries()) out.set(slot, outputs[k] ?? `slot ${slot}`);
  return out;
}

function verifyBuffers(
  instr: Instr,
  operands: readonly Described[],
  program: Program,
  limits: VerifyLimits & { readonly within: ReadonlyMap<number, string> },
  wrong: Wrong,
): void {
  const keys = instr.buffers.map((b) => `${b.source} ${b.index}`);
  keys.forEach((key, k) => {
    if (keys.indexOf(key) < k)
      wrong(`buffers list ${key} twice. List it once, with both accesses.`);
  });
  const most = limits.buffers ?? Number.POSITIVE_INFINITY;
  const distinct = new Set(instr.buffers.map((use) => bufferKey(use, limits.within))).size;
  if (distinct > most) wrong(`touches ${distinct} buffers, the backend binds ${most}. Split it.`);
  const reads = new Set<number>();
  const writes = new Set<number>();
  for (const { operand, role, name, slot } of operands) {
    const key = slot.arena === undefined ? `slot ${operand.slot}` : `arena ${slot.arena}`;
    if (keys[operand.buffer] !== key)
      wrong(
        `${name} lies in ${key}, its buffer ${operand.buffer} is ${keys[operand.buffer] ?? 'not listed'}. Correct buffers.`,
      );
    (role === 'arg' ? reads : writes).add(operand.buffer);
  }
  instr.buffers.forEach((use, k) => {
    const want = reads.has(k)
      ? writes.has(k)
        ? 'readwrite'
        : 'read'
      : writes.has(k)
        ? 'write'
        : 'unused';
    if (use.access !== want)
      wrong(`buffer ${k} (${keys[k]}) says ${use.access}, operands say ${want}.`);
  });
  const written = operands.find(
    ({ operand: { slot }, role }) =>
      role === 'out' && program.inputs.includes(slot) && !program.outputs.includes(slot),
  );
  if (written)
    wrong(`${written.name} is an input that is not donated. List it in outputs too, or copy it.`);
}

function verifyWindow(
  { operand, name, slot, base, shape, strides }: Described,
  wrong: Wrong,
): void {
  if (operand.dtype !== slot.dtype) wrong(`${name} says ${operand.dtype}, its slot ${slot.dtype}.`);
  if (strides.length !== shape.length)
    wrong(`${name} has strides [${strides}] for shape [${shape}]. Give one per axis.`);
  for (const s of [operand.offset, ...strides])
    if (!Number.isInteger(s))
      wrong(`${name} has offset ${operand.offset}, strides [${strides}]. Use whole numbers.`);
  const { low, high } = extent(shape, strides);
  const first = operand.offset - base + low;
  const last = operand.offset - base + high - 1;
  if (first < 0 || last >= slot.size)
    wrong(
      `${name} reaches elements ${first} to ${last} of ${slot.size}. Correct its offset, strides [${strides}] or shape [${shape}].`,
    );
}

// ---- overlap ----

function verifyOverlap(instr: Instr, operands: readonly Described[], wrong: Wrong): void {
  const outs = operands.filter((o) => o.role === 'out');
  const args = operands.filter((o) => o.role === 'arg');
  outs.forEach((out, k) => {
    if (out.time) verifySteps(out, wrong);
    else if (folds(out.shape, out.strides))
      wrong(
        `${out.name} writes an element twice: strides [${out.strides}] for shape [${out.shape}].`,
      );
    for (const other of outs.slice(k + 1))
      if (share(out, other))
        wrong(`${out.name} and ${other.name} overlap. Give each its own place.`);
    for (const arg of args)
      if (share(out, arg) && !mayShare(instr, out, arg))
        wrong(
          `${out.name} overlaps ${arg.name}. Write to another place, or to the very window that is read.`,
        );
  });
}

const share = (a: Described, b: Described): boolean =>
  a.operand.buffer === b.operand.buffer && a.touches.some((x) => b.touches.some((y) => meet(x, y)));

/** A loop without `over` may write the very window that it reads; a scan's final may lie where its init lay. */
function mayShare(instr: Instr, out: Described, arg: Described): boolean {
  const same =
    out.operand.offset === arg.operand.offset &&
    out.slot.dtype === arg.slot.dtype &&
    out.shape.every((n, a) => n === 1 || out.strides[a] === arg.strides[a]);
  if (instr.kind === 'scan') {
    const k = instr.finals.indexOf(out.operand);
    return same && k >= 0 && instr.init[k] === arg.operand;
  }
  return same && instr.kind === 'loop' && instr.over.length === 0;
}

/** No step of a scan writes what another step writes. */
function verifySteps({ name, time, operand }: Described, wrong: Wrong): void {
  if (!time || time.length === 1) return;
  const { length, step, first } = time;
  const later = first.map((t) => withAxis({ ...t, start: t.start + step }, length - 1, step));
  if (step === 0 || first.some((a) => later.some((b) => meet(a, b))))
    wrong(
      `${name} is written twice by different steps: time stride ${operand.strides}. Make it larger.`,
    );
}
