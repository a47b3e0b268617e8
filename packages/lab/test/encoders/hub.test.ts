// The hub client against a server that answers as the hub does: cache layout, hashes, resuming, offline, hostile answers.
import {
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256, sha256File } from 'mien-engine/node';
import { silentProgress } from 'mien/parts/base';
import { hubSettings } from '../../src/encoders/hub-cache.js';
import { hubFile } from '../../src/encoders/hub.js';
import type { HubOptions } from '../../src/encoders/hub.js';
import { uniform } from '../../../../test/support/golden.js';
import { startHubServer } from '../../../../test/support/hub-server.js';
import type { HubServer } from '../../../../test/support/hub-server.js';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const ID = 'org/name';
const weights = new Uint8Array(uniform('weights', 50_000).buffer);
const config = new TextEncoder().encode('{"model_type":"bert"}\n');

let server: HubServer;
let folder: string;
let cache: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-hub-'));
  server = await startHubServer({});
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  server.repositories[ID] = {
    commit: COMMIT,
    files: { 'model.safetensors': weights, 'config.json': config },
  };
  server.requests.length = server.mishaps.length = server.tokens.hub.length = server.tokens.cdn.length = 0;
  cache = join(folder, `cache${count++}`);
});

const options = (more: HubOptions = {}, environment = {}): HubOptions => ({
  environment: { HF_ENDPOINT: `${server.endpoint}/`, HF_HUB_CACHE: cache, ...environment },
  ...more,
});
const fetchWeights = (more?: HubOptions, revision = COMMIT, hash?: string) =>
  hubFile({ id: ID, revision, path: 'model.safetensors', sha256: hash }, options(more));
const repo = (): string => join(cache, 'models--org--name');
const blobs = (): Promise<string[]> => readdir(join(repo(), 'blobs')).catch(() => []);

describe('fetching', () => {
  it('stores files in the hub’s layout and then makes no further requests', async () => {
    const file = await fetchWeights({}, 'main', sha256(weights));
    const path = join(repo(), 'snapshots', COMMIT, 'model.safetensors');
    expect(file).toEqual({ path, revision: COMMIT, sha256: sha256(weights) });
    expect(await sha256File(file.path)).toBe(sha256(weights));
    expect(await readlink(file.path)).toBe(join('..', '..', 'blobs', sha256(weights)));
    expect(await readFile(join(repo(), 'refs', 'main'), 'utf8')).toBe(COMMIT);
    await hubFile({ id: ID, revision: 'main', path: 'config.json' }, options());
    expect((await blobs()).sort()).toEqual(
      ['cc8a6b41c02264f7110eed9d6cac93bc973dcf7b', sha256(weights)].sort(),
    );

    server.requests.length = 0;
    expect(await fetchWeights({}, 'main')).toEqual(file);
    expect(await fetchWeights({}, COMMIT)).toEqual(file);
    // A branch that moves on does not change what was recorded.
    server.repositories[ID]!.commit = 'f'.repeat(40);
    expect(await fetchWeights({}, 'main')).toEqual(file);
    expect(server.requests).toEqual([]);
  });

  it('uses files fetched by Python, also offline', async () => {
    await mkdir(join(repo(), 'blobs'), { recursive: true });
    await mkdir(join(repo(), 'snapshots', COMMIT), { recursive: true });
    await writeFile(join(repo(), 'blobs', sha256(weights)), weights);
    await symlink(`../../blobs/${sha256(weights)}`, join(repo(), 'snapshots', COMMIT, 'model.safetensors'));
    const file = await hubFile(
      { id: ID, revision: COMMIT, path: 'model.safetensors' },
      options({}, { HF_HUB_OFFLINE: '1' }),
    );
    expect(file.revision).toBe(COMMIT);
    expect(server.requests).toEqual([]);
  });

  it('sends the token to the hub only', async () => {
    await hubFile(
      { id: ID, revision: 'main', path: 'model.safetensors' },
      options({}, { HF_TOKEN: 'secret' }),
    );
    expect(server.tokens).toEqual({ hub: ['Bearer secret'], cdn: [undefined] });
  });

  it('reports progress', async () => {
    let [total, done] = [0, 0];
    const progress = {
      ...silentProgress,
      begin: (_: string, units = 0) => void (total = units),
      advance: (units = 1) => void (done += units),
    };
    await fetchWeights({ progress });
    expect([total, done]).toEqual([weights.length, weights.length]);
  });
});

