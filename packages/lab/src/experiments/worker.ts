// A child process that trains heads: ONNX Runtime blocks the event loop, and one process a core trains fastest.
import { MienError } from 'mien-engine/base';
import { silentProgress } from 'mien/parts';
import type { Config } from './config.js';
import { experimentData, type ExperimentData, type TextSource } from './data.js';
import type { FeatureSets } from '../features/sets.js';
import { loadFeatures, type FeatureSource } from './features.js';
import type { ModelSpec } from './plan.js';
import { performRun } from './run.js';

/** What a worker is told, once. */
export interface WorkerSetup {
  readonly source: FeatureSource;
  readonly config: Config;
  readonly folder: string;
  readonly features: string;
}

/** One head with one seed. */
export interface Task {
  readonly model: ModelSpec;
  readonly seed: number;
}

export type ToWorker = { readonly setup: WorkerSetup } | { readonly task: Task } | { readonly stop: true };
export type FromWorker =
  | { readonly ready: true }
  | { readonly epoch: string }
  | { readonly done: true }
  | {
      readonly failed: {
        readonly code: MienError['code'] | undefined;
        readonly message: string;
        readonly stack?: string;
      };
    };

const send = (message: FromWorker): void => void process.send?.(message);

let setup: WorkerSetup;
const data = new Map<TextSource, ExperimentData>();
let sets: FeatureSets;
const stopping = new AbortController();

async function handle(message: ToWorker): Promise<void> {
  if ('stop' in message) return stopping.abort();
  if ('setup' in message) {
    setup = message.setup;
    sets = await loadFeatures(setup.source);
    return send({ ready: true });
  }
  const { texts = 'isear' } = message.task.model;
  const own = data.get(texts) ?? experimentData(sets, texts);
  data.set(texts, own);
  const progress = { ...silentProgress, message: (epoch: string) => send({ epoch }) };
  await performRun(own, { ...setup, ...message.task, progress, signal: stopping.signal });
  send({ done: true });
}

process.on('message', (message: ToWorker) => {
  handle(message).catch((error: unknown) => {
    const { message: text, stack } = error instanceof Error ? error : new Error(String(error));
    send({
      failed: {
        code: error instanceof MienError ? error.code : undefined,
        message: text,
        ...(stack ? { stack } : {}),
      },
    });
  });
});
// The terminal sends Ctrl-C to all processes; the parent decides what becomes of it.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
