// How well words are transcribed: word error rate on RAVDESS's two sentences, and what a second of sound costs on one thread,
// with weights in floats and in integers. How much silence follows a clip is chosen on other clips than those reported.
import { parseArgs } from 'node:util';
import { randomStream } from 'mien-engine';
import { loadSpeech, readPretrainedWords, whisperTiny, wordsFiles } from 'mien-lab';
import { decodeAudio } from 'mien/parts/audio';
import { openTranscriber, type Transcriber } from 'mien/parts/words';
import { machineKind } from './machine.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    weights: { type: 'string' },
    precision: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error(
    'Usage: node --import tsx bench/words.ts RAVDESS [--weights FOLDER] [--precision float32|small] [--quick]',
  );
  process.exit(2);
}

/** RAVDESS's sentences by the fifth number of a clip's name. */
const SENTENCES: Readonly<Record<string, string>> = {
  '01': 'kids are talking by the door',
  '02': 'dogs are sitting by the door',
};
/** Clips of each actor on which the silence is chosen, and on which figures are reported. */
const CHOSEN_ON = 1;
const REPORTED_ON = values.quick ? 1 : 4;
/** Seconds of silence behind a clip; Whisper was trained with windows of 30 s. */
const PUBLISHED = 30;
const SILENCES = [6, 10, PUBLISHED];
const SEED = 7;

interface Clip {
  readonly sentence: string;
  readonly samples: Float32Array;
}

const { items } = await loadSpeech('ravdess', folder);
const [choosing, reporting]: [Clip[], Clip[]] = [[], []];
for (const actor of [...new Set(items.map(({ speaker }) => speaker))].sort()) {
  const own = items.filter(({ speaker }) => speaker === actor);
  const order = randomStream(SEED, `words/${actor}`).permutation(own.length);
  for (const [k, i] of [...order].slice(0, CHOSEN_ON + REPORTED_ON).entries()) {
    const { file, id } = own[i]!;
    const sentence = SENTENCES[id.split('-')[4]!]!;
    (k < CHOSEN_ON ? choosing : reporting).push({ sentence, samples: (await decodeAudio(file)).samples });
  }
}

const wordsIn = (text: string): string[] => text.toLowerCase().match(/[a-z0-9']+/g) ?? [];

/** Fewest words to replace, insert or delete (Levenshtein). */
function wordErrors(found: readonly string[], said: readonly string[]): number {
  let row = said.map((_, i) => i + 1);
  row.unshift(0);
  for (const word of found) {
    const next = [row[0]! + 1];
    for (const [i, other] of said.entries())
      next.push(Math.min(row[i + 1]! + 1, next[i]! + 1, row[i]! + (word === other ? 0 : 1)));
    row = next;
  }
  return row.at(-1)!;
}

async function measure(transcriber: Transcriber, clips: readonly Clip[], silence: number) {
  let [errors, said, right, seconds] = [0, 0, 0, 0];
  const wrong: string[] = [];
  const start = process.cpuUsage();
  for (const { sentence, samples } of clips) {
    const { text } = await transcriber.transcribe(samples, { silence });
    const count = wordErrors(wordsIn(text), wordsIn(sentence));
    errors += count;
    said += wordsIn(sentence).length;
    seconds += samples.length / 16_000;
    if (count === 0) right++;
    else wrong.push(text);
  }
  const { user, system } = process.cpuUsage(start);
  const line =
    `word error rate ${(errors / said).toFixed(3)} (${errors} of ${said} words), ${right} of ${clips.length} clips right, ` +
    `${((user + system) / 1000 / seconds).toFixed(1)} ms of processor time a second of sound`;
  return { rate: errors / said, line, wrong };
}

console.log(machineKind());
const pretrained = await readPretrainedWords({
  ...whisperTiny,
  ...(values.weights ? { folder: values.weights } : {}),
});
for (const precision of ['float32', 'small'] as const) {
  if (values.precision !== undefined && values.precision !== precision) continue;
  const files = wordsFiles(pretrained, precision);
  const sizes = Object.entries(files).map(([name, { length }]) => `${name} ${(length / 1e6).toFixed(2)} MB`);
  console.log(`${precision}: ${sizes.join(', ')}`);
  const transcriber = await openTranscriber(files, { threads: 1 });
  let best = { silence: PUBLISHED, rate: Infinity };
  for (const silence of SILENCES) {
    const { rate, line } = await measure(transcriber, choosing, silence);
    console.log(`  to choose, ${silence} s of silence: ${line}`);
    if (rate < best.rate) best = { silence, rate };
  }
  for (const silence of new Set([best.silence, PUBLISHED])) {
    const { line, wrong } = await measure(transcriber, reporting, silence);
    console.log(`  ${silence} s of silence: ${line}`);
    for (const text of wrong) console.log(`    ${text}`);
  }
  await transcriber.dispose();
}
