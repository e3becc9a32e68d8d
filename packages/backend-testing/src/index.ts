/** `@ostinato/backend-testing`: the conformance suite in vitest. Without vitest: `@ostinato/backend-testing/cases`. */
export * from './cases.ts';
export { type TestBackendOptions, testBackend } from './vitest.ts';
