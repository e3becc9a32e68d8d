/** What is compiled can be given back: no buffer stays behind, and two backends share nothing. */
import type { Backend } from '@ostinato/core/backend';
import { lstm, nested } from '../bodies.ts';
import { type CaseOptions, type ConformanceCase, withBackend } from '../case.ts';
import { random } from '../random.ts';
import { randomProgram } from '../random-program.ts';
import { check } from '../run.ts';
import { around } from './scans.ts';

async function compileAndDispose(
  backend: Backend,
  times: number,
  live: CaseOptions['liveBuffers'],
): Promise<void> {
  const before = live?.(backend) ?? 0;
  for (let k = 0; k < times; k++) {
    const r = random(`dispose ${k}`);
    const sizes = { rows: 2, units: 3, arenas: k % 3 };
    const scan = around(nested(lstm(sizes), 2, 1), { length: 3, arenas: k % 2 });
    await check(backend, k % 2 ? randomProgram(r) : scan, r);
    const after = live?.(backend) ?? 0;
    if (after !== before)
      throw new Error(
        `after dispose ${after} buffers are alive, before compile ${before}. Free scratch, arenas and carries.`,
      );
  }
}

const twoBackends: ConformanceCase = {
  name: 'lifecycle: two backends share nothing',
  async run(create) {
    const backends = [await create(), await create()] as const;
    const r = random('two backends');
    const program = randomProgram(r);
    await check(backends[0], program, r);
    backends[0].dispose();
    await check(backends[1], program, r);
    backends[1].dispose();
  },
};

async function describesItself(backend: Backend): Promise<void> {
  const { name, variant } = backend.info();
  if (name !== backend.name)
    throw new Error(`info() says "${name}", the backend "${backend.name}"`);
  if (!variant) throw new Error('info() names no variant');
  const { align, ...sizes } = backend.limits;
  if (!Number.isInteger(align) || align % 4 !== 0)
    throw new Error(`limits.align is ${align}. It is a multiple of 4 bytes.`);
  for (const [limit, value] of Object.entries(sizes))
    if (!(value > 0)) throw new Error(`limits.${limit} is ${value}. Say what fits, or Infinity.`);
}

export const lifecycleCases = ({ size, liveBuffers }: CaseOptions): ConformanceCase[] => [
  withBackend('lifecycle: dispose frees what compile allocated', (backend) =>
    compileAndDispose(backend, size === 'full' ? 20 : 6, liveBuffers),
  ),
  twoBackends,
  withBackend('lifecycle: a backend describes itself', describesItself),
];
