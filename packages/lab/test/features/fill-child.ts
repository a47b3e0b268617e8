// A process that fills a store with fake encoders, for tests that kill it. Prints a line after every batch.
import { defined } from 'mien-engine/base';
import { silentProgress } from 'mien/parts/base';
import { faceEmbedder, textEmbedder } from '../../src/features/embed.js';
import { fillStore } from '../../src/features/fill.js';
import type { Part } from '../../src/features/format.js';
import { fakeFaceEncoder, fakeTextEncoder, rawDecode, someFaces, someTexts } from './fakes.js';

export interface ChildTask {
  dir: string;
  kind: 'text' | 'face';
  count: number;
  /** Milliseconds a batch. */
  delay: number;
  width?: number;
  /** Items left out at the front of the list, so that all shards differ from those of the whole list. */
  without?: number;
  part?: Part;
  withStates?: boolean;
}

const task = JSON.parse(process.argv[2]!) as ChildTask;
const { dir, count, delay, part, without = 0 } = task;
const options = { shardSize: 32, batchSize: 6, withStates: task.withStates === true };
const fake = { delay, ...defined({ width: task.width }) };
const progress = { ...silentProgress, advance: () => void process.stdout.write('batch\n') };
const common = { dir, progress, ...defined({ part }) };

try {
  const result =
    task.kind === 'text'
      ? await fillStore({
          ...common,
          set: 'isear',
          embedder: textEmbedder(fakeTextEncoder(fake), options),
          items: someTexts(count).slice(without),
        })
      : await fillStore({
          ...common,
          set: 'fer2013',
          embedder: faceEmbedder(fakeFaceEncoder(fake), { ...options, decode: rawDecode }),
          items: someFaces(count).slice(without),
        });
  process.stdout.write(`${JSON.stringify(result)}\n`);
} catch (error) {
  process.stderr.write((error as Error).message);
  process.exitCode = 1;
}