describe('broken transfers', () => {
  it('resumes after a broken connection and after server errors', async () => {
    let arrived = 0;
    const progress = { ...silentProgress, advance: (bytes = 1) => void (arrived += bytes) };
    const cutAt = (bytes: number) => ({ cutWhen: () => arrived >= bytes });
    server.mishaps.push(cutAt(100_000), 'unavailable', cutAt(150_000));
    const { path } = await fetchWeights({ progress });
    expect(await sha256File(path)).toBe(sha256(weights));
    const ranges = server.requests.filter((line) => line.includes('cdn')).map((line) => line.split(' ')[3]);
    expect(ranges).toEqual([undefined, 'bytes=100000-', 'bytes=100000-', 'bytes=150000-']);
  });

  it('starts again if the server cannot resume or the received bytes are wrong', async () => {
    server.mishaps.push('cut', 'ignore-range');
    expect(await sha256File((await fetchWeights()).path)).toBe(sha256(weights));
    await rm(cache, { recursive: true });
    server.mishaps.push('corrupt');
    expect(await sha256File((await fetchWeights()).path)).toBe(sha256(weights));
  });

  it('closes a stalled connection and leaves nothing behind', async () => {
    server.mishaps.push('stall');
    await expect(fetchWeights({ timeout: 100, retries: 0 })).rejects.toMatchObject({
      code: 'offline',
      message: expect.stringMatching(/no data for 0\.1 s[^]*--weights/) as string,
    });
    expect(await blobs()).toEqual([]);
  });

  it('stops when aborted and leaves nothing behind', async () => {
    server.mishaps.push('stall');
    const controller = new AbortController();
    const progress = { ...silentProgress, advance: () => controller.abort() };
    await expect(fetchWeights({ signal: controller.signal, progress })).rejects.toMatchObject({
      code: 'interrupted',
    });
    expect(await blobs()).toEqual([]);
  });

  it('rejects bytes that never have the right hash', async () => {
    server.mishaps.push('corrupt', 'corrupt');
    await expect(fetchWeights({ retries: 1 })).rejects.toThrow(/expected hash/);
    expect(await blobs()).toEqual([]);
  });

  it('removes old temporary files of killed processes', async () => {
    await fetchWeights();
    const [old, young] = ['a', 'b'].map((name) => join(repo(), 'blobs', `${name}.mien.incomplete`)) as [
      string,
      string,
    ];
    await writeFile(old, 'x');
    await writeFile(young, 'x');
    await utimes(old, 0, 0);
    await hubFile({ id: ID, revision: 'main', path: 'config.json' }, options());
    expect((await blobs()).filter((name) => name.includes('incomplete'))).toEqual(['b.mien.incomplete']);
  });
});

describe('a damaged cache', () => {
  it.each([
    ['cut', (path: string) => truncate(path, 1000)],
    ['emptied', (path: string) => truncate(path, 0)],
    [
      'corrupted',
      (path: string) =>
        writeFile(
          path,
          weights.map((byte, i) => (i === 77 ? byte ^ 1 : byte)),
        ),
    ],
    ['removed', (path: string) => rm(path)],
  ])('fetches a file again that was %s', async (_, damage) => {
    await fetchWeights();
    await damage(join(repo(), 'blobs', sha256(weights)));
    await expect(
      hubFile({ id: ID, revision: COMMIT, path: 'model.safetensors' }, options({}, { HF_HUB_OFFLINE: '1' })),
    ).rejects.toMatchObject({ code: 'offline' });
    const { path } = await fetchWeights();
    expect(await sha256File(path)).toBe(sha256(weights));
  });

  it('checks small files by their git hash', async () => {
    const { path } = await hubFile({ id: ID, revision: 'main', path: 'config.json' }, options());
    await writeFile(path, '{}');
    await hubFile({ id: ID, revision: 'main', path: 'config.json' }, options());
    expect(await readFile(path, 'utf8')).toBe('{"model_type":"bert"}\n');
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
  });
});

