/**
 * Trees of leaves: records, arrays and null around tensors. Parameters, states and batches are such trees. Knows how to
 * take them apart and put them together, always with the keys in sorted order.
 */
import { fail, shown } from '../errors.ts';
import { Tensor } from './tensor.ts';

/**
 * The constraint for a tree of tensors, `T extends Tree<T>`. It is homomorphic, so that a user's `interface` fits as
 * well as a type alias. A part that is unknown fits: the parameters of a layer that is chosen at run time.
 */
export type Tree<T> = Tensor | null | undefined | { readonly [K in keyof T]: Branch<T[K]> };

type Branch<T> = unknown extends T
  ? T
  : T extends Tensor | null | undefined
    ? T
    : T extends (...args: never[]) => unknown
      ? never
      : T extends object
        ? { readonly [K in keyof T]: Branch<T[K]> }
        : never;

/** The shape of a tree without its leaves. Equal structures have equal text. */
export interface TreeShape {
  readonly text: string;
  /** One path per leaf, such as `encoder.weights.0`. */
  readonly paths: readonly string[];
  build(leaves: readonly unknown[]): unknown;
  /** The leaves of a tree if it has this structure; takes a fraction of flatten's time. */
  take(tree: unknown): unknown[] | undefined;
}

/** A tree without its leaves. */
interface Node {
  readonly text: string;
  /** The tree again, of the leaves that come next in the queue. */
  build(queue: unknown[]): unknown;
  /** Adds the leaves of `tree` to `out` if it is alike; otherwise what it adds is of no use. */
  take(tree: unknown, out: unknown[]): boolean;
}

const isAbsent = (x: unknown): x is null | undefined => x === null || x === undefined;

const isPlainRecord = (x: unknown): x is Readonly<Record<string, unknown>> => {
  if (typeof x !== 'object' || x === null) return false;
  const prototype: unknown = Object.getPrototypeOf(x);
  // Not compared with Object.prototype: records may come from another realm (a frame, a vm context).
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};

/** Takes a tree apart. `isLeaf` decides what is not looked into; anything else that is no container is an error. */
export function flatten<Leaf = Tensor>(
  tree: unknown,
  isLeaf: (x: unknown) => boolean = (x) => x instanceof Tensor,
): { leaves: Leaf[]; shape: TreeShape } {
  const leaves: Leaf[] = [];
  const paths: string[] = [];
  const visit = (x: unknown, path: string): Node => {
    if (isAbsent(x)) return { text: '-', build: () => x, take: isAbsent };
    if (isLeaf(x)) {
      leaves.push(x as Leaf);
      paths.push(path);
      return {
        text: '*',
        build: (queue) => queue.shift(),
        take: (tree, out) => isLeaf(tree) && out.push(tree) > 0,
      };
    }
    const inner = (key: string | number, item: unknown): Node =>
      visit(item, path ? `${path}.${key}` : `${key}`);
    if (Array.isArray(x)) {
      const items = x.map((item, i) => inner(i, item));
      return {
        text: `[${items.map(({ text }) => text)}]`,
        build: (queue) => items.map((item) => item.build(queue)),
        take: (tree, out) =>
          Array.isArray(tree) &&
          tree.length === items.length &&
          items.every((item, i) => item.take(tree[i], out)),
      };
    }
    if (isPlainRecord(x)) {
      const items = Object.keys(x)
        .sort()
        .map((key) => [key, inner(key, x[key])] as const);
      return {
        text: `{${items.map(([key, { text }]) => `${JSON.stringify(key)}:${text}`)}}`,
        build: (queue) => Object.fromEntries(items.map(([key, n]) => [key, n.build(queue)])),
        take: (tree, out) =>
          isPlainRecord(tree) &&
          Object.keys(tree).length === items.length &&
          items.every(([key, n]) => Object.hasOwn(tree, key) && n.take(tree[key], out)),
      };
    }
    return fail(
      'tree-leaf',
      `tree: "${path}" is ${shown(x)}. A tree holds tensors, null, arrays and plain records; wrap numbers with scalar().`,
    );
  };
  const { text, build, take } = visit(tree, '');
  return {
    leaves,
    shape: {
      text,
      paths,
      build: (values) => build([...values]),
      take(like) {
        const out: unknown[] = [];
        return take(like, out) ? out : undefined;
      },
    },
  };
}

/** The tensors of a tree, in the order of its sorted keys. */
export const leavesOf = <T>(tree: T): Tensor[] =>
  tree instanceof Tensor ? [tree] : flatten(tree).leaves;

/** A tree with other leaves. Of tensors again, it has the type of the tree itself, also where that is a type parameter. */
type Mapped<T, R> = [R] extends [Tensor] ? { [K in keyof T]: T[K] } : Replaced<T, R>;

type Replaced<T, R> = T extends Tensor
  ? R
  : T extends object
    ? { [K in keyof T]: Replaced<T[K], R> }
    : T;

/** The same tree with each leaf replaced; further trees of the same structure give `f` more arguments. */
export function mapTree<T, R = Tensor>(
  f: (leaf: Tensor, ...rest: Tensor[]) => R,
  tree: T,
  ...others: readonly unknown[]
): Mapped<T, R> {
  const { leaves, shape } = flatten(tree);
  const rest = others.map((o) => {
    const other = flatten(o);
    if (other.shape.text !== shape.text)
      fail(
        'tree-mismatch',
        `tree: structures ${shape.text} and ${other.shape.text} differ. Give trees of one structure.`,
      );
    return other.leaves;
  });
  return shape.build(
    leaves.map((leaf, i) => f(leaf, ...rest.map((r) => r[i] as Tensor))),
  ) as Mapped<T, R>;
}
