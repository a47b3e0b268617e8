// Corpora of speech: what their file names say, folders of them, copies, and splits by speaker.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  assignSpeech,
  findSpeech,
  loadAllSpeech,
  loadSpeech,
  readClip,
  speakerFolds,
  speakersOf,
  speechCounts,
} from '../../src/data/speech.js';
import { readSpeechName, SPEECH_CORPORA } from '../../src/data/speech-names.js';
import { runMien } from '../../../../test/support/mien.js';
import { integers, tone, wavFile } from '../../../../test/support/wav.js';
import { folderWith } from './fixtures.js';

const two = (n: number): string => String(n).padStart(2, '0');

/** Distinct bytes; loading does not decode. */
let made = 0;
const sound = (): Uint8Array => Uint8Array.from(String(made++), (digit) => digit.charCodeAt(0));

/** Names of an actor's clips as RAVDESS has them: 60 for speech. */
const ravdessNames = (actor: number): string[] =>
  [1, 2, 3, 4, 5, 6, 7, 8].flatMap((emotion) =>
    (emotion === 1 ? [1] : [1, 2]).flatMap((intensity) =>
      [1, 2].flatMap((sentence) =>
        [1, 2].map(
          (repetition) =>
            `03-01-${two(emotion)}-${two(intensity)}-${two(sentence)}-${two(repetition)}-${two(actor)}`,
        ),
      ),
    ),
  );

const ravdess = (actors: number, extension = 'wav'): Record<string, Uint8Array> =>
  Object.fromEntries(
    Array.from({ length: actors }, (_, i) => i + 1).flatMap((actor) =>
      ravdessNames(actor).map(
        (name) => [`RAVDESS/Actor_${two(actor)}/${name}.${extension}`, sound()] as const,
      ),
    ),
  );

describe('file names', () => {
  it.each([
    ['03-01-06-01-02-01-12', 'ravdess', 'fear', { speaker: '12', sentence: '2', sex: 'female' }],
    ['03-01-02-01-01-02-23', 'ravdess', 'neutral', { source: 'calm', sex: 'male' }],
    ['03-02-05-01-01-02-01', 'ravdess', 'anger', { leftOut: 'sung' }],
    ['13b09Wa', 'emodb', 'anger', { speaker: '13', sentence: 'b09', sex: 'female' }],
    ['03a01Fa', 'emodb', 'joy', { sex: 'male' }],
    ['16a02Ec', 'emodb', 'disgust', {}],
    ['08b10Ab', 'emodb', 'fear', {}],
    ['11a05Td', 'emodb', 'sadness', {}],
    ['14a07La', 'emodb', null, { source: 'Langeweile' }],
    ['EB0_happiness_10', 'nemo', 'joy', { speaker: 'EB0', sentence: '10' }],
    ['WR0_surprised_3', 'nemo', 'surprise', {}],
    ['OAF_back_ps', 'tess', 'surprise', { speaker: 'OAF', sentence: 'back' }],
    ['OA_bite_neutral', 'tess', 'neutral', { speaker: 'OAF' }],
    ['YAF_home_angry', 'tess', 'anger', { speaker: 'YAF', sex: 'female' }],
    ['1001_DFA_ANG_XX', 'crema-d', 'anger', { speaker: '1001', sentence: 'DFA' }],
    ['1040_ITH_SAD_X', 'crema-d', 'sadness', {}],
    ['1091_IEO_HAP_HI', 'crema-d', 'joy', {}],
  ] as const)('%s', (stem, corpus, label, about) => {
    const read = readSpeechName(stem)!;
    expect(read.corpus).toBe(corpus);
    expect(SPEECH_CORPORA[corpus].labels[read.name.source]).toBe(label);
    expect(read.name).toMatchObject(about);
  });

  it.each([
    '',
    'noise',
    '03-01-09-01-01-01-01',
    '03-01-05-01-01-01-25',
    '17a01Wa',
    '03a01Xa',
    '1001_DFA_JOY_XX',
  ])('none of a corpus: %j', (stem) => expect(readSpeechName(stem)).toBeUndefined());
});

