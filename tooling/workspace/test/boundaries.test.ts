import { describe, expect, test } from 'vitest';
import { coreProblem, cycleIn, importsOf, layerProblem } from '../boundaries.ts';

const layers = new Map([
  ['@ostinato/core', 'core'],
  ['@ostinato/cells', 'cells'],
  ['@ostinato/backend-cpu', 'backend'],
]);

test('finds every form of import, and none in comments', () => {
  const source = `
    /** import { x } from 'in-a-comment'; */
    // export * from 'in-a-line-comment';
    import a from 'a';
    import 'b';
    export { c } from "c";
    import {
      d,
    } from './d.ts';
    const e = await import('e');
  `;
  expect(importsOf(source)).toEqual(['a', 'b', 'c', './d.ts', 'e']);
});

test('a string with what else begins a comment hides no import', () => {
  const source = `
    const files = ['src/*.ts', "/* it's", \`\${dir}/*.ts\`]; // don't
    export * from 'a';
    /** from 'b' */
    const c = await import('c'); /* import 'd' */
  `;
  expect(importsOf(source)).toEqual(['a', 'c']);
});

describe('layers', () => {
  test.each([
    ['backend', '@ostinato/core/backend'],
    ['datasets', '@ostinato/core/random'],
    ['layers', '@ostinato/cells'],
    ['app', '@ostinato/core/ndarray'],
    ['core', 'ndarray'],
  ])('%s may import %s', (layer, specifier) => {
    expect(layerProblem(layer, specifier, layers)).toBeNull();
  });

  test.each([
    ['backend', '@ostinato/core'],
    ['datasets', '@ostinato/core'],
    ['cells', '@ostinato/core/backend'],
    ['cells', '@ostinato/backend-cpu'],
    ['core', '@ostinato/cells'],
  ])('%s may not import %s', (layer, specifier) => {
    expect(layerProblem(layer, specifier, layers)).toContain(`imports ${specifier}`);
  });
});

test('inside core the arrows go one way', () => {
  expect(coreProblem('ops', 'ir')).toBeNull();
  expect(coreProblem('ir', 'ir')).toBeNull();
  expect(coreProblem('ir', 'ops')).toContain('imports ops/');
  expect(coreProblem('backend', 'autograd')).toContain('imports autograd/');
  expect(coreProblem('attic', 'ir')).toContain('no row');
});

test('a cycle is reported as a path', () => {
  expect(cycleIn({ a: ['b'], b: ['c'], c: [] })).toBeNull();
  expect(cycleIn({ a: ['b'], b: ['c'], c: ['b'] })).toEqual(['b', 'c', 'b']);
});
