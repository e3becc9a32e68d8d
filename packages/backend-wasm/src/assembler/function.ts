/** Functions under construction: locals, statements and structured control. Knows no bytes. */
import { node } from './codes.ts';
import { i32, type Op, type Type, type Value } from './instructions.ts';

export interface Local<T extends Type = Type> {
  readonly type: T;
  readonly index: number;
  readonly name: string;
}

export type Statement =
  | {
      readonly kind: 'do';
      readonly op: Op;
      readonly args: readonly Value[];
      readonly imm: readonly number[];
    }
  | { readonly kind: 'call'; readonly callee: Callee; readonly args: readonly Value[] }
  | { readonly kind: 'loop'; readonly body: readonly Statement[] }
  | {
      readonly kind: 'if';
      readonly condition: Value<'i32'>;
      readonly whenTrue: readonly Statement[];
      readonly whenFalse: readonly Statement[];
    }
  /** Back to the start of the innermost loop if the condition holds. */
  | { readonly kind: 'repeat'; readonly condition: Value<'i32'> };

/** What who calls a function knows of it. */
export interface Callee {
  readonly name: string;
  readonly params: readonly Local[];
}

export interface Func extends Callee {
  readonly locals: readonly Local[];
  readonly body: readonly Statement[];
}

/** Builds one function. Statements are appended where the code that calls it stands. */
export class FunctionBuilder {
  readonly name: string;
  readonly #storesApart: boolean;
  readonly #params: Local[] = [];
  readonly #locals: Local[] = [];
  /** Reading a local, by its number. */
  readonly #reads: Value[] = [];
  #body: Statement[] = [];

  /** `storesApart`: stores of vectors have addresses of their own instead of offsets. */
  constructor(
    name: string,
    { storesApart = false }: { readonly storesApart?: boolean | undefined } = {},
  ) {
    this.name = name;
    this.#storesApart = storesApart;
  }

  /** Parameters come before locals: `define` in module-builder.ts asks for no body before it has them. */
  param<T extends Type>(type: T, name: string): Local<T> {
    const local = { type, index: this.#params.length, name };
    this.#params.push(local);
    return local;
  }

  local<T extends Type>(type: T, name: string): Local<T> {
    const local = { type, index: this.#params.length + this.#locals.length, name };
    this.#locals.push(local);
    return local;
  }

  get<T extends Type>(local: Local<T>): Value<T> {
    const { type, index } = local;
    this.#reads[index] ??= node(type, 'local.get', [], [index]);
    return this.#reads[index] as Value<T>;
  }

  set<T extends Type>(local: Local<T>, value: Value<T>): void {
    this.do('local.set', [value], this.get(local).imm);
  }

  /** A new local that holds a value. */
  let<T extends Type>(name: string, value: Value<T>): Local<T> {
    const local = this.local(value.type, name);
    this.set(local, value);
    return local;
  }

  /** local += n. */
  advance(local: Local<'i32'>, by: number | Value<'i32'>): void {
    if (by !== 0) this.set(local, i32.add(this.get(local), by));
  }

  store(
    op: 'i32.store' | 'f32.store' | 'v128.store',
    at: Value<'i32'>,
    value: Value,
    offset = 0,
  ): void {
    if (this.#storesApart && op === 'v128.store') this.do(op, [i32.add(at, offset), value], [0]);
    else this.do(op, [at, value], [offset]);
  }

  call(callee: Callee, args: readonly Value[]): void {
    this.#body.push({ kind: 'call', callee, args });
  }

  do(op: Op, args: readonly Value[], imm: readonly number[] = []): void {
    this.#body.push({ kind: 'do', op, args, imm });
  }

  /** Runs `body` n times, n >= 1, counting a fresh local down. Nothing is emitted for n = 0, no loop for n = 1. */
  times(n: number | Value<'i32'>, body: () => void): void {
    if (n === 0) return;
    if (n === 1) {
      body();
      return;
    }
    const left = this.let('left', typeof n === 'number' ? i32.const(n) : n);
    this.loop(() => {
      body();
      this.set(left, i32.add(this.get(left), -1));
      this.repeatIf(this.get(left));
    });
  }

  /** A loop that ends unless `repeatIf` goes back to its start. */
  loop(body: () => void): void {
    this.#body.push({ kind: 'loop', body: this.#nested(body) });
  }

  /** Goes back to the start of the innermost loop if the condition holds. */
  repeatIf(condition: Value<'i32'>): void {
    this.#body.push({ kind: 'repeat', condition });
  }

  if(condition: Value<'i32'>, then: () => void, otherwise?: () => void): void {
    this.#body.push({
      kind: 'if',
      condition,
      whenTrue: this.#nested(then),
      whenFalse: otherwise ? this.#nested(otherwise) : [],
    });
  }

  /** What `body` appends, kept apart: `append` puts it in place once what goes before it is known. */
  collect(body: () => void): readonly Statement[] {
    return this.#nested(body);
  }

  append(statements: readonly Statement[]): void {
    this.#body.push(...statements);
  }

  finish(): Func {
    return {
      name: this.name,
      params: this.#params,
      locals: this.#locals,
      body: this.#body,
    };
  }

  #nested(body: () => void): Statement[] {
    const outside = this.#body;
    this.#body = [];
    body();
    const inside = this.#body;
    this.#body = outside;
    return inside;
  }
}
