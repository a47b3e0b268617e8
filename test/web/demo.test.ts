// What `mien demo` serves, without a browser: headers, the model beside the page, nothing outside, errors that help.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Served, servePage } from 'mien/cli';
import { runMien } from '../support/mien.js';
import { temporaryFolder } from './support.js';

describe('mien demo', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let served: Served;
  let places: { page: string; model: string };

  beforeAll(async () => {
    folder = await temporaryFolder();
    places = { page: join(folder.path, 'page'), model: join(folder.path, 'model') };
    await mkdir(join(places.page, 'assets'), { recursive: true });
    await mkdir(places.model);
    await writeFile(join(places.page, 'index.html'), '<!doctype html><title>page</title>');
    await writeFile(join(places.page, 'assets/runtime-1234.wasm'), '');
    await writeFile(join(places.model, 'manifest.json'), '{}');
    await writeFile(join(folder.path, 'secret'), 'outside');
    served = await servePage({ ...places, port: 0 });
  });
  afterAll(async () => {
    await served?.close();
    await folder?.remove();
  });

  test('isolates the page, and lets nothing in from elsewhere', async () => {
    const { status, headers } = await fetch(served.url);
    expect(status).toBe(200);
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    expect(headers.get('content-security-policy')).toMatch(/default-src 'self';/);
    expect(headers.get('cache-control')).toBe('no-cache');
  });

  test('serves runtime and model as what they are', async () => {
    const wasm = await fetch(`${served.url}assets/runtime-1234.wasm`);
    expect(wasm.headers.get('content-type')).toBe('application/wasm');
    expect(wasm.headers.get('cache-control')).toMatch(/immutable/);
    expect(await (await fetch(`${served.url}model/manifest.json`)).text()).toBe('{}');
    expect((await fetch(`${served.url}model/missing.onnx`)).status).toBe(404);
  });

  test('serves nothing outside the page', async () => {
    for (const path of ['../secret', '..%2fsecret', 'model/../../secret', 'model/..%2f..%2fsecret'])
      expect(await (await fetch(`${served.url}${path}`)).text()).not.toContain('outside');
  });

  test('says what to do when the port is taken or the page is not built', async () => {
    const port = Number(new URL(served.url).port);
    await expect(servePage({ ...places, port })).rejects.toThrow(/port \d+ is taken[^]*--port/);
    await expect(servePage({ ...places, page: places.model, port: 0 })).rejects.toThrow(/npm run build:web/);
  });

  test('refuses a port that is none, and a folder without a bundle', async () => {
    const wrong = await runMien(['demo', '--port', '99999']);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/0 to 65535/);
    const empty = await runMien(['demo', '--port', '0', '--bundle', folder.path]);
    expect(empty.code).toBe(1);
    expect(empty.stderr).toMatch(/no bundle is here/);
  });
});
