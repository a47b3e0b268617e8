// A child process that trains heads: ONNX Runtime blocks the event loop, and one process per core trains fastest.
import { serveTasks } from 'mien-engine/node';
import { silentProgress } from 'mien/parts/base';
import { experimentData, type ExperimentData, type TextSource } from './data.js';
import { loadFeatures } from './features.js';
import { performRun } from './run.js';
import { hashFor, type Task, type WorkerSetup } from './worker-setup.js';

/** Runs are saved in the folder; notes are lines about epochs. */
serveTasks<WorkerSetup, Task, undefined, undefined, string>(async (setup) => {
  const sets = await loadFeatures(setup.source);
  const data = new Map<TextSource, ExperimentData>();
  return {
    info: undefined,
    async run({ model, seed }, { signal, note }) {
      const { texts = 'isear' } = model;
      const examples = data.get(texts) ?? experimentData(sets, texts);
      data.set(texts, examples);
      await performRun(examples, {
        ...setup,
        features: hashFor(setup, { model }),
        model,
        seed,
        signal,
        progress: { ...silentProgress, message: note },
      });
    },
  };
});
