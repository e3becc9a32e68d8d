import { expect, test } from 'vitest';
import { entriesOf, entryProblems } from '../entries.ts';

const manifest = {
  name: '@ostinato/some',
  exports: {
    '.': './src/index.ts',
    './in': './src/in/index.ts',
    './package.json': './package.json',
  },
  publishConfig: {
    exports: {
      '.': {
        'types@<6.0': './dist/old.d.ts',
        types: './dist/index.d.ts',
        default: './dist/index.js',
      },
      './in': { types: './dist/in/index.d.ts', default: './dist/in/index.js' },
      './package.json': './package.json',
    },
  },
};
const { exports: published } = manifest.publishConfig;
const publishing = (exports: Record<string, string | Record<string, string>>) =>
  entryProblems({ dir: 'packages/some', manifest: { ...manifest, publishConfig: { exports } } });

test('entries that publish what their sources compile to', () => {
  expect(publishing(published)).toEqual([]);
  expect(entriesOf([{ dir: 'packages/some', layer: 'core', manifest }])).toEqual([
    '@ostinato/some',
    '@ostinato/some/in',
  ]);
});

test('an entry that is not published', () => {
  const { './in': _, ...rest } = published;
  expect(publishing(rest)).toEqual([
    'packages/some: exports (. ./in ./package.json) but publishes (. ./package.json)',
  ]);
});

test("an entry that publishes another one's file: it exists, and no linter of packages minds", () => {
  const { types, default: code } = published['.'];
  expect(publishing({ ...published, './in': { ...published['./in'], default: code } })).toEqual([
    'packages/some: publishes ./dist/index.js as default of ./in, not ./dist/in/index.js',
  ]);
  expect(publishing({ ...published, './in': { ...published['./in'], types } })).toEqual([
    'packages/some: publishes ./dist/index.d.ts as types of ./in, not ./dist/in/index.d.ts',
  ]);
  expect(publishing({ ...published, './in': code })).toHaveLength(2);
});