describe('folders', () => {
  it('load with calm as neutral, in any format, without copies', async () => {
    const files = ravdess(2, 'opus');
    const copy = 'RAVDESS/Actor_01/03-01-05-01-01-02-01.opus';
    files[copy] = files['RAVDESS/Actor_01/03-01-05-01-01-01-01.opus']!;
    const song = '03-02-05-01-01-01-01';
    files[`RAVDESS/Actor_01/${song}.wav`] = sound();
    // The archive holds every actor a second time.
    files['RAVDESS/audio_speech_actors_01-24/Actor_02/03-01-01-01-01-01-02.opus'] = sound();
    const folder = await folderWith(files);
    expect(await findSpeech(folder)).toEqual([{ name: 'ravdess', path: join(folder, 'RAVDESS') }]);
    const corpus = (await loadAllSpeech(folder))[0]!;
    expect(corpus.items).toHaveLength(119);
    expect(corpus.dropped).toEqual({ 'same name': 1, sung: 1, 'copy of another clip': 1 });
    const counts = speechCounts(corpus, 0);
    expect(counts.labels).toEqual({
      anger: 15,
      disgust: 16,
      fear: 16,
      joy: 16,
      neutral: 24,
      sadness: 16,
      surprise: 16,
    });
    expect(counts.speakers).toBe(2);
    expect(corpus.items[0]).toMatchObject({ id: 'ravdess/03-01-01-01-01-01-01', label: 'neutral' });
  });

  it('drop the copy that RAVDESS itself has, also re-encoded', async () => {
    const folder = await folderWith(
      Object.fromEntries(ravdessNames(7).map((name) => [`ravdess/${name}.opus`, sound()])),
    );
    const { items, dropped } = await loadSpeech('ravdess', join(folder, 'ravdess'));
    expect(items).toHaveLength(59);
    expect(dropped).toEqual({ 'copy of another clip': 1 });
  });

  it('refuse names of other corpora and unknown ones, or list them', async () => {
    const folder = await folderWith({
      'speech/emo-db/03a01Fa.wav': sound(),
      'speech/emo-db/14a07La.wav': sound(),
      'speech/emo-db/YAF_home_angry.wav': sound(),
      'speech/emo-db/room.wav': sound(),
      'speech/emo-db/notes.txt': 'not a recording',
    });
    await expect(loadAllSpeech(folder)).rejects.toThrow(
      /YAF_home_angry\.wav: is a name of TESS, not of EMO-DB/,
    );
    const corpus = (await loadAllSpeech(folder, { skipInvalid: true }))[0]!;
    expect(corpus.items.map(({ id }) => id)).toEqual(['emodb/03a01Fa']);
    expect(corpus.dropped).toEqual({ 'no label (Langeweile)': 1 });
    expect(corpus.skipped.map(({ reason }) => reason)).toEqual([
      'is a name of TESS, not of EMO-DB',
      'is no name of EMO-DB',
    ]);
  });

  it('refuse a folder without a clip', async () => {
    const folder = await folderWith({ 'tess/readme.txt': 'nothing' });
    await expect(loadAllSpeech(folder)).rejects.toThrow(/holds no clip of TESS/);
    await expect(findSpeech(join(folder, 'none'))).rejects.toThrow(/no such folder/);
  });
});

describe('splits', () => {
  it('let nobody be heard in two of them, by one seed always the same', async () => {
    const folder = await folderWith(ravdess(12));
    const { items } = await loadSpeech('ravdess', join(folder, 'RAVDESS'));
    const splits = assignSpeech(items, { seed: 3 });
    const speakersIn = (split: string) => speakersOf(items.filter((_, i) => splits[i] === split));
    const [train, validation, test] = ['train', 'validation', 'test'].map(speakersIn);
    expect(new Set([...train!, ...validation!, ...test!]).size).toBe(12);
    expect(train!.length + validation!.length + test!.length).toBe(12);
    expect([validation!.length, test!.length]).toEqual([1, 2]);
    expect(assignSpeech(items, { seed: 3 })).toEqual(splits);

    const folds = speakerFolds(items, 6);
    for (let fold = 0; fold < 6; fold++) {
      const heard = items.filter((_, i) => folds[i] === fold);
      expect(speakersOf(heard)).toHaveLength(2);
      expect(new Set(heard.map(({ sex }) => sex)).size).toBe(2);
    }
    expect(() => speakerFolds(items, 13)).toThrow(/12 speakers do not make 13 folds/);
  });
});

it('clips are heard at one level and without silence around them', async () => {
  const clip = (level: number): Uint8Array => {
    const samples = new Float32Array(3 * 16_000);
    samples.set(tone(1, { level }), 16_000);
    return wavFile(integers(samples, 24), { bits: 24 });
  };
  const folder = await folderWith({ 'loud.wav': clip(0.9), 'quiet.wav': clip(0.003) });
  const [loud, quiet] = await Promise.all(
    ['loud.wav', 'quiet.wav'].map((name) => readClip({ file: join(folder, name) })),
  );
  expect(loud!.length).toBe(quiet!.length);
  expect(loud!.length / 16_000).toBeCloseTo(1, 0);
  expect(Math.max(...loud!.map((x, i) => Math.abs(x - quiet![i]!)))).toBeLessThan(1e-3);
});

it('mien data counts them', async () => {
  const folder = await folderWith({
    ...ravdess(5),
    'speech/emodb/03a01Fa.wav': sound(),
    'speech/emodb/08a01La.wav': sound(),
  });
  const { stdout } = await runMien(['data', folder, '--json']);
  const { speech } = JSON.parse(stdout) as { speech: { name: string; clips: number; speakers: number }[] };
  expect(speech.map(({ name, clips, speakers }) => [name, clips, speakers])).toEqual([
    ['emodb', 1, 1],
    ['ravdess', 300, 5],
  ]);
  const shown = (await runMien(['data', folder])).stdout;
  expect(shown).toMatch(/RAVDESS +5 +\d+ +\d+ +\d+ +40 +40 +40 +40 +60 +40 +40/);
  expect(shown).toContain('Dropped of EMO-DB, no label (Langeweile): 1');
  expect(shown).toContain('Terms: RAVDESS: CC BY-NC-SA 4.0');
});
