// The configuration: defaults are the paper's file, overrides are typed, mistakes are named with the nearest key.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { MienError } from 'mien-engine/base';
import { MODALITIES } from 'mien/parts/bundle';
import { experimentSettings, loadConfig, parseConfig, type Config } from '../../src/experiments/config.js';
import {
  fusedModel,
  incompleteModel,
  modelsOf,
  tripleModel,
  type ModelSpec,
} from '../../src/experiments/plan.js';
import { fingerprint } from '../../src/experiments/run.js';
import type { HeadName } from '../../src/heads/heads.js';

const paper = fileURLToPath(new URL('../../../../configs/paper.yaml', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};
const refusal = async (promise: Promise<unknown>): Promise<MienError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MienError);
  return error as MienError;
};

test('the paper’s file names every setting, and its values are the defaults', async () => {
  expect(await loadConfig({ file: paper })).toEqual(parseConfig({}));
  const given = parse(await readFile(paper, 'utf8')) as unknown;
  for (const path of experimentSettings.paths)
    expect(
      path
        .split('.')
        .reduce((value: unknown, key) => (value as Record<string, unknown> | undefined)?.[key], given),
      path,
    ).not.toBeUndefined();
});

test('the paper’s values', () => {
  expect(parseConfig({})).toMatchObject({
    optimizer: { name: 'adam', learningRate: 1e-4 },
    batchSize: 32,
    epochs: { max: 30, patience: 5 },
    head: { width: 256, lstm: 128 },
    seeds: [0, 1, 2, 3, 4],
  });
});

test('further heads are trained only where they are asked for, and leave the runs of others as they are', () => {
  const heads = (config: Config): string[] => modelsOf(config).map(({ key }) => key);
  const plain = parseConfig({});
  const further = parseConfig({ furtherHeads: ['low-rank'], head: { rank: 8 } });
  expect(heads(plain).filter((key) => key.startsWith('low-rank'))).toEqual([]);
  expect(heads(further).filter((key) => !heads(plain).includes(key))).toEqual([
    'low-rank-fer2013',
    'low-rank-rafdb',
    'low-rank-both',
  ]);
  const run = (head: HeadName, config: Config): string =>
    fingerprint(fusedModel(head, config.labels, 'rafdb'), config, 'features');
  expect(run('gated', further)).toBe(run('gated', plain));
  expect(run('low-rank', further)).not.toBe(run('low-rank', plain));
});

test('how often modalities are missing concerns only the head that does without', () => {
  const [plain, often] = [parseConfig({}), parseConfig({ triples: { missing: 0.6 } })];
  const run = (model: ModelSpec, config: Config): string => fingerprint(model, config, 'features');
  const { labels } = plain;
  const whole = tripleModel(MODALITIES, labels);
  for (const model of [fusedModel('gated', labels, 'rafdb'), whole])
    expect(run(model, often)).toBe(run(model, plain));
  expect(run(incompleteModel(labels), often)).not.toBe(run(incompleteModel(labels), plain));
  expect(run(incompleteModel(labels), plain)).not.toBe(run(whole, plain));
});

test('seeds are a list, or a count from the base seed on', () => {
  expect(parseConfig({ seeds: 3, seed: 10 }).seeds).toEqual([10, 11, 12]);
  expect(parseConfig({ seeds: [4, 2] }).seeds).toEqual([4, 2]);
});

test('later sources win: defaults, file, --set', async () => {
  const yaml = await file('a.yaml', 'optimizer:\n  learningRate: 2e-4\n  beta1: 0.8\n');
  const json = await file('a.json', '{"optimizer": {"learningRate": 2e-4, "beta1": 0.8}}');
  for (const path of [yaml, json])
    expect(
      (await loadConfig({ file: path, set: ['optimizer.learningRate=3e-4', 'seeds=[7]'] })).optimizer,
    ).toMatchObject({ learningRate: 3e-4, beta1: 0.8, beta2: 0.999 });
  expect(await loadConfig({ file: await file('empty.yaml', '') })).toEqual(parseConfig({}));
});

test.each([
  ['optimizer.learningrate=1', 'optimizer.learningrate', 'Did you mean "optimizer.learningRate"?'],
  ['learningRate=1', 'learningRate', 'Did you mean "optimizer.learningRate"?'],
  ['optimiser.name=sgd', 'optimiser.name', 'Did you mean "optimizer.name"?'],
  ['epochs.patiense=3', 'epochs.patiense', 'Did you mean "epochs.patience"?'],
  ['__proto__.polluted=1', '__proto__.polluted', 'Known: seeds'],
  ['optimizer.name=adm', 'optimizer.name', 'Did you mean "adam"?'],
  ['optimizer.learningRate=fast', 'optimizer.learningRate', 'must be a number; got "fast"'],
  ['optimizer.learningRate=-1', 'optimizer.learningRate', 'must be above 0; got -1'],
  ['optimizer=adam', 'optimizer', 'must be a group of settings; got "adam"'],
  ['batchSize=1.5', 'batchSize', 'must be a whole number; got 1.5'],
  ['batchSize=', 'batchSize', 'must be a number; got null'],
  ['seeds=[1, 1]', 'seeds', 'must differ'],
  ['seeds=many', 'seeds', 'or a list of seeds; got "many"'],
  ['labels=[joy, sad]', 'labels.1', 'must be one of anger, disgust'],
  ['validation.fraction=1', 'validation.fraction', 'must be below 1'],
])('--set %s is refused', async (assignment, field, message) => {
  const error = await refusal(loadConfig({ set: [assignment] }));
  expect(error.code).toBe('config');
  expect(error.place.field).toBe(field);
  expect(error.message).toContain(message);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('--set without a value, or with broken YAML, is refused', async () => {
  expect((await refusal(loadConfig({ set: ['batchSize'] }))).code).toBe('usage');
  expect((await refusal(loadConfig({ set: ['=3'] }))).code).toBe('usage');
  expect((await refusal(loadConfig({ set: ['seeds=['] }))).message).toMatch(/^seeds: is not valid YAML/);
});

test('what is wrong in a file is reported with the file', async () => {
  const unknown = await file('unknown.yaml', 'epochs:\n  patiens: 3\n');
  expect(await refusal(loadConfig({ file: unknown }))).toMatchObject({
    code: 'config',
    place: { file: unknown, field: 'epochs.patiens' },
    hint: 'Did you mean "epochs.patience"?',
  });
  const broken = await file('broken.yaml', 'seed: 1\nepochs: [\n');
  expect(await refusal(loadConfig({ file: broken }))).toMatchObject({
    code: 'format',
    place: { file: broken },
  });
  const twice = await file('twice.yaml', 'seed: 1\nseed: 2\n');
  expect(await refusal(loadConfig({ file: twice }))).toMatchObject({ code: 'format', place: { row: 2 } });
  expect((await refusal(loadConfig({ file: await file('list.yaml', '- 1\n') }))).code).toBe('format');
  expect((await refusal(loadConfig({ file: join(folder, 'none.yaml') }))).code).toBe('file');
});
