/** How a run is shown: the lines at its start and the table at its end. Knows no stream. */
import type { RunSettings } from './options.ts';
import type { BaselineResult, DataSummary, ModelResult } from './result.ts';

const thousands = (x: number): string => Math.round(x).toLocaleString('en-US');
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

export const TITLES = { rnn: 'SimpleRNN', lstm: 'LSTM', gru: 'GRU', baseline: 'bag of words' };

export function header(settings: RunSettings, data: DataSummary): string {
  const { words, embedding, units, maxlen, epochs, batch, learningRate, seed, backend } = settings;
  const what = settings.data === 'generated' ? 'generated sentences' : 'film reviews';
  const cells = settings.cells.map((cell) => TITLES[cell]).join(', ');
  const parts = [
    `${thousands(data.training)} ${what} to train`,
    `${thousands(data.validation)} to validate`,
    `${thousands(data.test)} held back`,
  ];
  return [
    `data      ${parts.join(', ')}; ${maxlen} steps${settings.mask ? ', padding masked' : ''}`,
    `models    ${cells}: Embedding(${words}, ${embedding}) -> cell(${units}) -> Dense(1, sigmoid)`,
    `training  ${epochs} epochs, batches of ${batch}, Adam ${learningRate}, seed ${seed}, backend ${backend}`,
  ].join('\n');
}

const HEAD = [
  'model',
  'parameters',
  'accuracy',
  'loss',
  'tokens/s',
  'peak memory',
  'best epoch',
  'seconds',
];

/** Accuracy and loss are those on held-back texts. */
export function table(models: readonly ModelResult[], baseline: BaselineResult | null): string {
  const rows = models.map((m) => [
    TITLES[m.cell],
    thousands(m.parameters),
    percent(m.testAccuracy),
    m.testLoss.toFixed(3),
    thousands(m.tokensPerSecond),
    `${thousands(m.peakMemoryMiB)} MiB`,
    `${m.bestEpoch} of ${m.epochs}`,
    m.seconds.toFixed(1),
  ]);
  if (baseline) {
    rows.push([
      TITLES.baseline,
      thousands(baseline.parameters),
      percent(baseline.testAccuracy),
      baseline.testLoss.toFixed(3),
      '-',
      `${thousands(baseline.peakMemoryMiB)} MiB`,
      '-',
      baseline.seconds.toFixed(1),
    ]);
  }
  return aligned([HEAD, ...rows]);
}

/** The first column to the left, numbers to the right. */
function aligned([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    widths
      .map((width, i) => (i === 0 ? (row[i] ?? '').padEnd(width) : (row[i] ?? '').padStart(width)))
      .join('  ');
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join(
    '\n',
  );
}
