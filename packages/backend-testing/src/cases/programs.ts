/** Whole programs: random ones, run again with other buffers, side by side with others. */
import {
  arg,
  type Backend,
  type Program,
  programBuilder,
  verify,
  window,
} from '@ostinato/core/backend';
import { lstm } from '../bodies.ts';
import { type CaseOptions, type ConformanceCase, withBackend } from '../case.ts';
import { type Random, random } from '../random.ts';
import { randomProgram } from '../random-program.ts';
import { bind, check, compareBound, expected, inputsFor, release, runBound } from '../run.ts';
import { around } from './scans.ts';

const recurrent = (arenas: number): Program =>
  around(lstm({ rows: 2, units: 3, arenas: 1 }), { length: 4, finals: 'scratch', arenas });

/** Several runs are enqueued before the first is looked at. */
async function runsAgain(backend: Backend, program: Program, r: Random): Promise<void> {
  verify(program, backend.limits);
  const executable = await backend.compile(program);
  const runs = [2, 0, 1].map((lead) => {
    const inputs = inputsFor(program, r);
    const bound = bind(backend, program, inputs, lead);
    runBound(executable, bound);
    return { inputs, bound };
  });
  for (const { inputs, bound } of runs) {
    await compareBound(backend, bound, await expected(program, inputs));
    release(backend, bound);
  }
  executable.dispose();
}

/** Runs of two executables in turn; one is disposed while the other goes on. */
async function interleaved(backend: Backend, programs: readonly [Program, Program]): Promise<void> {
  const r = random('interleaved');
  const [first, second] = await Promise.all(programs.map((p) => backend.compile(p)));
  if (!first || !second) throw new Error('compile gave nothing');
  const jobs = [0, 1, 0, 1].map((k) => {
    const program = programs[k as 0 | 1];
    const inputs = inputsFor(program, r);
    const bound = bind(backend, program, inputs, k);
    runBound(k === 0 ? first : second, bound);
    return { program, inputs, bound };
  });
  first.dispose();
  const program = programs[1];
  const inputs = inputsFor(program, r);
  const bound = bind(backend, program, inputs);
  runBound(second, bound);
  for (const job of [...jobs, { program, inputs, bound }]) {
    await compareBound(backend, job.bound, await expected(job.program, job.inputs));
    release(backend, job.bound);
  }
  second.dispose();
}

/** The output of one run is the input of the next, in place: a training step with donated parameters. */
async function feedsItself(backend: Backend): Promise<void> {
  const b = programBuilder();
  const x = b.donated('x', 'uint32', 8);
  const step = b.input('step', 'uint32', 8);
  const flat = [window(x, [1]), window(step, [1])];
  const body = [{ op: 'add', args: [arg(0), arg(1)] } as const];
  b.loop({ shape: [8], args: flat, body, outs: [window(x, [1])] });
  const program = b.program();
  const inputs = new Map([
    [x, [1, 2, 3, 4, 5, 6, 7, 8]],
    [step, [1, 1, 2, 2, 3, 3, 4, 4]],
  ]);
  const executable = await backend.compile(program);
  const bound = bind(backend, program, inputs, 1);
  for (let k = 0; k < 10; k++) runBound(executable, bound);
  const want = (inputs.get(x) as number[]).map((v, k) => v + 10 * (inputs.get(step)?.[k] ?? 0));
  await compareBound(backend, bound, new Map([...inputs, [x, want]]));
  release(backend, bound);
  executable.dispose();
}

/** Nothing to do is something to run, too. */
async function empty(backend: Backend): Promise<void> {
  const b = programBuilder();
  b.input('x', 'float32', 3);
  await check(backend, b.program(), random('empty'));
}

export function programCases({ size }: CaseOptions): ConformanceCase[] {
  const [batches, each] = size === 'full' ? [8, 15] : [2, 12];
  return [
    ...Array.from({ length: batches }, (_, batch) =>
      withBackend(`programs: random ${batch + 1}`, async (backend) => {
        for (let k = 0; k < each; k++) {
          const r = random(`random program ${batch} ${k}`);
          await check(backend, randomProgram(r), r);
        }
      }),
    ),
    withBackend('programs: run again with other buffers and offsets', async (backend) => {
      for (const arenas of [0, 1]) await runsAgain(backend, recurrent(arenas), random('again'));
      for (let k = 0; k < 4; k++)
        await runsAgain(backend, randomProgram(random(`again ${k}`)), random(`values ${k}`));
    }),
    withBackend('programs: two executables in turn', (backend) =>
      interleaved(backend, [recurrent(1), randomProgram(random('other'))]),
    ),
    withBackend('programs: one program compiled twice', async (backend) => {
      const program = recurrent(1);
      await interleaved(backend, [program, program]);
    }),
    withBackend('programs: a donated slot feeds the next run', feedsItself),
    withBackend('programs: no instructions', empty),
  ];
}
