// Triples of text, face and voice on made-up features: every row is there, stands on the same triples, and says what it reads.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentProgress } from 'mien/parts/base';
import { MODALITIES } from 'mien/parts/bundle';
import { parseConfig } from '../../src/experiments/config.js';
import { experimentData } from '../../src/experiments/data.js';
import { choicesOf, withMissing } from '../../src/experiments/incomplete.js';
import { incompleteModel, tripleModel } from '../../src/experiments/plan.js';
import { reproduce, type Reproduction } from '../../src/experiments/reproduce.js';
import { evaluationItems } from '../../src/experiments/run.js';
import { writePack } from '../../src/features/pack.js';
import { parseResults, toResults } from '../../src/report/results.js';
import { renderTablesMarkdown } from '../../src/report/tables.js';
import { madeUpSets } from '../../../../test/support/feature-sets.js';

const config = parseConfig({
  seeds: 1,
  head: { width: 16, lstm: 8 },
  optimizer: { learningRate: 3e-3 },
  epochs: { max: 6, patience: 3 },
  pairing: { testSeeds: 2 },
});

let folder: string;
let files: { pack: string; voices: string };
let found: Reproduction;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-triples-'));
  files = { pack: join(folder, 'pack.safetensors'), voices: join(folder, 'voices.safetensors') };
  const { voices, ...sets } = madeUpSets(1, { corpora: true, voices: true, corrupted: true });
  await writePack(files.pack, sets);
  await writePack(files.voices, { voices: voices!, provenance: sets.provenance });
  found = await reproduce({ source: files, config, folder: join(folder, 'out'), workers: 2 });
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const rowOf = (id: string) => found.results.rows.find((row) => row.id === id)!;
const runsOf = (id: string) => found.predictions.find(({ row }) => row === id)!.runs;

test('each alone, every two and all three stand in the table, by the gate and by the product', () => {
  const ids = found.results.rows.flatMap(({ id, table }) => (table === 'triples' ? [id] : []));
  const fused = ['text-face', 'text-voice', 'face-voice', 'text-face-voice'];
  expect(ids).toEqual([
    ...MODALITIES.map((modality) => `triples-5-alone-${modality}`),
    ...fused.flatMap((read) => [`triples-5-gated-${read}`, `triples-5-product-${read}`]),
    ...['text-face-voice', 'text-face', 'text-voice', 'face-voice', 'text', 'face', 'voice'].map(
      (read) => `triples-5-incomplete-${read}`,
    ),
    'triples-7-alone-voice',
    'triples-7-gated-text-face-voice',
    'triples-7-product-text-face-voice',
  ]);
  expect(rowOf('triples-5-gated-text-face-voice')).toMatchObject({
    dataset: 'ISEAR × RAF-DB × RAVDESS',
    n: 100,
    pairings: [0, 1],
    modalities: ['text', 'face', 'voice'],
  });
  expect(rowOf('triples-5-alone-text')).toMatchObject({ n: 100, pairings: [] });
  expect(rowOf('triples-7-alone-voice').n).toBe(140);
  expect(found.results.counts['ravdess']).toMatchObject({ test: { joy: 10 }, terms: 'none, made up' });
});

test('all rows meet the same triples, and faces are those of the pairs', () => {
  const triples = runsOf('triples-5-gated-text-face-voice');
  expect(triples[0]!.voiceIds!.every((id) => id.startsWith('ravdess'))).toBe(true);
  expect(triples[0]!.voiceIds).not.toEqual(triples[1]!.voiceIds);
  for (const id of ['triples-5-product-text-face-voice', 'triples-5-incomplete-text-face-voice'])
    for (const [i, run] of runsOf(id).entries())
      expect([run.ids, run.faceIds, run.voiceIds]).toEqual([
        triples[i]!.ids,
        triples[i]!.faceIds,
        triples[i]!.voiceIds,
      ]);
  for (const [i, run] of runsOf('triples-5-product-face-voice').entries())
    expect([run.faceIds, run.voiceIds]).toEqual([triples[i]!.faceIds, triples[i]!.voiceIds]);
  for (const [i, run] of runsOf('III-gated-rafdb').entries()) {
    expect(run.faceIds).toEqual(triples[i]!.faceIds);
    // Text and face of the triples are the paper's pairs, by the same head.
    expect(runsOf('triples-5-gated-text-face')[i]!.posteriors.data).toEqual(run.posteriors.data);
  }
  expect(runsOf('triples-5-product-text-face')[0]!.posteriors.data).toEqual(
    runsOf('III-product-rafdb')[0]!.posteriors.data,
  );
  expect(runsOf('triples-5-alone-text')[0]!.posteriors.data).toEqual(runsOf('II-text-5')[0]!.posteriors.data);
});

