// A voice joins the bundled model: what it answers to texts and faces stays, its card gains what was measured of the voice.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { openBundle, readBundle } from 'mien/parts/bundle';
import { createRecognizer, isRecognition, loadRecognizer, type Recognition } from 'mien/parts/recognizer';
import { whisperParameters } from '../../src/encoders/load-voice.js';
import { whisperConfig } from '../../src/encoders/whisper.js';
import { readLearnedVoice, writeLearned } from '../../src/learn/learned.js';
import { addVoice, VOICE_WEIGHT } from '../../src/export/with-voice.js';
import type { BundleEvaluation } from '../../src/export/evaluation.js';
import { passagesIn } from '../../src/export/passages.js';
import { goldenWeights } from '../../../../test/support/golden.js';
import { runMien } from '../../../../test/support/mien.js';
import { loadAllSpeech } from '../../src/data/speech.js';
import { integers, wavFile } from '../../../../test/support/wav.js';
import { smallWhisper } from '../../../../test/support/whisper.js';

const LITE = join(import.meta.dirname, '../../../mien/models/lite');
const RATE = 16_000;
const LABELS = ['anger', 'disgust', 'fear', 'joy', 'neutral', 'sadness', 'surprise'];
const ACTORS = ['01', '02', '03', '04', '05', '06', '07'];

/** Half a second of a tone in some noise; no two are equal. */
function sound(place: number): Float32Array {
  const draw = randomStream(0, 'clips', place);
  return Float32Array.from(
    { length: RATE / 2 },
    (_, i) => 0.3 * Math.sin(((90 + 7 * (place % 40)) * i) / RATE) + 0.05 * draw.normal(),
  );
}

const image = {
  width: 48,
  height: 48,
  data: Uint8Array.from({ length: 48 * 48 * 3 }, (_, i) => (i * 7) % 251),
};
const texts = ['I am so happy today', 'leave me alone!', 'the train leaves at ten'];
const items = [...texts.map((text) => ({ text })), { image }, ...texts.map((text) => ({ text, image }))];
const finder = { find: async () => [], crop: (one: never) => one, dispose: async () => undefined };

async function answersOf(folder: string, asked: readonly object[]): Promise<Recognition[]> {
  const { manifest, files } = await readBundle(folder);
  const recognizer = createRecognizer({
    bundle: await openBundle(manifest, files, { threads: 1 }),
    faces: finder,
    decode: () => Promise.resolve(image),
    listen: async (given) => ({ samples: given as Float32Array, notes: [] }),
  });
  const results = await recognizer.recognize(asked as never[], { faces: 'cropped' });
  await recognizer.dispose();
  return results.map((result) => {
    if (!isRecognition(result)) throw new Error(result.error.message);
    return result;
  });
}

