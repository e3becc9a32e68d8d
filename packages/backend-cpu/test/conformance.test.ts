import { testBackend } from '@ostinato/backend-testing';
import { cpu } from '../src/index.ts';

testBackend('cpu', () => cpu(), { size: 'full' });
