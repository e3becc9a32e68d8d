/**
 * The text of one kernel as it grows: bindings, parameters, workgroup arrays and lines. Sizes and offsets are parameters,
 * so that other lengths and batch sizes have the same text and share its pipeline. Knows WGSL; knows no instruction.
 */
import type { DType } from '@ostinato/core/backend';
import { functionsFor } from './functions.ts';

/** A device buffer that a kernel binds whole. Names are those of the program: the executable knows the buffers. */
export interface Binding {
  readonly buffer: string;
  readonly write: boolean;
}

/** A finished kernel. */
export interface Kernel {
  readonly code: string;
  readonly bindings: readonly Binding[];
  /** 32-bit words of the uniform `params`. */
  readonly params: readonly number[];
  /** Time loops around it whose step number it reads, outermost first. */
  readonly clocks: readonly number[];
}

/** That a kernel touches a buffer, as elements of a type. */
export interface Use {
  readonly buffer: string;
  readonly dtype: DType;
  readonly write: boolean;
  /** Only ever four neighbours at once. Where every use of a buffer says so, it is an array of vectors. */
  readonly vector?: boolean;
}

/** An array with the type of its elements in the text: floats as such, all else as words. */
export interface Storage {
  readonly name: string;
  readonly float: boolean;
  readonly vector: boolean;
}

export class KernelWriter {
  readonly threads: number;
  /** The device has subgroups: threads that pass values to one another without memory. */
  readonly subgroups: boolean;
  private readonly lines: string[] = [];
  private readonly storages = new Map<string, Storage & { write: boolean }>();
  private readonly params: number[] = [];
  private readonly clocks = new Set<number>();
  private readonly arrays: string[] = [];
  private readonly scratch = new Map<string, string>();
  private readonly functions = new Set<string>();
  private usesSubgroups = false;
  private names = 0;
  private depth = 1;

  constructor(
    { threads, subgroups }: { readonly threads: number; readonly subgroups: boolean },
    uses: readonly Use[],
  ) {
    this.threads = threads;
    this.subgroups = subgroups;
    for (const { buffer, dtype, write, vector = false } of uses) {
      const known = this.storages.get(buffer);
      const name = known?.name ?? `b${this.storages.size}`;
      const float = (known?.float ?? true) && dtype === 'float32';
      this.storages.set(buffer, {
        name,
        float,
        vector: vector && (known?.vector ?? true),
        write: write || (known?.write ?? false),
      });
    }
  }

  /** The array of a buffer that was announced. */
  storage(buffer: string): Storage {
    const found = this.storages.get(buffer);
    if (!found) throw new Error(`the kernel does not bind ${buffer}`);
    return found;
  }

  /** An array in workgroup memory. */
  workgroupArray(type: string, size: number): string {
    const name = `w${this.arrays.length}`;
    this.arrays.push(`var<workgroup> ${name}: array<${type}, ${size}>;`);
    return name;
  }

  /** One element per thread, for the time between two barriers: number `k` of a type is always the same array. */
  scratchArray(type: string, k: number): string {
    const key = `${type} ${k}`;
    let name = this.scratch.get(key);
    if (!name) {
      name = this.workgroupArray(type, this.threads);
      this.scratch.set(key, name);
    }
    return name;
  }

  emit(line: string): void {
    this.lines.push('  '.repeat(this.depth) + line);
  }

  /** Lines between braces. */
  block(head: string, body: () => void): void {
    this.emit(`${head} {`);
    this.depth++;
    body();
    this.depth--;
    this.emit('}');
  }

  /** A fresh name, and no type's: the 32nd of all may be that of an index `i`, which would hide `i32`. */
  name(prefix: string): string {
    const name = `${prefix}${this.names++}`;
    return name === 'i32' ? this.name(prefix) : name;
  }

  /** A named value. */
  let(prefix: string, text: string): string {
    const name = this.name(prefix);
    this.emit(`let ${name} = ${text};`);
    return name;
  }

  /** A number that changes with sizes, as u32: signed ones wrap, and so do sums and products of them. */
  param(value: number): string {
    return `p${this.params.push(value >>> 0) - 1}`;
  }

  /** The bits of a float that has no literal or comes from a size. */
  floatParam(value: number): string {
    return `bitcast<f32>(${this.param(new Uint32Array(Float32Array.of(value).buffer)[0] as number)})`;
  }

  /** The step number of a time loop around this kernel. */
  clock(level: number): string {
    this.clocks.add(level);
    return `step${level}`;
  }

  /** How many threads a subgroup has, which the device knows: with this, `thread` counts them one behind the other. */
  subgroupSize(): string {
    this.usesSubgroups = true;
    return 'together';
  }

  /** Marks a function of the library as used, and gives its name. */
  call(name: string): string {
    this.functions.add(name);
    return name;
  }

  kernel(): Kernel {
    const bindings = [...this.storages].map(([buffer, { write }]) => ({ buffer, write }));
    const clocks = [...this.clocks].sort((a, b) => a - b);
    const slots = Math.max(1, Math.ceil(this.params.length / 4));
    const head = [
      ...(this.usesSubgroups ? ['enable subgroups;', 'requires subgroup_id;'] : []),
      ...[...this.storages.values()].map(({ name, float, vector, write }, k) => {
        const element = float ? 'f32' : 'u32';
        const type = vector ? `vec4<${element}>` : element;
        return `@group(0) @binding(${k}) var<storage, ${write ? 'read_write' : 'read'}> ${name}: array<${type}>;`;
      }),
      `@group(0) @binding(${bindings.length}) var<uniform> params: array<vec4<u32>, ${slots}>;`,
      ...clocks.map((level, k) => `@group(1) @binding(${k}) var<uniform> step${level}: u32;`),
      ...this.arrays,
    ];
    const main = [
      `@compute @workgroup_size(${this.threads})`,
      'fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,',
      ...(this.usesSubgroups
        ? [
            '        @builtin(subgroup_size) subgroup_size: u32, @builtin(subgroup_id) subgroup: u32,',
            '        @builtin(subgroup_invocation_id) member: u32) {',
            `  let together = min(subgroup_size, ${this.threads}u);`,
            '  let thread = subgroup * together + member;',
          ]
        : ['        @builtin(local_invocation_index) thread: u32) {']),
      ...this.params.map((_, k) => `  let p${k} = params[${k >> 2}].${'xyzw'[k & 3]};`),
      ...this.lines,
      '}',
    ];
    const code = [...head, ...functionsFor(this.functions), ...main, ''].join('\n');
    return { code, bindings, params: this.params, clocks };
  }
}
