/** What a conformance case is. Knows no test runner. */
import type { Backend } from '@ostinato/core/backend';

export type CreateBackend = () => Backend | Promise<Backend>;

export interface ConformanceCase {
  readonly name: string;
  /** Throws, and says where, if the backend is not right. */
  run(create: CreateBackend): Promise<void>;
}

export interface CaseOptions {
  /** `quick` for every save, `full` for every commit. */
  readonly size: 'quick' | 'full';
  /** Also what only a backend with float64 runs. Default false. */
  readonly float64?: boolean;
  /** How many buffers a backend has that nobody freed; makes the cases about leaks exact. */
  readonly liveBuffers?: (backend: Backend) => number;
}

/** A case that gets a fresh backend, disposed at the end. */
export const withBackend = (
  name: string,
  body: (backend: Backend) => Promise<void>,
): ConformanceCase => ({
  name,
  async run(create) {
    const backend = await create();
    try {
      await body(backend);
    } finally {
      backend.dispose();
    }
  },
});
