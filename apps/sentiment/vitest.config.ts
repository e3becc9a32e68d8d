import { softwareGpu } from '@ostinato/software-gpu';
import { defineProject, mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

export default mergeConfig(
  shared,
  defineProject({ test: { name: 'app-sentiment', testTimeout: 60_000, ...softwareGpu() } }),
);
