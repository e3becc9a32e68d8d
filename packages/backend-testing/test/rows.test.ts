/** A backend that believes what core says about rows: each row runs the whole time loop alone. */
import {
  type Backend,
  bytesPerElement,
  constant,
  type Executable,
  hostMemory,
  type Instr,
  kernelBackend,
  mapLeaves,
  type Operand,
  type OwningLaunch,
  type Program,
  type Ref,
  type Rows,
  referenceKernels,
  type Scan,
} from '@ostinato/core/backend';
import { afterAll, expect } from 'vitest';
import { testBackend } from '../src/index.ts';

type Host = ArrayBuffer;
let alone = 0;

const rowByRow = (): Backend<Host> =>
  kernelBackend('row by row', hostMemory(), {
    ...referenceKernels(),
    scan: (scan) => (scan.rows ? eachRow(scan, scan.rows) : null),
  });

/** The body with the row axis of each instruction cut to one row. */
function oneRow(body: Program, rows: Rows, row: number): Program {
  const cut = (instr: Instr, axis: number): Instr => {
    if (instr.kind !== 'loop' && instr.kind !== 'contract')
      throw new Error(`rows of a ${instr.kind}`);
    expect(instr.shape[axis]).toBe(rows.count);
    const move = (o: Operand): Operand => {
      const stride = o.strides[axis] ?? 0;
      // What shares no rows is the same for all of them, and the others step by their slot's stride.
      if (rows.count > 1) expect(stride).toBe(rows.stride[o.slot] ?? 0);
      return { ...o, offset: o.offset + row * stride };
    };
    const shape = instr.shape.map((n, a) => (a === axis ? 1 : n));
    const [args, outs] = [instr.args.map(move), instr.outs.map(move)];
    if (instr.kind === 'contract') return { ...instr, shape, args, outs } as unknown as Instr;
    const here = (l: Parameters<typeof mapLeaves>[0]): typeof l =>
      l.op === 'axis' && l.axis === axis ? constant(row, 'int32') : l;
    return { ...instr, shape, args, outs, body: instr.body.map((x) => mapLeaves(x, here)) };
  };
  const code = body.code.map((instr, k) => {
    const axis = rows.axis[k] ?? null;
    return axis === null ? instr : cut(instr, axis);
  });
  return { ...body, code };
}

async function eachRow(scan: Scan, rows: Rows): Promise<OwningLaunch<Host>> {
  alone++;
  const inner = kernelBackend('inner', hostMemory(), referenceKernels());
  const bodies: Executable<Host>[] = [];
  for (let row = 0; row < rows.count; row++)
    bodies.push(await inner.compile(oneRow(scan.body, rows, row)));
  const bytesOf = (k: number): number => {
    const { size, dtype } = scan.body.slots[k] as Program['slots'][number];
    return size * bytesPerElement[dtype];
  };
  const carrySlots = scan.body.outputs.slice(0, scan.init.length);
  return {
    launch(refs) {
      const at = (o: Operand, t = 0): Ref<Host> => {
        const { buffer, offset } = refs[o.buffer] as Ref<Host>;
        return {
          buffer,
          offset: offset + (o.offset + t * (o.strides[0] ?? 0)) * bytesPerElement[o.dtype],
        };
      };
      const results = bodies.map((body) => {
        let carry = scan.init.map((o) => at(o));
        for (let n = 0; n < scan.length; n++) {
          const t = scan.reverse ? scan.length - 1 - n : n;
          const next = carrySlots.map((k) => {
            const buffer = new ArrayBuffer(bytesOf(k));
            // NaN in all other rows: reading one would show.
            new Uint8Array(buffer).fill(0xff);
            return { buffer, offset: 0 };
          });
          const xs = scan.xs.map((o) => at(o, t));
          body.run(
            [...scan.consts.map((o) => at(o)), ...carry, ...xs],
            [...next, ...scan.ys.map((o) => at(o, t))],
          );
          carry = next;
        }
        return carry;
      });
      scan.finals.forEach((o, k) => {
        const to = at(o);
        results.forEach((carry, row) => {
          const slot = carrySlots[k] as number;
          const bytes = bytesOf(slot) / (rows.outputs[k] ? rows.count : 1);
          const from = rows.outputs[k] ? row * bytes : 0;
          const part = new Uint8Array((carry[k] as Ref<Host>).buffer, from, bytes);
          new Uint8Array(to.buffer, to.offset + from, bytes).set(part);
        });
      });
    },
    dispose() {
      for (const body of bodies) body.dispose();
    },
  };
}

testBackend('row by row', rowByRow, { size: 'quick' });

afterAll(() => expect(alone).toBeGreaterThan(50));
