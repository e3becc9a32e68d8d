/** What a page finds out, and how it says so. Knows no browser by name and no test runner. */
import { type CreateBackend, conformanceCases } from '@ostinato/backend-testing/cases';

export interface Report {
  /** What was found out beside the cases. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Every note of the backends that ran, once. */
  readonly notes: readonly string[];
  readonly passed: number;
  /** `case name: message`, one per failed case. */
  readonly failed: readonly string[];
}

/** Runs the quick cases, or those whose names start so. */
export async function runCases(create: CreateBackend, only = ''): Promise<Omit<Report, 'facts'>> {
  const notes = new Set<string>();
  const failed: string[] = [];
  let passed = 0;
  const backends: Awaited<ReturnType<CreateBackend>>[] = [];
  const noted: CreateBackend = async () => {
    const backend = await create();
    backends.push(backend);
    return backend;
  };
  for (const { name, run } of conformanceCases({ size: 'quick' })) {
    if (!name.startsWith(only)) continue;
    console.log(name); // the browser's log ends with the case that hangs
    try {
      await run(noted);
      passed++;
    } catch (error) {
      failed.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    // After the run, because some notes come with the first program.
    for (const backend of backends.splice(0))
      for (const note of backend.info().notes ?? []) notes.add(note);
  }
  return { notes: [...notes], passed, failed };
}

/** Where pages and their workers send what they found; whoever opened the page reads it from the request. */
export const reports = '/report';

/** Sends the report, or the error instead of it. */
export async function send(make: () => Promise<Report>): Promise<void> {
  const body = await make().then(JSON.stringify, (error) =>
    JSON.stringify({ error: error instanceof Error ? error.stack : String(error) }),
  );
  await fetch(reports, { method: 'POST', body });
}