describe('errors', () => {
  it.each<[string, Parameters<typeof hubFile>[0], string, RegExp]>([
    [
      'an unknown repository',
      { id: 'no/body', revision: 'main', path: 'config.json' },
      'weights',
      /no repository no\/body[^]*HF_TOKEN/,
    ],
    ['an unknown revision', { id: ID, revision: 'v9', path: 'config.json' }, 'weights', /no revision v9/],
    ['an unknown file', { id: ID, revision: 'main', path: 'vocab.txt' }, 'weights', /no file vocab\.txt/],
    [
      'other weights than pinned',
      { id: ID, revision: 'main', path: 'model.safetensors', sha256: 'a'.repeat(64) },
      'weights',
      /expected aaaa/,
    ],
    ['an id that climbs', { id: '../etc', revision: 'main', path: 'config.json' }, 'config', /not the id/],
    ['a path that climbs', { id: ID, revision: 'main', path: '../../x' }, 'config', /not a file of/],
  ])('reports %s', async (_, name, code, message) => {
    const error: unknown = await hubFile(name, options()).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  it('explains what to do without a network or with fetching disabled', async () => {
    const closed = await startHubServer({});
    await closed.close();
    const nowhere = { HF_ENDPOINT: closed.endpoint };
    await expect(
      hubFile({ id: ID, revision: 'main', path: 'x.json' }, options({}, nowhere)),
    ).rejects.toMatchObject({
      code: 'offline',
      hint: expect.stringContaining('--weights') as string,
    });
    await expect(
      hubFile({ id: ID, revision: 'main', path: 'x.json' }, options({}, { HF_HUB_OFFLINE: 'yes' })),
    ).rejects.toThrow(/fetching is disabled/);
    await expect(
      hubFile({ id: ID, revision: 'main', path: 'x.json' }, options({ offline: true })),
    ).rejects.toThrow(/fetching is disabled/);
    expect(server.requests).toEqual([]);
  });

  it('does not mistake a login page for a hub', async () => {
    const { createServer } = await import('node:http');
    const portal = createServer((_, response) => response.end('<html>please log in</html>')).listen(
      0,
      '127.0.0.1',
    );
    await new Promise((ready) => portal.once('listening', ready));
    const { port } = portal.address() as { port: number };
    await expect(
      hubFile(
        { id: ID, revision: 'main', path: 'x.json' },
        options({}, { HF_ENDPOINT: `http://127.0.0.1:${port}` }),
      ),
    ).rejects.toThrow(/does not respond like a Hugging Face hub/);
    portal.closeAllConnections();
    portal.close();
  });
});

describe('settings', () => {
  it('follow the environment variables of the Python client', () => {
    expect(hubSettings({ HF_HOME: '/h' })).toMatchObject({
      cache: '/h/hub',
      offline: false,
      token: undefined,
    });
    expect(hubSettings({ HF_HOME: '/h', HF_HUB_CACHE: '/c', HF_HUB_OFFLINE: 'ON' })).toMatchObject({
      cache: '/c',
      offline: true,
    });
    expect(hubSettings({ XDG_CACHE_HOME: '/x' }).cache).toBe('/x/huggingface/hub');
    expect(hubSettings({ HF_ENDPOINT: 'http://mirror/' }).endpoint).toBe('http://mirror');
  });
});
