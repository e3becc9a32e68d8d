/**
 * A worker that leads the others, for a thread that must not wait: a page's own. It alone touches the memory, and does
 * what it is told in the order of the telling. Knows messages; knows no program.
 */
import type { Code, Job, Lead, Loaded } from '../jobs.ts';
import type { Heap } from '../memory.ts';
import { openCrew } from './crew.ts';
import type { Thread } from './thread.ts';

/** Starts `threads` workers and hands the memory over to the first. */
export async function openLead(heap: Heap, threads: number): Promise<Lead> {
  const crew = await openCrew(heap, 0, threads);
  const [first, ...helpers] = crew.workers as [Thread, ...Thread[]];
  let programs = 0;
  const tell = (doing: string, message: object, transfer?: readonly ArrayBuffer[]): void => {
    crew.check(doing);
    first.post(message, transfer);
  };
  /** The lead sends the helpers to their event loops, where their message waits already. */
  const tellAll = (
    doing: string,
    message: { kind: string; id: number; parted: boolean } & Partial<Code>,
  ): void => {
    crew.check(doing);
    if (message.parted) for (const w of helpers) w.post(message);
    first.post(message);
  };
  const lead: Lead = {
    check: crew.check,
    load({ modules, names, parted }: Code): Loaded {
      const id = programs++;
      tellAll('compile', { kind: 'load', id, modules, names, parted });
      return {
        run: (jobs) => tell('run', { kind: 'run', id, jobs: flat(jobs) }),
        drop: () => {
          if (crew.alive()) tellAll('dispose', { kind: 'drop', id, parted });
        },
      };
    },
    write(at, data) {
      const copy = new Uint8Array(data); // not slice(): Node's Buffer would share its bytes
      tell('write', { kind: 'write', at, data: copy }, [copy.buffer]);
    },
    clear: (at, size) => tell('alloc', { kind: 'clear', at, size }),
    async read(at, size, into) {
      // Other memory would have to be handed over, and the caller would be without it meanwhile.
      const fits = into?.length === size && into.buffer instanceof SharedArrayBuffer;
      const target = fits ? into : undefined;
      tell('read', { kind: 'read', at, size, target });
      try {
        const copy = (await first.answer()) as Uint8Array;
        return target ?? copy;
      } catch (error) {
        crew.check('read');
        throw error;
      }
    },
    dispose: crew.stop,
  };
  heap.lead = lead;
  return lead;
}

/** Per job: number, parts or 0, how many arguments, the arguments. Addresses above 2 GiB are negative, as wasm has them. */
const flat = (jobs: readonly Job[]): Int32Array =>
  Int32Array.from(
    jobs.flatMap(({ number, args, parts }) => [number, parts ?? 0, args.length, ...args]),
  );
