import { expect, test } from 'vitest';
import { DEFAULTS, helpText, parseOptions } from '../src/options.ts';

const settings = (...args: string[]) => parseOptions(args)?.settings;

test('runs the generated sentences and all models unless told', () => {
  expect(parseOptions([])).toEqual({
    settings: {
      data: 'generated',
      cells: ['rnn', 'lstm', 'gru'],
      limit: null,
      mask: false,
      backend: 'auto',
      seed: 0,
      ...DEFAULTS.generated,
    },
    dataDir: null,
    checkpointDir: null,
    resume: false,
    json: false,
  });
});

test("the film reviews' defaults are those of the text they come from", () => {
  expect(settings('--data', 'imdb')).toMatchObject({
    units: 64,
    embedding: 64,
    words: 10_000,
    maxlen: 500,
    epochs: 10,
    batch: 64,
  });
});

test('a folder of reviews asks for the reviews', () => {
  expect(parseOptions(['--data-dir', 'x'])).toMatchObject({
    settings: { data: 'imdb' },
    dataDir: 'x',
  });
});

test('reads every option', () => {
  const args =
    '--data imdb --data-dir d --cell gru --units 3 --embedding 4 --maxlen 5 --words 60 --epochs 7 --batch 8 --limit 90 --learning-rate 0.5 --dropout 0.25 --clip 0 --mask --backend cpu --seed 0 --json --resume --checkpoint-dir c';
  expect(parseOptions(args.split(' '))).toEqual({
    settings: {
      data: 'imdb',
      cells: ['gru'],
      units: 3,
      embedding: 4,
      maxlen: 5,
      words: 60,
      epochs: 7,
      batch: 8,
      limit: 90,
      learningRate: 0.5,
      dropout: 0.25,
      clip: 0,
      mask: true,
      backend: 'cpu',
      seed: 0,
    },
    dataDir: 'd',
    checkpointDir: 'c',
    resume: true,
    json: true,
  });
});

test.each([
  ['--cell transformer', /--cell is one of rnn, lstm, gru, all; got "transformer"/],
  ['--backend webgl', /--backend is one of auto, webgpu, wasm, cpu; got "webgl"/],
  ['--data mnist', /--data is one of generated, imdb; got "mnist"/],
  ['--units 0', /--units is a whole number from 1; got "0"/],
  ['--units 1.5', /--units is a whole number/],
  ['--epochs ten', /--epochs is a whole number/],
  ['--limit=-5', /--limit is a whole number from 5; got "-5"/],
  ['--seed=-1', /--seed is a whole number from 0/],
  ['--seed 9007199254740993', /--seed is a whole number/],
  ['--dropout 1', /--dropout is a number from 0 and below 1 in float32; got "1"/],
  ['--dropout 0.99999999', /--dropout is a number from 0 and below 1/],
  ['--learning-rate 0', /--learning-rate is a number above 0/],
  ['--learning-rate 1e-50', /--learning-rate is a number above 0 in float32; got "1e-50"/],
  ['--learning-rate 1e39', /--learning-rate is a number above 0/],
  ['--learning-rate Infinity', /--learning-rate is a number above 0/],
  ['--learning-rate=', /--learning-rate is a number/],
  ['--checkpoint-dir=', /--checkpoint-dir is empty/],
  ['--unit 3', /Unknown option '--unit'/],
  ['--units', /'--units <value>' argument missing/],
  ['--json=yes', /'--json' does not take an argument/],
  ['--limit -5', /'--limit' argument is ambiguous/],
  ['lstm', /Unexpected argument 'lstm'/],
  ['--data generated --data-dir x', /--data-dir is for --data imdb/],
])('refuses %s', (line, message) => {
  expect(() => parseOptions(line.split(' '))).toThrow(message);
  expect(() => parseOptions(line.split(' '))).toThrow(/^[^\n]*$/);
  expect(() => parseOptions(line.split(' '))).toThrow(
    expect.objectContaining({ name: 'UsageError' }),
  );
});

test('the help names each option and its defaults', () => {
  expect(parseOptions(['--help'])).toBeNull();
  expect(helpText()).toContain('--maxlen N');
  expect(helpText()).toContain('(25, imdb 500)');
  expect(
    helpText()
      .split('\n')
      .every((line) => line.length <= 100),
  ).toBe(true);
});
