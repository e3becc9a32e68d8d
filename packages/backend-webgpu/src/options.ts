/** What `webgpu()` can be told, and whether it makes sense. Knows no device. */
import { checkOptions, fail, shown } from '@ostinato/core/backend';
import type { AdapterOptions } from './adapter.ts';
import type { PlanOptions } from './plan/plan.ts';

export interface WebGpuOptions extends AdapterOptions, Omit<PlanOptions, 'schedule'> {
  /**
   * How scans run; by default what suits the kind of adapter. `measured`: each program is compiled for both, runs some times
   * on zeros, and keeps what was faster here. That takes longer, memory for its arguments once more, and two processes may
   * choose differently.
   */
  readonly schedule?: 'persistent' | 'stepwise' | 'measured' | undefined;
  /** For which kind of adapter kernels are chosen; by default for what it is. */
  readonly tuning?: 'gpu' | 'software' | undefined;
  /** Whether reductions use subgroups; by default where the device has them. */
  readonly subgroups?: boolean | undefined;
  /** Times every dispatch, each in a pass of its own, for `timings`. Needs an adapter with timestamps. */
  readonly profile?: boolean | undefined;
}

const choices = {
  schedule: ['persistent', 'stepwise', 'measured'],
  tuning: ['gpu', 'software'],
  powerPreference: ['low-power', 'high-performance'],
} as const satisfies Partial<Record<keyof WebGpuOptions, readonly string[]>>;

/** The most of each. A kernel names every row of its tile, so that a thousand would be half a megabyte of text. */
const counts = {
  tileRows: 64,
  stepsPerDispatch: Number.POSITIVE_INFINITY,
} as const satisfies Partial<Record<keyof WebGpuOptions, number>>;

const switches = [
  'allowSoftware',
  'residentWeights',
  'barriers',
  'subgroups',
  'profile',
] as const satisfies readonly (keyof WebGpuOptions)[];

/** Throws `option-invalid` for a name that is none, and a value that would become a wrong kernel, or none, much later. */
export function checkWebGpuOptions(options: WebGpuOptions): void {
  checkOptions(
    'webgpu',
    options,
    'gpu, powerPreference, allowSoftware, schedule, tuning, subgroups, profile, tileRows, stepsPerDispatch, residentWeights, barriers',
  );
  for (const name of switches) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'boolean')
      fail('option-invalid', `webgpu: ${name} is ${shown(value)}. Give true or false.`);
  }
  for (const [name, allowed] of Object.entries(choices)) {
    const value = options[name as keyof typeof choices];
    if (value === undefined || (allowed as readonly string[]).includes(value)) continue;
    const names = allowed.map((choice) => `'${choice}'`).join(' or ');
    fail('option-invalid', `webgpu: ${name} is ${shown(value)}. Give ${names}.`);
  }
  for (const [name, most] of Object.entries(counts)) {
    const n: unknown = options[name as keyof typeof counts];
    if (n === undefined || (Number.isInteger(n) && (n as number) >= 1 && (n as number) <= most))
      continue;
    fail(
      'option-invalid',
      `webgpu: ${name} is ${shown(n)}. Give a whole number from 1 ${Number.isFinite(most) ? `to ${most}` : 'up'}.`,
    );
  }
}
