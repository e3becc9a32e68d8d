/** Loss and accuracy over the steps of a run. Knows uPlot; knows no worker. */
import './language.ts';

import uPlot from 'uplot';
import { byId, decimal, make, percent } from './elements.ts';
import { type Columns, columnsOf, type Quantity } from './series.ts';
import type { Run } from './state.ts';
import { colourOf, onTheme } from './theme.ts';
import type { View } from './view.ts';

export function curvesView(): View {
  const curves = [curve('loss', (x) => decimal(x, 3)), curve('accuracy', (x) => percent(x, 1))];
  return {
    show: ({ run }) => {
      for (const { show } of curves) show(run);
    },
  };
}

function curve(
  quantity: Quantity,
  format: (value: number) => string,
): { show(run: Run | null): void } {
  const place = byId(`${quantity}-chart`, HTMLElement);
  const legend = byId(`${quantity}-legend`, HTMLElement);
  const trained = make('b', {}, '–');
  const held = make('b', {}, '–');
  legend.append(
    make('span', {}, 'training ', trained),
    make('span', { class: 'held' }, 'held back ', held),
  );

  let shown: Run | null = null;
  let columns: Columns = [[], [], [], []];
  let total = 100;
  let under: number | null = null;
  let chart = build();

  function say(): void {
    const at = under ?? columns[0].length - 1;
    const mean = columns[2][at];
    const lastHeld = columns[3].slice(0, at + 1).findLast((value) => value !== null);
    trained.textContent = mean === undefined ? '–' : format(mean);
    held.textContent = lastHeld === undefined || lastHeld === null ? '–' : format(lastHeld);
  }

  function build(): uPlot {
    const axis = {
      stroke: colourOf('--soft'),
      grid: { stroke: colourOf('--line'), width: 1 },
      ticks: { show: false },
      font: '12px "Inter Variable", system-ui, sans-serif',
    };
    return new uPlot(
      {
        width: place.clientWidth,
        height: place.clientHeight,
        legend: { show: false },
        padding: [8, 18, 0, 0],
        cursor: {
          y: false,
          drag: { x: false, y: false },
          points: { size: 7 },
          sync: { key: 'curves' },
        },
        scales: {
          x: { time: false, range: () => [0, total] },
          y: { range: (_, low, high) => limitsOf(quantity, low, high) },
        },
        axes: [
          { ...axis, size: 32, space: 64 },
          {
            ...axis,
            size: 46,
            space: 36,
            values: (_, ticks) => ticks.map((t) => tick(quantity, t)),
          },
        ],
        series: [
          {},
          { stroke: colourOf('--teal-faint'), width: 1, points: { show: false } },
          { stroke: colourOf('--teal'), width: 2.25, points: { show: false } },
          {
            stroke: colourOf('--ochre'),
            width: 1.5,
            spanGaps: true,
            points: {
              show: true,
              size: 6.5,
              width: 0,
              fill: colourOf('--ochre'),
              filter: () => columns[3].flatMap((y, i) => (y === null ? [] : [i])),
            },
          },
        ],
        hooks: {
          setCursor: [
            (plot) => {
              under = plot.cursor.idx ?? null;
              say();
            },
          ],
        },
      },
      columns,
      place,
    );
  }

  const rebuild = (): void => {
    chart.destroy();
    chart = build();
  };
  onTheme(rebuild);
  // What was drawn before a font is there stays in another one.
  void document.fonts.ready.then(rebuild);
  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = place;
    if (width !== chart.width || height !== chart.height) chart.setSize({ width, height });
  }).observe(place);

  return {
    show(run) {
      const isNews = run?.points !== shown?.points || run?.epochs !== shown?.epochs;
      if (run?.id === shown?.id && run?.facts === shown?.facts && !isNews) return;
      shown = run;
      total = run?.facts ? run.facts.stepsPerEpoch * run.settings.epochs : 100;
      const { points = [], epochs = [] } = run ?? {};
      columns = columnsOf({ points, epochs, total }, quantity);
      chart.setData(columns);
      say();
    },
  };
}

function limitsOf(quantity: Quantity, low: number | null, high: number | null): [number, number] {
  if (quantity === 'loss') return [0, high === null || high <= 0 ? 1 : high * 1.05];
  return [low === null ? 0 : Math.max(0, Math.floor(low * 10) / 10), 1];
}

const tick = (quantity: Quantity, value: number): string =>
  quantity === 'loss' ? String(Math.round(value * 1000) / 1000) : percent(value);
