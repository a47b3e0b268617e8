// The page's worker, so that the page remains responsive: has the model's files on the way before the code that reads them
// is there, and passes calls on to it.
import { expose } from 'comlink';
import { askEarly } from './early.js';
import type { api, LoadSettings } from './recognition.js';

/** Given with the worker, since messages come later. */
const settings = JSON.parse((globalThis as unknown as { name: string }).name) as LoadSettings;
const fetch = askEarly(settings);
const recognition = import('./recognition.js');

type Calls = typeof api;
type Passed<Name extends keyof Calls> = (
  ...given: Parameters<Calls[Name]>
) => Promise<Awaited<ReturnType<Calls[Name]>>>;

const calls = {
  async load(report: Parameters<Calls['load']>[1]) {
    return (await recognition).api.load(settings, report, fetch);
  },
  stored: (async () => (await recognition).api.stored()) as Passed<'stored'>,
  recognize: (async (input) => (await recognition).api.recognize(input)) as Passed<'recognize'>,
  explain: (async (input) => (await recognition).api.explain(input)) as Passed<'explain'>,
  stopExplaining: (async () => (await recognition).api.stopExplaining()) as Passed<'stopExplaining'>,
};

export type Api = typeof calls;

expose(calls);
