// Manifests: bundles of other versions are refused by name with what to do, what is none names the field.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MienError } from 'mien-engine/base';
import { readBundle } from '../../src/bundle/folder.js';
import {
  answerLabels,
  BUNDLE_FORMAT,
  checkManifest,
  jointPrior,
  labelsOf,
} from '../../src/bundle/manifest.js';
import { legibleManifest } from '../../../../test/support/bundle.js';

const manifest = { ...legibleManifest, files: {} };
const refused = (json: unknown): MienError => {
  try {
    checkManifest(json, 'manifest.json');
  } catch (error) {
    if (error instanceof MienError) return error;
  }
  return expect.fail('it was accepted');
};

test('a bundle of an earlier version is refused with the command that makes it anew', async () => {
  const { decision: _decision, ...rest } = manifest;
  const old = { ...rest, format: 'mien-bundle-1', fusion: { ...rest.fusion, model: 'fusion.onnx' } };
  const error = refused(old);
  expect(error).toMatchObject({ code: 'bundle', place: { file: 'manifest.json', field: 'format' } });
  expect(error.message).toContain(`mien-bundle-1; this version of mien reads ${BUNDLE_FORMAT}`);
  expect(error.hint).toMatch(/mien export --text .*mien train/);
  const folder = await mkdtemp(join(tmpdir(), 'mien-old-'));
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(old));
  await expect(readBundle(folder)).rejects.toMatchObject({ code: 'bundle', hint: error.hint });
  await rm(folder, { recursive: true });
});

test('one of a later version asks for an update, and what is none names the field', () => {
  expect(checkManifest(manifest, 'manifest.json')).toEqual(manifest);
  expect(refused({ ...manifest, format: 'mien-bundle-7' }).hint).toContain('Update mien');
  for (const format of ['mien-bundle-x', 7, null, undefined, {}])
    expect(refused({ ...manifest, format }).place).toMatchObject({ field: 'format' });
  for (const json of [null, [], 'mien-bundle-1', 3]) expect(refused(json).code).toBe('bundle');
  expect(refused({ ...manifest, decision: 3 }).place).toMatchObject({ field: 'decision' });
});

test('labels and prior of answers follow from what there is', () => {
  const { text, face, fusion } = manifest;
  expect(labelsOf(manifest)).toEqual([...new Set([...text!.labels, ...face!.labels])].sort());
  expect(answerLabels(manifest, ['text', 'face'])).toEqual(fusion!.labels);
  expect(answerLabels(manifest, ['text'])).toEqual(fusion!.labels);
  expect(answerLabels(manifest, ['face'])).toEqual(face!.labels);
  expect(answerLabels({ text }, ['text'])).toEqual(text!.labels);
  expect(jointPrior(manifest)).toEqual(fusion!.prior);
  const uneven = { ...text!, prior: text!.labels.map((label) => (label === 'joy' ? 0.4 : 0.1)) };
  // Pairs have the labels of their texts: joy is four times as frequent as each other shared label.
  const shared = text!.labels.filter((label) => face!.labels.includes(label));
  expect(jointPrior({ text: uneven, face })).toEqual(
    shared.map((label) => expect.closeTo(label === 'joy' ? 0.5 : 0.125, 12) as number),
  );
});
