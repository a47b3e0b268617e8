// `mien serve`: start, shutdown under load, and errors of invalid settings.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverSettings } from '../../src/server/settings.js';
import { writeLegible } from '../../../../test/support/bundle.js';
import { runMien, startMien } from '../../../../test/support/mien.js';
import { fileOf } from './images.js';
import { until } from './support.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-serve-'));
  await writeLegible(folder);
});
afterAll(() => rm(folder, { recursive: true }));

const lines = (stdout: string) =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('mien serve', () => {
  it('loses no accepted request when stopped under load', async () => {
    const args = ['serve', '--bundle', folder, '--port', '0', '--processes', '1', '--drain-delay', '100'];
    const { child, ended } = startMien(args, { MIEN_TOKEN: 'secret' });
    let stdout = '';
    child.stdout!.on('data', (piece: Buffer) => (stdout += piece.toString()));
    await until(() => stdout.includes('"listening"'));
    const { url } = lines(stdout).find(({ event }) => event === 'listening') as { url: string };

    const image = (await fileOf('fear', 'png', 300)).toString('base64');
    // A connection for each request: whether it was accepted is then plain to see.
    const ask = (text: string) =>
      new Promise<string>((resolve, reject) => {
        const headers = { 'content-type': 'application/json', authorization: 'Bearer secret' };
        const sent = request(`${url}/v1/recognize`, { method: 'POST', headers, agent: false }, (response) => {
          let body = '';
          response.on('data', (piece: Buffer) => (body += piece.toString()));
          response.on('end', () => resolve(body));
          response.on('error', reject);
        });
        sent.on('error', reject);
        sent.end(
          JSON.stringify({
            items: [...Array<unknown>(3).fill({ image }), { id: text, text }],
            faces: 'cropped',
          }),
        );
      });
    // Callers that ask again and again until nobody takes their connection.
    let stopping = false;
    let answered = 0;
    const caller = async (name: string): Promise<string> => {
      for (let i = 0; ; i++) {
        const body = await ask(`${name} ${i} joy`).catch((error: NodeJS.ErrnoException) => error);
        if (body instanceof Error) return stopping ? 'refused' : `lost: ${body.code}`;
        const { results } = JSON.parse(body) as { results: { id?: string; label: string }[] };
        expect(results.map(({ label }) => label)).toEqual(['fear', 'fear', 'fear', 'joy']);
        expect(results[3]!.id).toBe(`${name} ${i} joy`);
        answered++;
      }
    };
    const callers = ['a', 'b', 'c', 'd', 'e', 'f'].map(caller);
    await until(() => answered >= 6);
    stopping = true;
    child.kill('SIGTERM');
    expect(await Promise.all(callers)).toEqual(Array(6).fill('refused'));
    const { code, stdout: all } = await ended;
    expect(code).toBe(0);
    expect(lines(all).at(-1)).toMatchObject({ event: 'stopped', cut: 0 });
    // As many as were accepted.
    const requests = lines(all).filter(({ event }) => event === 'request');
    expect(requests).toHaveLength(answered);
    expect(requests.every(({ status }) => status === 200)).toBe(true);
  });

  it('rejects an invalid address or token before it starts', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await until(() => taken.listening);
    const { port } = taken.address() as { port: number };
    const [inUse, empty] = await Promise.all([
      runMien(['serve', '--bundle', folder, '--processes', '1', '--port', String(port)]),
      runMien(['serve', '--bundle', folder], { env: { MIEN_TOKEN: '' } }),
    ]);
    taken.close();
    expect(inUse.code).toBe(2);
    expect(inUse.stderr).toContain(`127.0.0.1 port ${port} is in use`);
    expect(inUse.stdout).not.toContain('listening');
    expect(empty.code).toBe(2);
    expect(empty.stderr).toContain('MIEN_TOKEN is set but empty');
  });
});

describe('serverSettings', () => {
  it('divides the cores among processes, and rejects invalid settings', () => {
    const { processes, threads, host } = serverSettings({});
    expect(processes).toBeGreaterThan(0);
    expect(threads).toBeGreaterThan(0);
    expect(host).toBe('127.0.0.1');
    expect(() => serverSettings({ queue: 10 })).toThrow(/queue of 10 .* 64 items/);
    expect(() => serverSettings({ cors: ['example.org'] })).toThrow('not an origin');
    expect(() => serverSettings({ cors: ['https://example.org/'] })).toThrow('not an origin');
    expect(() => serverSettings({ token: 'with space' })).toThrow('token');
    expect(() => serverSettings({ port: 70_000 })).toThrow('port');
    expect(() => serverSettings({ maxBtach: 3 } as never)).toThrow('maxBatch');
  });
});
