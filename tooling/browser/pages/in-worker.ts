/** Starts the worker of the same page; `worker.ts` says the rest. */
import { send } from '../report.ts';

const worker = new Worker(`worker.js${location.search}`, { type: 'module' });
worker.onerror = ({ message }) => {
  send(() => Promise.reject(new Error(`the worker failed: ${message}`))).catch(console.error);
};