test('three beat two, and a head that was trained for it does without what is missing', () => {
  const accuracy = (id: string) => rowOf(`triples-5-${id}`).accuracy.mean;
  for (const two of ['text-face', 'text-voice', 'face-voice'])
    expect(accuracy('product-text-face-voice')).toBeGreaterThan(accuracy(`product-${two}`));
  for (const one of MODALITIES) {
    expect(accuracy('gated-text-face-voice')).toBeGreaterThan(accuracy(`alone-${one}`));
    expect(accuracy(`incomplete-${one}`)).toBeGreaterThan(0.4); // of five labels
  }
});

test('shares of the gate sum to one, and are zero of what is missing', () => {
  for (const row of found.results.rows.filter(
    ({ table, model }) => table === 'triples' && model === 'gated',
  )) {
    const shares = Object.values(row.gate!);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
    for (const [modality, share] of Object.entries(row.gate!))
      if (!row.modalities!.some((one) => one === modality)) expect(share).toBe(0);
      else expect(share).toBeGreaterThan(0);
  }
  expect(rowOf('triples-5-gated-text-face-voice').additive!.mean).toBeGreaterThan(0.4);
});

test('with a voice that is gone, what hears it falls behind; a slightly noisy one changes less', () => {
  const rows = found.results.rows.filter(({ table }) => table === 'corrupted');
  expect(rows.map(({ id }) => id)).toEqual(
    ['background-noise-0.3', 'telephone-1'].flatMap((degree) => [
      `corrupted-5-alone-voice-${degree}`,
      ...['product', 'gated', 'incomplete'].map((kind) => `corrupted-5-${kind}-text-face-voice-${degree}`),
    ]),
  );
  const accuracy = (id: string) => rowOf(id).accuracy.mean;
  for (const kind of ['alone-voice', 'product-text-face-voice', 'gated-text-face-voice']) {
    const [clean, noisy, gone] = [
      accuracy(`triples-5-${kind}`),
      accuracy(`corrupted-5-${kind}-background-noise-0.3`),
      accuracy(`corrupted-5-${kind}-telephone-1`),
    ];
    expect(gone).toBeLessThan(noisy!);
    expect(gone).toBeLessThan(clean! - 0.05);
  }
  expect(accuracy('corrupted-5-alone-voice-telephone-1')).toBeLessThan(0.35); // of five labels
  const worse = rowOf('corrupted-5-gated-text-face-voice-telephone-1');
  expect(worse).toMatchObject({ n: 100, corrupted: { of: 'voice', as: 'telephone', level: 1 } });
  expect(Object.values(worse.gate!).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
  expect(worse.gate).not.toEqual(rowOf('triples-5-gated-text-face-voice').gate);
});

test('corrupted triples are the clean ones but for what the voice sounds like', () => {
  const clean = runsOf('triples-5-gated-text-face-voice');
  for (const [i, run] of runsOf('corrupted-5-gated-text-face-voice-telephone-1').entries()) {
    expect([run.ids, run.faceIds, run.voiceIds]).toEqual([
      clean[i]!.ids,
      clean[i]!.faceIds,
      clean[i]!.voiceIds,
    ]);
    expect(run.posteriors.data).not.toEqual(clean[i]!.posteriors.data);
  }
});

test('other corrupted voices are asked of the finished heads, which are not trained again', async () => {
  const { voices, provenance } = madeUpSets(1, { voices: true, corrupted: true });
  const swapped = [...voices!.corrupted!].reverse();
  const file = join(folder, 'swapped.safetensors');
  await writePack(file, { voices: { ...voices!, corrupted: swapped }, provenance });
  const lines: string[] = [];
  const again = await reproduce({
    source: { pack: files.pack, voices: file },
    config,
    folder: join(folder, 'out'),
    workers: 1,
    progress: { ...silentProgress, message: (line) => void lines.push(line) },
  });
  expect(lines).toEqual([]);
  const byId = (rows: Reproduction['results']['rows']) =>
    Object.fromEntries(rows.map((row) => [row.id, row] as const));
  expect(byId(again.results.rows)).toEqual(byId(found.results.rows));
});

test('each two of a product have an α, those of all three the same as those of two', () => {
  const of = (read: string) => rowOf(`triples-5-product-${read}`).agreement!;
  expect(of('text-face-voice')).toEqual({ ...of('text-face'), ...of('text-voice'), ...of('face-voice') });
  for (const alpha of Object.values(of('text-face-voice'))) {
    expect(alpha).toBeGreaterThan(0.5);
    expect(alpha).toBeLessThanOrEqual(1);
  }
});

test('tables say how triples were chosen, and results are read back', () => {
  const results = toResults(found.results);
  expect(parseResults(JSON.parse(JSON.stringify(results)))).toEqual(results);
  const markdown = renderTablesMarkdown(results);
  expect(markdown).toMatch(/Three at once[^]*100 test triples[^]*chosen by the text’s label, in test too/);
  expect(markdown).toMatch(/\| text \+ voice: Gated \+ LSTM +\|/);
  expect(markdown).toMatch(
    /with a bad voice[^]*\| as recorded +\|[^]*\| telephone +\|[^]*\| left out +\|[^]*chosen by the text’s label, in test too/,
  );
});

test('the head for incomplete triples is judged on every choice, −1 standing for what is missing', () => {
  expect(choicesOf(['text', 'face', 'voice'])).toEqual([
    ['text', 'face', 'voice'],
    ['text', 'face'],
    ['text', 'voice'],
    ['face', 'voice'],
    ['text'],
    ['face'],
    ['voice'],
  ]);
  const data = experimentData(madeUpSets(1, { voices: true }));
  const whole = evaluationItems(config, data, tripleModel(MODALITIES, config.labels));
  const { validation, tests } = evaluationItems(config, data, incompleteModel(config.labels));
  expect(tests).toHaveLength(14);
  expect(tests.slice(0, 2)).toEqual(whole.tests);
  const missing = new Int32Array(100).fill(-1);
  expect(tests[5]).toEqual({ ...whole.tests[1]!, text: whole.tests[1]!.text, face: missing });
  const n = validation.labels.length / 7;
  expect(validation.voice!.subarray(0, n)).toEqual(whole.validation.voice!.subarray(0, n));
  expect(new Set(validation.voice!.subarray(n, 2 * n))).toEqual(new Set([-1]));
});

test('in training every item keeps a modality, and each is missing as often as wanted', () => {
  const n = 20_000;
  const rows = Int32Array.from({ length: n }, (_, i) => i);
  const items = { text: rows, face: rows, voice: rows, labels: new Uint8Array(n) };
  const drawn = withMissing(items, MODALITIES, 0.3, 1, 4);
  expect(withMissing(items, MODALITIES, 0.3, 1, 4)).toEqual(drawn);
  expect(withMissing(items, MODALITIES, 0.3, 1, 5)).not.toEqual(drawn);
  const isThere = MODALITIES.map((modality) => Array.from(drawn[modality]!, (row) => row >= 0));
  expect(rows.every((i) => isThere.some((one) => one[i]))).toBe(true);
  // Where all three would be missing, one of them stays.
  for (const one of isThere) {
    const share = one.filter((value) => !value).length / n;
    expect(Math.abs(share - (0.3 - 0.027 / 3))).toBeLessThan(0.016); // five standard deviations
  }
  for (const modality of MODALITIES)
    drawn[modality]!.forEach((row, i) => expect(row === -1 || row === i).toBe(true));
});

test('without voices there are no triples; a pack without them is refused', async () => {
  await expect(reproduce({ source: { pack: files.pack, voices: files.pack }, config })).rejects.toMatchObject(
    {
      code: 'data',
      place: { file: files.pack },
    },
  );
  expect(() => experimentData(madeUpSets()).voices(config.labels, 'train')).toThrow(/no voices/);
});
