// Processor time of a voice's embedding for a second of sound on one thread, in float32, in integers and by PyTorch, in
// turn: other load on the machine changes it less than a clock's time.
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createSession, float32 } from 'mien-engine';
import { loadSpeech, melFilters, readClip, readPretrainedVoice, voiceModel, whisperTiny } from 'mien-lab';
import { smallestCosine, spread } from './compare.js';
import { notInstalled, startPeer } from './peer.js';
import { processorSeconds } from './processor-time.js';
import { createScratch } from './scratch.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { weights: { type: 'string' } },
});
const [folder] = positionals;
if (folder === undefined || values.weights === undefined) {
  console.error('Usage: node --import tsx bench/voice-time.ts RAVDESS --weights FOLDER');
  process.exit(2);
}

const CLIPS = 80;
const ROUNDS = 9;
const BLOCK = 3;

const { config, weights } = await readPretrainedVoice({ ...whisperTiny, folder: values.weights });
const tensors = await weights();
const { items } = await loadSpeech('ravdess', folder);
const clips = await Promise.all(
  items.filter((_, i) => i % Math.floor(items.length / CLIPS) === 0).map(readClip),
);
const seconds = clips.reduce((sum, { length }) => sum + length / 16_000, 0);

/** One round of our model: its embeddings, and the processor time that it took. */
async function ours(precision: 'float32' | 'small') {
  const model = voiceModel({ config, weights: tensors, block: BLOCK }, (embedding) => embedding, precision);
  const session = await createSession(model, { threads: 1 });
  const embeddings = new Float32Array(clips.length * config.width);
  const round = async (): Promise<number> => {
    const start = process.cpuUsage();
    for (const [i, clip] of clips.entries()) {
      const { embedding } = await session.run({ samples: float32([1, clip.length], clip) }, ['embedding']);
      embeddings.set(embedding.data as Float32Array, i * config.width);
    }
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
  return { embeddings, round, megabytes: model.length / 1e6 };
}

const [float, small] = [await ours('float32'), await ours('small')];
const scratch = await createScratch();
const peer = await startPeer('voice.py', {
  threads: 1,
  folder: values.weights,
  block: BLOCK,
  clips: await scratch.writeFloats('clips', clips),
  lengths: clips.map(({ length }) => length),
  filters: await scratch.writeFloats('filters', [melFilters(config.bands).data]),
});
const contenders: Record<string, () => Promise<number>> = {
  'mien, integers': small.round,
  'mien, float32': float.round,
};
if (peer)
  contenders[peer.about] = async () => {
    const before = await processorSeconds(peer.pid);
    await peer.ask('encode');
    return (await processorSeconds(peer.pid))! - before!;
  };
else console.log(notInstalled('PyTorch'));

const taken = Object.fromEntries(Object.keys(contenders).map((name) => [name, [] as number[]]));
for (const round of Object.values(contenders)) await round();
for (let i = 0; i < ROUNDS; i++)
  for (const [name, round] of Object.entries(contenders)) taken[name]!.push(await round());

console.log(
  `${clips.length} clips of ${(seconds / clips.length).toFixed(1)} s, block ${BLOCK}, ${ROUNDS} rounds in turn, ` +
    `load ${loadavg()[0]!.toFixed(1)}, ${cpus()[0]!.model}`,
);
const own = spread(taken['mien, integers']!);
for (const [name, all] of Object.entries(taken)) {
  const { median, min } = spread(all);
  const milliseconds = (value: number): string => ((1000 * value) / seconds).toFixed(2);
  console.log(
    `${name}: ${milliseconds(median)} ms of processor time a second of sound (least ${milliseconds(min)}), ` +
      `${(median / own.median).toFixed(2)} times the integers'`,
  );
}
const cosine = smallestCosine(float.embeddings, small.embeddings, config.width);
console.log(`models: ${float.megabytes.toFixed(1)} MB, ${small.megabytes.toFixed(1)} MB in integers`);
console.log(`smallest cosine between an embedding in integers and in float32: ${cosine.toFixed(5)}`);
if (peer) {
  await peer.ask('write', { file: scratch.path('embeddings') });
  const theirs = await scratch.readFloats('embeddings');
  console.log(
    `smallest cosine between ours and PyTorch's: ${smallestCosine(float.embeddings, theirs, config.width).toFixed(7)}`,
  );
  await peer.close();
}
await scratch.remove();