describe.skipIf(!existsSync(LITE))('a voice that joins the bundled model', () => {
  let root: string;
  let out: string;
  let speech: string;
  let run: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'mien-with-voice-'));
    [out, speech, run] = [join(root, 'three'), join(root, 'speech'), join(root, 'run')];
    await mkdir(join(speech, 'ravdess'), { recursive: true });
    let place = 0;
    for (const actor of ACTORS)
      for (const emotion of [1, 3, 5])
        await writeFile(
          join(speech, 'ravdess', `03-01-0${emotion}-01-01-01-${actor}.wav`),
          wavFile(integers(sound(place++), 16)),
        );
    const config = whisperConfig(smallWhisper);
    const shapes = Object.fromEntries(
      whisperParameters(config).map(({ name, shape }) => [name, shape as number[]]),
    );
    await writeLearned(run, {
      kind: 'voice',
      labels: LABELS,
      settings: {
        validation: ['ravdess/03'],
        hold: ['ravdess/04', 'ravdess/05', 'ravdess/06', 'ravdess/07'],
        seed: 1,
      },
      calibration: { prior: LABELS.map(() => 1 / 7), temperature: 2 },
      located: { id: 'made', revision: 'main', sha256: '' },
      terms: ['made: none'],
      items: { training: 6, validation: 3 },
      result: {
        weights: goldenWeights({ ...shapes, 'classifier.weight': [7, 24], 'classifier.bias': [7] }),
        bestEpoch: 1,
        epochs: [],
      },
      config: smallWhisper,
    });
    const args = ['export', '--bundle', LITE, '--voice', run, '--speech', speech, '--out', out];
    expect(await runMien(args)).toMatchObject({ code: 0 });
  });
  afterAll(() => rm(root, { recursive: true }));

  test('answers to texts and faces are the same to 1e-6, as often as one is added', async () => {
    const again = join(root, 'again');
    const voice = await readLearnedVoice(run);
    const clips = (await loadAllSpeech(speech)).flatMap((corpus) => corpus.items);
    await addVoice({ bundle: out, voice, speech: clips, out: again, name: 'again' });
    const before = await answersOf(LITE, items);
    for (const folder of [out, again])
      (await answersOf(folder, items)).forEach((found, i) => {
        const wanted = before[i]!;
        expect(found.from).toBe(wanted.from);
        const pairs = [
          [found.probabilities, wanted.probabilities],
          [found.logits, wanted.logits],
          [{ ...found.gate }, { ...wanted.gate }],
          [{ agreement: found.agreement }, { agreement: wanted.agreement }],
        ] as const;
        for (const [a, b] of pairs) {
          expect(Object.keys(a)).toEqual(Object.keys(b));
          for (const [name, value] of Object.entries(b))
            if (typeof value === 'number')
              expect(Math.abs((a as Record<string, number>)[name]! - value)).toBeLessThan(1e-5);
        }
        for (const [label, p] of Object.entries(wanted.probabilities))
          expect(Math.abs(found.probabilities[label]! - p)).toBeLessThan(1e-6);
      });
    const card = async (folder: string): Promise<string> =>
      (await readFile(join(folder, 'README.md'), 'utf8')).replace(/^# .*/, '');
    expect(await card(again)).toBe(await card(out));
  });

  test('it is heard beside both, by a file that is read for it alone', async () => {
    const audio = sound(3);
    const [voice, all] = await answersOf(out, [{ audio }, { text: texts[0], image, audio }]);
    expect(voice).toMatchObject({ from: 'voice' });
    expect(all).toMatchObject({ from: 'all' });
    expect(Object.keys(all!.disagreements!)).toEqual(['text+face', 'text+voice', 'face+voice']);
    expect(all!.agreement).toBeGreaterThan(0);
    const damaged = join(root, 'damaged');
    const { manifest, files } = await readBundle(out);
    await mkdir(damaged);
    await writeFile(join(damaged, 'manifest.json'), JSON.stringify(manifest));
    for (const [name, bytes] of Object.entries(files))
      await writeFile(join(damaged, name), name === 'voice.onnx' ? 'damaged' : bytes);
    await using recognizer = await loadRecognizer({ bundle: damaged, threads: 1 });
    expect(await recognizer.recognize({ text: texts[0]! })).toMatchObject({ from: 'text' });
  });

  test('manifest, files and card say so', async () => {
    const [{ manifest: before }, { manifest }] = [await readBundle(LITE), await readBundle(out)];
    expect(manifest.name).toBe(before.name);
    expect(manifest.voice).toMatchObject({ labels: LABELS, sampleRate: RATE });
    expect(manifest.voice!.certainty!.items).toBe(3);
    expect(manifest.fusion).toEqual({ ...before.fusion, weights: { voice: VOICE_WEIGHT } });
    expect(manifest.terms).toEqual([...before.terms, 'made: none']);
    for (const name of ['text.onnx', 'face.onnx', 'tokenizer.json'])
      expect(manifest.files[name]).toEqual(before.files[name]);
    const read = async (folder: string, name: string) => readFile(join(folder, name), 'utf8');
    const { evaluation, reference } = JSON.parse(await read(out, 'evaluation.json')) as Record<
      'evaluation' | 'reference',
      BundleEvaluation
    >;
    const kept = JSON.parse(await read(LITE, 'evaluation.json')) as { evaluation: BundleEvaluation };
    expect(evaluation.tests).toEqual(kept.evaluation.tests);
    const { tests, data } = evaluation.voice!;
    expect(tests.map(({ name, n, speakers }) => [name, n, speakers])).toEqual([
      ['RAVDESS, validation', 3, 1],
      ['RAVDESS, test', 12, 4],
      ...['telephone', 'noise 20 dB', 'noise 10 dB', 'noise 0 dB'].map((as) => [
        `RAVDESS, test, ${as}`,
        12,
        4,
      ]),
    ]);
    expect(tests[0]!.accuracy.low).toBeNull();
    expect(tests[1]!.accuracy.low).not.toBeNull();
    expect(reference.voice!.tests).toHaveLength(tests.length);
    expect(data).toEqual([
      {
        corpus: 'RAVDESS',
        language: 'English',
        clips: { training: 6, validation: 3, test: 12 },
        speakers: { training: 2, validation: 1, test: 4 },
      },
    ]);
    const [card, old] = [await read(out, 'README.md'), await read(LITE, 'README.md')];
    const [now, then] = [passagesIn(card, out), passagesIn(old, LITE)];
    const others = (lines: readonly string[]) => lines.filter((line) => !line.startsWith('voice: '));
    expect({ ...now, training: others(now.training) }).toEqual({ ...then, training: others(then.training) });
    const tables = (text: string) =>
      text
        .split('### Voices')[0]!
        .split('\n')
        .filter((line) => line.startsWith('|'));
    expect(tables(card)).toEqual(tables(old));
    expect(card).toMatch(/`voice\.onnx` reads speech at 16 kHz/);
    expect(card).toMatch(/acted speech[\s\S]*For a call centre this means/);
    expect(card).toMatch(/\n- voice: from `made`/);
    expect(card).toMatch(/\| RAVDESS \| English \| 6, 2 \| 3, 1 \| 12, 4 \|/);
    expect(card).toMatch(/\| voice, test speakers \|/);
  });

  test('other clips than those of its training are refused, and so is a bundle without an evaluation', async () => {
    const voice = await readLearnedVoice(run);
    const clips = (await loadAllSpeech(speech)).flatMap((corpus) => corpus.items);
    const none = join(root, 'none');
    await expect(addVoice({ bundle: LITE, voice, speech: clips.slice(1), out: none })).rejects.toMatchObject({
      code: 'data',
    });
    const voices = join(root, 'voices');
    expect(await runMien(['export', '--voice', run, '--out', voices])).toMatchObject({ code: 0 });
    await expect(addVoice({ bundle: voices, voice, speech: clips, out: none })).rejects.toMatchObject({
      code: 'bundle',
    });
    const both = await runMien(['export', '--bundle', LITE, '--text', run, '--out', none]);
    expect(both.code).toBe(2);
    expect(both.stderr).toMatch(/only a voice joins a bundle/);
    expect(existsSync(none)).toBe(false);
  });
});
