/**
 * The blocked matrix product: packs panels of doubles that fit the caches and runs tiles over them. Knows sizes and
 * offsets; knows no axes.
 */
import type { Workspace } from '../workspace.ts';
import type { MatrixProduct } from './plan.ts';
import { multiplyTile, packPanel, tileSize, writeTile } from './tile.ts';

/** A product on arrays: where a, b and the out begin. */
export type Multiply = (
  ...args: [a: Float32Array, p: number, b: Float32Array, q: number, out: Float32Array, r: number]
) => void;

/** Two panels of this depth are 24 KiB: they share the first cache. */
const maxDepth = 384;
/** A block of columns at full depth is 768 KiB: it stays in the second cache while rows pass by. */
const maxColumns = 256;
const maxRows = 256;

const evenly = (size: number, limit: number): number => Math.ceil(size / Math.ceil(size / limit));
const wholeTiles = (size: number): number => Math.ceil(size / tileSize) * tileSize;

export function matrixKernel(
  { rows, columns, depth }: MatrixProduct,
  workspace: Workspace,
): Multiply {
  const depthStep = evenly(depth.size, maxDepth);
  const columnStep = wholeTiles(evenly(columns.size, maxColumns));
  const once = depthStep === depth.size;
  const rowStep = wholeTiles(evenly(rows.size, maxRows));
  const aPanel = workspace.doubles(0, depthStep * tileSize);
  const bPanels = workspace.doubles(1, depthStep * columnStep);
  // With one block of depth, tiles are written at once; else they wait here for the next.
  const waiting = workspace.doubles(2, once ? tileSize * tileSize : rowStep * columnStep);
  const [rowsA, , rowsOut] = rows.offsets;
  const [, columnsB, columnsOut] = columns.offsets;
  const [depthA, depthB] = depth.offsets;

  const packColumns = (
    b: Float32Array,
    q: number,
    column: number,
    from: number,
    to: number,
  ): void => {
    const panels = bPanels();
    const end = Math.min(column + columnStep, columns.size);
    for (let c = column, at = 0; c < end; c += tileSize, at += (to - from) * tileSize)
      packPanel(panels, at, b, q, columnsB, c, depthB, from, to);
  };

  return (a, p, b, q, out, r) => {
    const panelA = aPanel();
    const panelsB = bPanels();
    const tiles = waiting();
    for (let column = 0; column < columns.size; column += columnStep) {
      const columnEnd = Math.min(column + columnStep, columns.size);
      if (once) packColumns(b, q, column, 0, depth.size);
      for (let first = 0; first < rows.size; first += rowStep) {
        const rowEnd = Math.min(first + rowStep, rows.size);
        for (let from = 0; from < depth.size; from += depthStep) {
          const to = Math.min(from + depthStep, depth.size);
          const last = to === depth.size;
          if (!once) packColumns(b, q, column, from, to);
          let t = 0;
          for (let row = first; row < rowEnd; row += tileSize) {
            packPanel(panelA, 0, a, p, rowsA, row, depthA, from, to);
            let at = 0;
            for (let c = column; c < columnEnd; c += tileSize) {
              multiplyTile(panelA, 0, panelsB, at, to - from, tiles, t, from > 0);
              if (last) writeTile(tiles, t, out, r, rowsOut, row, columnsOut, c);
              at += (to - from) * tileSize;
              if (!once) t += tileSize * tileSize;
            }
          }
        }
      }
    }
  };
}
