// Features of recordings: from a folder of RAVDESS to a pack of their own, split by speaker, and packs that lie.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeSafetensors, float32, readSafetensors, tensor, type Tensors } from 'mien-engine/base';
import { sha256 } from 'mien-engine/node';
import { clipOf, RAVDESS_SPEAKERS } from '../../src/data/speech.js';
import { extractFeatures, openFeatures, openSets } from '../../src/features/extract.js';
import { writePack } from '../../src/features/pack.js';
import { readPack, readPackManifest, readSomeSets } from '../../src/features/pack-file.js';
import { openProtocol } from '../../src/features/prepared.js';
import { withVoices } from '../../src/features/sets.js';
import { madeUpSets } from '../../../../test/support/feature-sets.js';
import { integers, tone, wavFile } from '../../../../test/support/wav.js';
import { fakeVoiceEncoder } from './fakes.js';

let root: string;
let data: string;
let stores: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-voices-'));
  [data, stores] = [join(root, 'data'), join(root, 'stores')];
});
afterEach(() => rm(root, { recursive: true, force: true }));

const two = (n: number): string => String(n).padStart(2, '0');

async function writeFiles(folder: string, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

const clip = (frequency: number): Uint8Array => wavFile(integers(tone(0.4, { hertz: frequency }), 16));

/** A clip for each of these emotions by each actor; no two are the same. */
async function writeClips(actors: readonly number[], emotions: readonly number[]): Promise<void> {
  const files: Record<string, Uint8Array> = {};
  for (const actor of actors)
    for (const emotion of emotions)
      files[`Actor_${two(actor)}/03-01-${two(emotion)}-01-01-01-${two(actor)}.wav`] = clip(
        100 + 10 * actor + emotion,
      );
  await writeFiles(join(data, 'speech', 'ravdess'), files);
}

async function extracted() {
  const { protocol } = await openProtocol({ data, dir: stores, voices: true });
  const voice = fakeVoiceEncoder();
  await extractFeatures({ protocol, encoders: { voice }, dir: stores, shardSize: 8 });
  return { protocol, voice };
}

test('recordings are embedded without texts and faces, split by speaker, and packed by themselves', async () => {
  await writeClips([1, 2, 19, 24], [1, 2, 5, 8]);
  const { protocol, voice } = await extracted();
  expect(voice.encoded).toBe(16);
  const sets = await openSets(stores);
  const { voices } = sets;
  expect(Object.keys(sets).sort()).toEqual(['provenance', 'voices']);
  expect(voices!.ids).toEqual(protocol.voices!.items.map(({ id }) => id));
  expect(Array.from(voices!.labels, (label) => voices!.labelNames[label])).toEqual(
    // In the order of the file names, that is of emotions; calm is neutral.
    ['neutral', 'neutral', 'anger', 'surprise'].flatMap((label) => Array<string>(4).fill(label)),
  );
  expect(voices!.split).toEqual(
    [1, 2, 5, 8].flatMap(() => ['train', 'train', 'test', 'validation'] as const),
  );
  expect([...voices!.subject]).toEqual([1, 2, 5, 8].flatMap(() => [0, 1, 2, 3]));
  expect(voices!.group).toEqual(voices!.subject);
  await expect(openFeatures(stores)).rejects.toThrow(/needs features of isear/);

  // Each recording has its own row, whatever stands beside it.
  const [first] = protocol.voices!.items;
  expect(voices!.embeddings.data.slice(0, 6)).toEqual(await voice.alone(first!.file));
  const again = await extracted();
  expect(again.voice.encoded).toBe(0);

  const file = join(root, 'voices.safetensors');
  await writePack(file, sets, { voices: { components: 6, bits: 48 } });
  const packed = await readSomeSets(file);
  const { embeddings, ids } = packed.voices!;
  expect(packed.voices).toEqual({ ...voices, embeddings, ids });
  expect(embeddings.shape).toEqual([16, 6]);
  expect(packed.provenance.sets).toEqual({
    ravdess: expect.objectContaining({
      width: 6,
      fullWidth: 6,
      counts: { train: 8, validation: 4, test: 4 },
      terms: expect.stringContaining('CC BY-NC-SA 4.0') as unknown,
    }) as unknown,
  });
  expect(packed.provenance.protocol).toMatchObject({ voices: { speakers: RAVDESS_SPEAKERS, dropped: {} } });
  for (const name of ['voices.safetensors', 'voices.json'])
    expect((await readFile(join(root, name))).toString('latin1')).not.toMatch(/03-01-0|Actor_|\.wav/);
  await expect(readPack(file)).rejects.toThrow(/needs features of isear/);

  const joined = withVoices(madeUpSets(), packed);
  expect(joined.voices).toBe(packed.voices);
  expect(joined.provenance.sets.ravdess).toEqual(packed.provenance.sets.ravdess);
  expect(joined.provenance.protocol).toEqual({ voices: packed.provenance.protocol['voices'] });
});

test('test recordings made worse are embedded by degrees, kept in a store of their own, and packed', async () => {
  await writeClips([1, 19, 20, 24], [5, 8]);
  const { protocol } = await openProtocol({ data, dir: stores, voices: true });
  const voice = fakeVoiceEncoder();
  const degrees = [
    { as: 'quieter', level: 0.5 },
    { as: 'silence', level: 1 },
  ];
  const change = (sound: Float32Array, { level }: { level: number }) => sound.map((x) => (1 - level) * x);
  const options = { protocol, encoders: { voice }, dir: stores, corrupted: { degrees, change } };
  await extractFeatures(options);
  expect(voice.encoded).toBe(8 + 2 * 4);
  const { voices, ...others } = await openSets(stores);
  const { corrupted } = voices!;
  expect(corrupted!.map(({ as, level }) => ({ as, level }))).toEqual(degrees);
  const tests = protocol.voices!.items.filter(({ split }) => split === 'test');
  expect(corrupted![0]!.embeddings.shape).toEqual([tests.length, 6]);
  for (const [d, { level }] of degrees.entries())
    for (const [i, { file }] of tests.entries()) {
      const heard = change(await clipOf(await readFile(file), file), { level });
      expect(corrupted![d]!.embeddings.data.slice(6 * i, 6 * i + 6)).toEqual(
        (await voice.encode([heard])).data,
      );
    }
  // Without asking for them again, they stay where they are.
  await extractFeatures({ protocol, encoders: { voice }, dir: stores });
  expect((await openSets(stores)).voices).toEqual(voices);

  const [file, plain] = [join(root, 'voices.safetensors'), join(root, 'plain.safetensors')];
  const wanted = { voices: { components: 6, bits: 48 } };
  await writePack(file, { ...others, voices: voices! }, wanted);
  const { corrupted: worse, ...cleanOnly } = voices!;
  await writePack(plain, { ...others, voices: cleanOnly }, wanted);
  const [packed, without] = [await readSomeSets(file), await readSomeSets(plain)];
  // The clean ones are what they are without.
  expect(packed.voices!.embeddings).toEqual(without.voices!.embeddings);
  expect(packed.voices!.corrupted!.map(({ as, level }) => ({ as, level }))).toEqual(degrees);
  expect(packed.voices!.corrupted![1]!.embeddings.shape).toEqual(worse![1]!.embeddings.shape);
  expect(without.voices!.corrupted).toBeUndefined();
  expect((await readFile(join(root, 'voices.json'))).toString('latin1')).not.toMatch(/03-01-0|Actor_|\.wav/);
});

test('a changed recording makes the features of another one necessary', async () => {
  await writeClips([1, 19], [5, 8]);
  const { protocol } = await extracted();
  const [first] = protocol.voices!.items;
  await writeFile(first!.file, clip(700));
  const { voice } = await extracted();
  expect(voice.encoded).toBe(2); // the changed one, and one to see whether rounding is the same
});

test('without RAVDESS, or with a recording that cannot be decoded, it is said where', async () => {
  await writeFiles(join(data, 'speech', 'emodb'), { '03a01Fa.wav': new Uint8Array(8) });
  await expect(openProtocol({ data, dir: stores, voices: true })).rejects.toMatchObject({
    code: 'file',
    place: { file: data },
  });
  const name = 'Actor_01/03-01-05-01-01-01-01.wav';
  await writeFiles(join(data, 'speech', 'ravdess'), { [name]: new Uint8Array(8) });
  await expect(extracted()).rejects.toMatchObject({
    code: 'data',
    place: { file: expect.stringContaining(name) as unknown },
  });
});

test('the speakers of the test are those whom the training of the bundled encoder does not hear', async () => {
  const path = join(import.meta.dirname, '../../configs/learn-voice.yaml');
  const { validation, hold } = parse(await readFile(path, 'utf8')) as Record<string, string[]>;
  const of = (names: readonly string[]) =>
    names.flatMap((name) => (name.startsWith('ravdess/') ? [name.slice('ravdess/'.length)] : []));
  expect({ validation: of(validation!), test: of(hold!) }).toEqual(RAVDESS_SPEAKERS);
});

const rewritten = async (file: string, change: (tensors: Record<string, Tensors[string]>) => void) => {
  const { tensors, metadata } = readSafetensors(await readFile(file));
  const changed = { ...tensors };
  change(changed);
  const content = Buffer.concat(encodeSafetensors(changed, metadata));
  await writeFile(file, content);
  const manifest = await readPackManifest(file);
  await writeFile(
    file.replace('.safetensors', '.json'),
    JSON.stringify({ ...manifest, bytes: content.length, sha256: sha256(content) }),
  );
};

test.each<[string, (tensors: Record<string, Tensors[string]>) => void, string]>([
  ['no codes', (all) => delete all['ravdess.codes'], 'ravdess.codes'],
  ['codes of another type', (all) => void (all['ravdess.codes'] = float32([2], [1, 2])), 'ravdess.codes'],
  ['no codes of corrupted items', (all) => delete all['ravdess.corrupted'], 'ravdess.corrupted'],
  ['a label too many', (all) => ((all['ravdess.labels']!.data as Uint8Array)[3] = 7), 'ravdess'],
  ['a split too many', (all) => ((all['ravdess.split']!.data as Uint8Array)[3] = 3), 'ravdess'],
  [
    'too few speakers',
    (all) => void (all['ravdess.subject'] = tensor('int32', [1], new Int32Array(1))),
    'ravdess.subject',
  ],
  ['levels that are no numbers', (all) => ((all['voices.levels']!.data as Float32Array)[0] = NaN), 'voices'],
])('rejects a pack with %s', async (_what, change, field) => {
  const file = join(root, 'voices.safetensors');
  const { voices, provenance } = madeUpSets(1, { voices: true, corrupted: true });
  await writePack(file, { voices: voices!, provenance });
  await rewritten(file, change);
  await expect(readSomeSets(file)).rejects.toMatchObject({ code: 'format', place: { file, field } });
});

test('rejects a manifest with faces of one set, or with a set that is not known', async () => {
  const file = join(root, 'features.safetensors');
  await writePack(file, madeUpSets());
  const manifest = await readPackManifest(file);
  const { rafdb, ...others } = manifest.sets;
  for (const sets of [others, { ...manifest.sets, ravdes: rafdb }]) {
    await writeFile(join(root, 'features.json'), JSON.stringify({ ...manifest, sets }));
    await expect(readSomeSets(file)).rejects.toThrow(/not the manifest of a feature pack/);
  }
  const nothing = { provenance: madeUpSets().provenance };
  await expect(writePack(file, nothing)).rejects.toThrow(/no features to pack/);
});
