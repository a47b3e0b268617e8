// Corrupted training items as features: which items, what is kept between runs, and that no other split is touched.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { corruptedItems } from '../../src/export/corrupted-items.js';
import { SHARED_LABELS } from 'mien/parts/data';
import { experimentData, type ExperimentData } from '../../src/experiments/data.js';
import { featuresOf } from '../../src/features/extract.js';
import { fakeFaceEncoder, fakeTextEncoder } from '../features/fakes.js';
import { smallProtocol } from '../features/protocols.js';

const labels = [...SHARED_LABELS];
const protocol = smallProtocol();
let dir: string;
let data: ExperimentData;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mien-corrupted-'));
  const encoders = { text: fakeTextEncoder(), face: fakeFaceEncoder() };
  data = experimentData(await featuresOf({ protocol, encoders, dir }));
});
afterAll(() => rm(dir, { recursive: true }));

test('all training texts and some training faces are made worse, and most of their embeddings change', async () => {
  const encoders = { text: fakeTextEncoder(), face: fakeFaceEncoder() };
  const made = await corruptedItems({ protocol, data, encoders, labels, dir, faces: 20 });
  const training = {
    text: data.texts(labels, 'train'),
    face: data.faces('both', labels, 'train'),
  };
  expect(made.text.from).toEqual(training.text.rows);
  expect(made.face.from).toHaveLength(20);
  for (const modality of ['text', 'face'] as const) {
    const { embeddings, from, labels: known } = made[modality];
    const { rows, labels: of } = training[modality];
    const width = embeddings.shape[1]!;
    expect(embeddings.shape[0]).toBe(from.length);
    const table = data.tables[modality].data;
    let changed = 0;
    from.forEach((row, i) => {
      expect(known[i]).toBe(of[rows.indexOf(row)]);
      if (embeddings.data[i * width] !== table[row * width]) changed++;
    });
    expect(changed / from.length).toBeGreaterThan(0.6);
  }

  // What is there already is not computed again, and is the same.
  const later = { text: fakeTextEncoder(), face: fakeFaceEncoder() };
  expect(await corruptedItems({ protocol, data, encoders: later, labels, dir, faces: 20 })).toEqual(made);
  expect([later.text.encoded, later.face.encoded]).toEqual([0, 0]);
});
