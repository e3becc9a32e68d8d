import { testBackend } from '@ostinato/backend-testing';
import { ownBackend } from '../own-backend.ts';

testBackend('own backend', ownBackend, { size: 'full' });
