// The server of `mien demo`, without a browser: headers, the model next to the page, nothing outside, helpful errors.
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, gzipSync } from 'node:zlib';
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

  test('isolates the page and forbids other origins', async () => {
    const { status, headers } = await fetch(served.url);
    expect(status).toBe(200);
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    expect(headers.get('content-security-policy')).toMatch(/default-src 'self';/);
    expect(headers.get('cache-control')).toBe('no-cache');
  });

  test('serves runtime and model with their media types, compressed if they are', async () => {
    await writeFile(
      join(places.page, 'assets/runtime-1234.wasm.br'),
      brotliCompressSync(Buffer.from('wasm')),
    );
    const headers = { 'accept-encoding': 'br' };
    const wasm = await fetch(`${served.url}assets/runtime-1234.wasm`, { headers });
    expect(wasm.headers.get('content-encoding')).toBe('br');
    expect(await wasm.text()).toBe('wasm');
    expect(wasm.headers.get('content-type')).toBe('application/wasm');
    expect(wasm.headers.get('cache-control')).toMatch(/immutable/);
    expect(await (await fetch(`${served.url}model/manifest.json`)).text()).toBe('{}');
    expect((await fetch(`${served.url}model/missing.onnx`)).status).toBe(404);
  });

  test('serves compressed forms of a model that are beside it to whoever accepts them', async () => {
    const model = Buffer.from('weights '.repeat(1000));
    const [brotli, gzipped] = [brotliCompressSync(model), gzipSync(model)];
    await writeFile(join(places.model, 'text.onnx'), model);
    await writeFile(join(places.model, 'text.onnx.br'), brotli);
    await writeFile(join(places.model, 'text.onnx.gz'), gzipped);
    const ask = async (headers: Record<string, string>, method = 'GET') => {
      const asked = request(`${served.url}model/text.onnx`, { method, headers }).end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      return { response, body: await buffer(response) };
    };
    for (const [accepted, encoding, content] of [
      ['gzip, deflate, br, zstd', 'br', brotli],
      ['gzip, deflate', 'gzip', gzipped],
      ['identity', undefined, model],
    ] as const) {
      const { response, body } = await ask({ 'accept-encoding': accepted });
      expect(response.headers['content-encoding']).toBe(encoding);
      expect(response.headers['content-type']).toBe('application/octet-stream');
      expect(body).toEqual(content);
      const head = await ask({ 'accept-encoding': accepted }, 'HEAD');
      expect(head.response.headers).toMatchObject({ 'content-length': String(content.length) });
      expect(head.response.headers['content-encoding']).toBe(encoding);
      // A range is of what is sent.
      const part = await ask({ 'accept-encoding': accepted, range: 'bytes=2-5' });
      expect(part.response.statusCode).toBe(206);
      expect(part.response.headers['content-range']).toBe(`bytes 2-5/${content.length}`);
      expect(part.body).toEqual(content.subarray(2, 6));
      if (encoding) expect(response.headers.vary).toMatch(/accept-encoding/i);
    }
  });

  test('serves nothing outside the page', async () => {
    for (const path of ['../secret', '..%2fsecret', 'model/../../secret', 'model/..%2f..%2fsecret'])
      expect(await (await fetch(`${served.url}${path}`)).text()).not.toContain('outside');
  });

  test('says what to do when the port is in use or the page has not been built', async () => {
    const port = Number(new URL(served.url).port);
    await expect(servePage({ ...places, port })).rejects.toThrow(/port \d+ is in use[^]*--port/);
    await expect(servePage({ ...places, page: places.model, port: 0 })).rejects.toThrow(/npm run build:web/);
  });

  test('rejects an invalid port, and a folder without a bundle', async () => {
    const wrong = await runMien(['demo', '--port', '99999']);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/0 to 65535/);
    const empty = await runMien(['demo', '--port', '0', '--bundle', folder.path]);
    expect(empty.code).toBe(1);
    expect(empty.stderr).toMatch(/there is no bundle in this folder/);
  });
});
