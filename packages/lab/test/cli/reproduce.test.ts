// `mien reproduce`: from a pack, as a process, and what it says to wrong arguments.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { profiles } from '../../src/encoders/profiles.js';
import { writePack } from '../../src/features/pack.js';
import { madeUpSets } from '../../../../test/support/feature-sets.js';
import { startHubServer } from '../../../../test/support/hub-server.js';
import { writeDataSets } from '../../../../test/support/data-sets.js';
import { runMien, startMien, type Ended } from '../../../../test/support/mien.js';
import { bertFiles, bertTinyConfig } from '../../../../test/support/pretrained.js';

const cache = () => ({ XDG_CACHE_HOME: join(folder, 'cache') });
const mien = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  runMien(args, { env: { ...cache(), ...env } });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-reproduce-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a profile pinned to a hash rejects other weights', { timeout: 60_000 }, async () => {
  const data = join(folder, 'data');
  await writeDataSets(data);
  const { id, revision: commit } = profiles.paper.text;
  const files = bertFiles({ ...bertTinyConfig, vocab_size: 128 }, ['i']);
  const server = await startHubServer({ [id]: { commit, files } });
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

test('prints tables from a pack, as text and as JSON', { timeout: 60_000 }, async () => {
  const pack = join(folder, 'made-up.safetensors');
  const { voices, ...sets } = madeUpSets(1, { voices: true });
  await writePack(pack, sets);
  // Found beside the pack.
  await writePack(join(folder, 'voices.safetensors'), { voices: voices!, provenance: sets.provenance });
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
  const { code, stdout } = await startMien(['reproduce', ...quick], cache()).ended;
  expect(code).toBe(0);
  // Without --out the results are kept where `mien report` looks for them; the runs are not.
  expect((await readdir(join(folder, 'cache', 'mien', 'results'))).sort()).toEqual(
    ['analysis', 'confusion', 'predictions', 'results.json', 'tables.md'].sort(),
  );
  for (const words of [
    'Table II.',
    'Table III.',
    'Table IV.',
    'Three at once',
    'voice alone',
    'Lightweight',
    'Wafa et al. 2025',
    'chosen by the text’s label',
    'made-up features (pack)',
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
