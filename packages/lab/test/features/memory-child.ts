// A process that fills a store from a stream of made-up texts and prints the most bytes it held meanwhile and its peak
// memory. Run by hand with any number of items: node --expose-gc --import tsx test/features/memory-child.ts FOLDER 1000000
import { rmSync } from 'node:fs';
import { float32 } from 'mien-engine/base';
import { textEmbedder } from '../../src/features/embed.js';
import type { StoreText } from '../../src/features/embed.js';
import { fillStore } from '../../src/features/fill.js';
import { fakeTextEncoder } from './fakes.js';

const [dir = '', count = '0'] = process.argv.slice(2);

/** Made one by one: nothing but the store could keep them. */
function* stream(total: number): Generator<StoreText> {
  for (let i = 0; i < total; i++)
    yield { id: `made-up/${i}`, text: `number ${i} ${'and so on '.repeat(i % 9)}` };
}

/** Batches between two looks at what is held. */
const INTERVAL = 20;
let batches = 0;
let held = 0;

/** Collects garbage first: when Node does so by itself depends on how busy the machine is. */
function look(): void {
  if (batches++ % INTERVAL !== 0) return;
  gc!();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  held = Math.max(held, heapUsed + arrayBuffers);
}

const width = 768;
const encoder = {
  ...fakeTextEncoder({ width }),
  // Nothing is computed: what is measured is the store.
  encode: (batch: readonly Int32Array[]) => {
    look();
    return Promise.resolve(
      float32([batch.length, width], new Float32Array(batch.length * width).fill(batch.length)),
    );
  },
};
const embedder = textEmbedder(encoder, { shardSize: 1024 });
const started = performance.now();
const { items } = await fillStore({ dir, set: 'isear', embedder, items: stream(Number(count)) });
const seconds = (performance.now() - started) / 1000;
rmSync(dir, { recursive: true });
process.stdout.write(JSON.stringify({ items, seconds, held, peak: process.resourceUsage().maxRSS * 1024 }));
