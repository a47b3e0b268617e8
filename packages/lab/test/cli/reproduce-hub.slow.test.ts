// `mien reproduce` as a process, end to end: the paper's encoders from a hub, then everything again without it.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { profiles } from '../../src/encoders/profiles.js';
import { TEXT_LABELS } from 'mien/parts/data';
import type { Results } from '../../src/report/results.js';
import { startHubServer, type HubServer } from '../../../../test/support/hub-server.js';
import { writeDataSets } from '../../../../test/support/data-sets.js';
import { startMien, type Ended } from '../../../../test/support/mien.js';
import { paperRepositories } from '../../../../test/support/pretrained.js';

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
