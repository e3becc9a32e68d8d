/** Which result takes which donated argument's buffer. */
import type { Tensor } from '../graph/tensor.ts';

/** Pairs donated parameters with results of the same shape and type, by path where paths agree. */
export function donations(
  { params, donated }: { params: readonly Tensor[]; donated: readonly boolean[] },
  { results, paths }: { results: readonly Tensor[]; paths: readonly string[] },
): (readonly [input: number, output: number])[] {
  const free = new Set(results.keys());
  const pairs = new Map<number, number>();
  const fits = (p: Tensor, o: number): boolean => {
    const r = results[o] as Tensor;
    return r.dtype === p.dtype && `${r.shape}` === `${p.shape}`;
  };
  for (const exact of [true, false])
    params.forEach((p, i) => {
      if (!donated[i] || pairs.has(i)) return;
      const tail = p.label.split('.').slice(1).join('.');
      const found = [...free].find(
        (o) => fits(p, o) && (!exact || `.${paths[o]}`.endsWith(`.${tail}`)),
      );
      if (found === undefined) return;
      free.delete(found);
      pairs.set(i, found);
    });
  return [...pairs];
}
