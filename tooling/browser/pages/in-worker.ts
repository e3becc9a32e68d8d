/** Starts the worker that the page's folder names; that one says the rest. */
import { send } from '../report.ts';

const worker = new Worker(`${document.documentElement.dataset.worker}${location.search}`, {
  type: 'module',
});
worker.onerror = ({ message }) => {
  send(() => Promise.reject(new Error(`the worker failed: ${message}`))).catch(console.error);
};
