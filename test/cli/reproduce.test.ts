// `mien reproduce` as a process: end to end with the paper's encoders from a hub, and what it says to wrong arguments.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TEXT_LABELS } from '../../src/data/labels.js';
import { profiles } from '../../src/encoders/profiles.js';
import { writePack } from '../../src/features/pack.js';
import type { Results } from '../../src/report/results.js';
import { madeUpSets } from '../support/feature-sets.js';
import { startHubServer, type HubServer } from '../support/hub-server.js';
import { writeDataSets } from '../support/data-sets.js';
import { startMien, type Ended } from '../support/mien.js';
import { paperRepositories } from '../support/pretrained.js';

const mien = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  startMien(args, { XDG_CACHE_HOME: join(folder, 'cache'), ...env }).ended;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-reproduce-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

let hub: HubServer | undefined;
afterAll(() => hub?.close());

test('the paper’s encoders, from the hub to the tables', { timeout: 180_000 }, async () => {
  const data = join(folder, 'data');
  await writeDataSets(data);
  hub = await startHubServer(
    paperRepositories(['i', 'remember', 'day', 'of', 'very', 'well', ...TEXT_LABELS]),
  );
  // The built-in profile holds the published weights to their hash; these are filled by a formula instead.
  const { sha256: _published, ...text } = profiles.paper.text;
  const profile = join(folder, 'paper-formula.json');
  await writeFile(profile, JSON.stringify({ text, face: profiles.paper.face }));
  const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: join(folder, 'hub') };
  const args = ['reproduce', '--data', data, '--profile', profile, '--out', join(folder, 'out'), '--json'];
  const quick = ['--seeds', '1', '--set', 'epochs.max=2', '--set', 'validation.fraction=0.25'];

  const first = await mien([...args, ...quick], env);
  expect(first.stderr).not.toMatch(/mien:/);
  expect(first.code).toBe(0);
  const results = JSON.parse(first.stdout) as Results;
  const gated = results.rows.find(({ id }) => id === 'II-gated-fer2013')!;
  expect(gated).toMatchObject({ features: 'paper-formula features', accuracy: { paper: 0.82 } });
  expect(results.counts['isear']!.encoder).toMatchObject({ id: text.id, revision: text.revision });
  expect(results.counts['fer2013']!.encoder.id).toBe(profiles.paper.face.id);
  expect((await readdir(join(folder, 'out'))).sort()).toEqual(
    ['analysis', 'confusion', 'predictions', 'results.json', 'runs', 'tables.md'].sort(),
  );

  // Offline and with the hub gone, everything is there already, and nothing is computed again.
  await hub.close();
  hub = undefined;
  const second = await mien([...args, ...quick, '--offline'], env);
  expect(second.code).toBe(0);
  expect((JSON.parse(second.stdout) as Results).rows).toEqual(results.rows);
});

test('a profile pinned to a hash refuses other weights', { timeout: 60_000 }, async () => {
  const data = join(folder, 'data');
  const server = await startHubServer(paperRepositories(['i']));
  try {
    const { code, stderr } = await mien(['reproduce', '--data', data, '--profile', 'paper'], {
      HF_ENDPOINT: server.endpoint,
      HF_HOME: join(folder, 'other-hub'),
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/model\.safetensors.*(hash|sha256)/is);
  } finally {
    await server.close();
  }
});

test('tables from a pack, for people and for programs', { timeout: 60_000 }, async () => {
  const pack = join(folder, 'pack.safetensors');
  await writePack(pack, madeUpSets());
  const quick = [
    '--pack',
    pack,
    '--seeds',
    '1',
    '--set',
    'epochs.max=1',
    '--set',
    'head.width=8',
    '--set',
    'head.lstm=4',
  ];
  const { code, stdout } = await mien(['reproduce', ...quick]);
  expect(code).toBe(0);
  // Without --out the results are kept where `mien report` looks for them; the runs are not.
  expect((await readdir(join(folder, 'cache', 'mien', 'results'))).sort()).toEqual(
    ['analysis', 'confusion', 'predictions', 'results.json', 'tables.md'].sort(),
  );
  for (const words of [
    'Table II.',
    'Table III.',
    'Table IV.',
    'Lightweight',
    'Wafa et al. 2025',
    'chosen by the text’s label',
  ])
    expect(stdout).toContain(words);
});

test.each([
  [['reproduce', '--dat', 'x'], 2, /--data/],
  [['reproduce', '--seeds', 'many'], 2, /seeds/],
  [['reproduce', '--set', 'optimizer.learnigRate=1'], 2, /optimizer\.learningRate/],
  [['reproduce', '--split', 'random'], 2, /clean, paper/],
  [['reproduce', '--pack', 'nowhere.safetensors'], 1, /nowhere\.safetensors: there is no such file/],
  [['reproduce', '--data', 'nowhere'], 1, /nowhere/],
  [['reproduce', '--data', '.', '--profile', 'frosen'], 2, /frozen/],
])('%j', async (args, code, message) => {
  const outcome = await mien(args);
  expect(outcome.stderr).toMatch(message);
  expect(outcome.code).toBe(code);
  expect(outcome.stdout).toBe('');
});
