// How sure transcripts are of English and of other languages: the mean log probability of the words, in integers, by corpus.
// The warning `unclear-words` has its threshold from here.
import { parseArgs } from 'node:util';
import { randomStream } from 'mien-engine';
import { loadSpeech, readPretrainedWords, whisperTiny, wordsFiles } from 'mien-lab';
import { decodeAudio } from 'mien/parts/audio';
import { openTranscriber } from 'mien/parts/words';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { weights: { type: 'string' }, clips: { type: 'string', default: '72' } },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error('Usage: node --import tsx bench/words-unclear.ts SPEECH [--weights FOLDER] [--clips N]');
  process.exit(2);
}
const SEED = 11;
const spec = values.weights === undefined ? whisperTiny : { ...whisperTiny, folder: values.weights };
const transcriber = await openTranscriber(wordsFiles(await readPretrainedWords(spec)), { threads: 1 });
for (const corpus of ['ravdess', 'emodb', 'nemo'] as const) {
  const { items } = await loadSpeech(corpus, `${folder}/${corpus}`);
  const order = [...randomStream(SEED, corpus).permutation(items.length)].slice(0, Number(values.clips));
  const sure: number[] = [];
  let empty = 0;
  for (const i of order) {
    const { samples } = await decodeAudio(items[i]!.file);
    const { text, segments } = await transcriber.transcribe(samples);
    if (text === '') empty++;
    else sure.push(segments.reduce((sum, { logProbability }) => sum + logProbability, 0) / segments.length);
    if (sure.length <= 6) console.log(`  ${sure.at(-1)?.toFixed(2)} ${text}`);
  }
  sure.sort((a, b) => a - b);
  const quantile = (share: number): string => sure[Math.floor(share * (sure.length - 1))]!.toFixed(2);
  const below = (least: number): string =>
    (sure.filter((one) => one < least).length / sure.length).toFixed(2);
  console.log(
    `${corpus}: ${order.length} clips, ${empty} without words; log probability 5 % ${quantile(0.05)}, median ${quantile(0.5)}, 95 % ${quantile(0.95)}; ` +
      [-1, -0.8, -0.7, -0.6, -0.5, -0.4].map((least) => `below ${least}: ${below(least)}`).join(', '),
  );
}
await transcriber.dispose();
