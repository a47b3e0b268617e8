// The service with a child process that computes: results, rejected requests, hostile input, a killed process.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPool } from '../../src/recognizer/node/pool.js';
import { FINE_LABELS, writeLegible } from '../../../../test/support/bundle.js';
import { commentBomb, fileOf, pngOf } from './images.js';
import { serveBundle, until, type TestService } from './support.js';

const ORIGIN = 'https://page.example';

let folder: string;
let open: TestService;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-serve-'));
  await writeLegible(folder, { fine: true });
  open = await serveBundle(folder, { maxItems: 8, queue: 32, cors: [ORIGIN], deadline: 60_000 });
});
afterAll(async () => {
  await open.stop();
  await rm(folder, { recursive: true });
});

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const outcomes = (body: { results: readonly { label?: string; error?: { code: string } }[] }) =>
  body.results.map(({ label, error }) => label ?? error!.code);

describe('POST /v1/recognize', () => {
  it('returns results of texts, faces and both in order, with their ids', async () => {
    const joy = await fileOf('joy');
    const { status, body } = await open.recognize({
      items: [
        { id: 'a', text: 'I felt sadness the day' },
        { id: 'b', image: base64(await fileOf('surprise', 'jpeg')) },
        { id: 'b', text: 'the day', image: `data:image/png;base64,${base64(joy)}` },
        { text: 'fear' },
        { id: 'none', text: null },
      ],
      faces: 'cropped',
    });
    expect(status).toBe(200);
    expect(body.model).toBe('legible');
    expect(outcomes(body)).toEqual(['sadness', 'surprise', 'joy', 'fear', 'no-input']);
    expect(body.results.map(({ id }: { id?: string }) => id)).toEqual(['a', 'b', 'b', undefined, 'none']);
    expect(body.results[2].from).toBe('both');
    expect(body.results[2].gate).toEqual({ mean: expect.any(Number) });
    expect(body.results[1].face.place).toBeNull();
  });

  it('applies options', async () => {
    const image = base64(await fileOf('joy'));
    const item = { text: 'the day', image };
    const { body } = await open.recognize({ items: [item], faces: 'cropped', gate: true, allFaces: true });
    expect(body.results[0].gate.values).toHaveLength(2);
    expect(body.results[0].others).toEqual([]);
    const detected = await open.recognize({ items: [{ image: base64(await fileOf('joy', 'png', 200)) }] });
    const [{ face, error }] = detected.body.results;
    expect(face ? face.place : error.code).not.toBeNull();
  });

  it('refuses to transcribe without the files for it', async () => {
    const { status, body } = await open.recognize({ items: [{ text: 'joy' }], transcribe: true });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ code: 'invalid-request', issues: [{ path: 'transcribe' }] });
  });

  it('returns finer labels of texts on request, in JSON and in forms', async () => {
    const { body } = await open.recognize({ items: [{ text: 'joy' }, { text: 'sadness' }], fine: true });
    const [joy, sadness] = body.results.map(({ text }: { text: { fine: object } }) => text.fine);
    expect(Object.keys(joy)).toEqual(FINE_LABELS);
    expect(joy.glee).toBeCloseTo(1 / (1 + Math.exp(-6)), 6);
    expect(sadness.grief).toBeCloseTo(joy.glee, 6);
    const form = new FormData();
    for (const [name, value] of Object.entries({ text: 'joy', fine: 'true' })) form.append(name, value);
    const posted = await open.call('/v1/recognize', { method: 'POST', body: form });
    expect(posted.body.results[0].text.fine).toEqual(joy);
    for (const options of [{}, { fine: false }]) {
      const plain = await open.recognize({ items: [{ text: 'joy' }], ...options });
      expect(plain.body.results[0].text).not.toHaveProperty('fine');
    }
    expect((await open.call('/v1/model')).body.labels.fine).toEqual(FINE_LABELS);
    const wrong = await open.recognize({ items: [{ text: 'joy' }], fine: 'yes' });
    expect(wrong.body.error.issues[0].path).toBe('fine');
  });

  it('accepts multipart: one item, or several that name their files', async () => {
    const post = (parts: Record<string, string | Blob>) => {
      const body = new FormData();
      for (const [name, part] of Object.entries(parts)) body.append(name, part);
      return open.call('/v1/recognize', { method: 'POST', body });
    };
    const joy = new Blob([await fileOf('joy')]);
    const one = await post({ id: 'x', text: 'the day', image: joy, faces: 'cropped', gate: 'true' });
    expect(outcomes(one.body)).toEqual(['joy']);
    expect(one.body.results[0].id).toBe('x');
    expect(one.body.results[0].gate.values).toHaveLength(2);
    const items = JSON.stringify([
      { id: '1', image: 'first' },
      { text: 'anger' },
      { id: '2', image: 'second' },
    ]);
    const fear = new Blob([await fileOf('fear')]);
    const several = await post({ items, first: joy, second: fear, faces: 'cropped' });
    expect(outcomes(several.body)).toEqual(['joy', 'anger', 'fear']);

    const issues = async (parts: Record<string, string | Blob>) => {
      const { status, body } = await post(parts);
      expect(status).toBe(400);
      return body.error.issues?.[0].path ?? body.error.code;
    };
    expect(await issues({ items: '[{"image":"first"}]', other: joy })).toBe('other');
    expect(await issues({ items: '[{"image":"first"}]', first: joy, other: fear })).toBe('other');
    expect(await issues({ items: '[{]' })).toBe('malformed-body');
    expect(await issues({ image: 'not a file' })).toBe('image');
    expect(await issues({ text: joy })).toBe('text');
    expect(await issues({ text: 'joy', gate: 'yes' })).toBe('gate');
    expect(await issues({ text: 'joy', items: '[]' })).toBe('');
    expect(await issues({ text: 'joy', coverage: 'most' })).toBe('coverage');
    expect(await issues({ text: 'joy', coverage: '0.3' })).toBe('coverage');
    expect(await issues({ text: 'joy', prior: 'evn' })).toBe('prior');
    expect(await issues({ text: 'joy', prior: '{"joi": 2}' })).toBe('prior');
    expect(await issues({ text: 'joy', prior: '{' })).toBe('malformed-body');
    const weighed = await post({ text: 'the day', prior: '{"fear": 9}' });
    expect(outcomes(weighed.body)).toEqual(['fear']);
    // In range, but this bundle does not know how sure it is.
    expect(await issues({ text: 'joy', risk: '0.1' })).toBe('risk');
    // What is wrong with an item is that item's error, whose file is named all the same.
    const faulty = JSON.stringify([
      { image: 'missing' },
      { image: 'first' },
      { image: 'second', more: 1 },
      { id: 7, text: 'fear' },
    ]);
    const mixed = await post({ items: faulty, first: joy, second: fear, faces: 'cropped' });
    expect(outcomes(mixed.body)).toEqual(['undecodable-image', 'joy', 'invalid-item', 'invalid-item']);
    expect(mixed.body.results[0].error.message).toBe('image: the request has no file part "missing"');
    // Nothing is an item with nothing in it, as in JSON.
    expect(outcomes((await post({ faces: 'cropped' })).body)).toEqual(['no-input']);
  });

  it('says what is wrong with a request, and where', async () => {
    const wrong = async (body: unknown) => {
      const answer = await open.recognize(body);
      expect([answer.status, answer.body.error.code]).toEqual([400, 'invalid-request']);
      expect(answer.body.error.requestId).toBe(answer.headers.get('x-request-id'));
      return answer.body.error.issues[0];
    };
    for (const body of [null, 7, 'text', [], { items: {} }, { items: [] }]) await wrong(body);
    expect((await wrong({ items: [{ text: '' }], faces: 'found' })).path).toBe('faces');
    expect((await wrong({ items: [{ text: '' }], gate: 'true' })).path).toBe('gate');
    expect((await wrong({ items: [{ text: '' }], prior: { joy: 0 } })).path).toContain('prior');
    expect((await wrong({ items: [{ text: '' }], prior: { joi: 1 } })).message).toContain('"joy"');
    expect((await wrong({ items: [{ text: '' }], gait: true })).message).toContain('Did you mean "gate"');
    expect((await wrong({ items: [{ text: '' }], text: 'joy' })).message).toBe(
      'unknown property "text". Known: items, faces, allFaces, gate, fine, transcribe, prior, coverage, risk.',
    );
    expect((await wrong({ items: Array(9).fill({ text: 'joy' }) })).message).toContain('8');
    const many = (await wrong({ items: Array(300_000).fill({}) })).message;
    expect(many).toBe('has 300000 items; the maximum is 8');
  });

  it('recognises the other items of a request with an invalid one', async () => {
    const joy = { id: 'good', text: 'joy' };
    for (const [item, code, message] of [
      [null, 'invalid-item', /expected object/],
      ['joy', 'invalid-item', /expected object/],
      [[joy], 'invalid-item', /expected object/],
      [{ id: 'x', text: 4 }, 'invalid-item', /^text: .*expected string/],
      [{ id: 'x', text: { a: 1 }, image: 'YQ' }, 'invalid-item', /^text: /],
      [{ id: 'x', text: 'joy '.repeat(5001) }, 'invalid-item', /^text: .*20000/],
      [{ id: 5, text: 'joy' }, 'invalid-item', /^id: /],
      [{ id: 'x', txt: 'joy' }, 'invalid-item', /unknown property "txt". Did you mean "text"/],
      [{ id: 'x', ['y'.repeat(1e5)]: 1 }, 'invalid-item', /^.{1,300}$/],
      [{ id: 'x', image: { bytes: [] } }, 'undecodable-image', /^image: /],
      [{ id: 'x', image: 'no base64!' }, 'undecodable-image', /^image: is neither base64 nor a data URL$/],
      [{ id: 'x', image: 'data:image/png;base64,?', text: 'joy' }, 'undecodable-image', /nor a data URL/],
      [{ id: 'x', image: '' }, 'no-input', /neither text nor image|nothing|no/],
    ] as const) {
      const { status, body } = await open.recognize({ items: [joy, item, joy] });
      expect(status).toBe(200);
      expect(outcomes(body)).toEqual(['joy', code, 'joy']);
      expect(body.results[1].error.message).toMatch(message);
      const id = (item as { id?: unknown } | null)?.id;
      expect(body.results[1].id).toBe(id === 'x' ? 'x' : undefined);
    }
  });

  it('reads URL-safe base64, base64 in lines, and percent-encoded data URLs', async () => {
    const file = await fileOf('joy');
    const items = [
      file.toString('base64url'),
      base64(file).replace(/.{60}/g, '$&\r\n'),
      `data:image/png;base64,${encodeURIComponent(base64(file))}`,
      `data:image/png,${[...file].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}`,
    ].map((image) => ({ image }));
    expect(outcomes((await open.recognize({ items, faces: 'cropped' })).body)).toEqual(Array(4).fill('joy'));
  });

  it('does not read paths as images', async () => {
    // Of letters and slashes, so that it is base64 as well.
    const { body } = await open.recognize({
      items: [{ image: join(folder, 'none').replace(/[^A-Za-z/]/g, 'x') }],
    });
    expect(outcomes(body)).toEqual(['undecodable-image']);
    const file = await open.recognize({ items: [{ image: 'file:///etc/hostname' }] });
    expect(outcomes(file.body)).toEqual(['undecodable-image']);
  });

  it('rejects bodies that are not requests', async () => {
    const post = async (body: string, type?: string) => {
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
      const answer = await open.call('/v1/recognize', { method: 'POST', headers, body });
      return [answer.status, answer.body.error.code];
    };
    for (const body of ['', '{', '{"items":[}', 'nothing', '[[[['.repeat(50_000), '\u0000'])
      expect(await post(body, 'application/json')).toEqual([400, 'malformed-body']);
    expect(await post('{"items":[]}')).toEqual([415, 'unsupported-media-type']);
    expect(await post('items=joy', 'application/x-www-form-urlencoded')).toEqual([
      415,
      'unsupported-media-type',
    ]);
    expect(await post('no parts', 'multipart/form-data')).toEqual([400, 'malformed-body']);
    expect(await post('--x\r\nbroken', 'multipart/form-data; boundary=x')).toEqual([400, 'malformed-body']);
  });

  it('survives malicious images, which do not affect other items', async () => {
    const before = open.lines.filter(({ event }) => event === 'process-ended').length;
    const whole = await fileOf('joy', 'jpeg', 200);
    const images = [
      pngOf(10_000, 10_000, Buffer.alloc(100)), // 100 megapixels
      pngOf(65_500, 65_500, Buffer.alloc(100)),
      whole.subarray(0, whole.length / 2),
      pngOf(8, 8, Buffer.alloc(10_000_000)), // far more data than pixels
      pngOf(8, 8, Buffer.alloc(72), commentBomb(10_000_000)),
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      Buffer.alloc(0),
    ];
    const items = [...images.map((image) => ({ image: base64(image) })), { text: 'joy' }];
    const { status, body } = await open.recognize({ items, faces: 'cropped' });
    expect(status).toBe(200);
    const found = outcomes(body);
    for (const place of [0, 1, 2, 5]) expect(found[place]).toBe('undecodable-image');
    // Base64 of nothing is an empty string, which is no image.
    expect(found[6]).toBe('no-input');
    expect(found.at(-1)).toBe('joy');
    expect(open.lines.filter(({ event }) => event === 'process-ended')).toHaveLength(before);
  });

  it('reads any text', async () => {
    const texts = ['joy \ud800', '\udfff\ud83d', '\u0000joy', 'joy\u202e', '😀', '\ufeffjoy', '...'];
    const { status, body } = await open.recognize({ items: texts.map((text) => ({ id: text, text })) });
    expect(status).toBe(200);
    expect(body.results.map(({ id }: { id: string }) => id)).toEqual(texts);
    expect(outcomes(body)[0]).toBe('joy');
    expect(outcomes(body)[2]).toBe('joy');
  });

  it('rejects ten megabytes of text, and bodies over the limit before reading them', async () => {
    const text = 'joy '.repeat(2_500_000);
    const long = await open.recognize({ items: [{ text }] });
    expect(outcomes(long.body)).toEqual(['invalid-item']);
    const raw = open.raw();
    raw.send('POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n');
    raw.send(`Content-Length: ${17 * 2 ** 20}\r\n\r\n{`);
    expect(await raw.ended).toMatch(/^HTTP\/1\.1 413 [^]*"body-too-large"/);
    const piece = new Uint8Array(2 ** 20).fill(32);
    let pieces = 0;
    const stream = new ReadableStream({
      pull: (controller) => (pieces++ < 40 ? controller.enqueue(piece) : controller.close()),
    });
    const chunked = await open
      .call('/v1/recognize', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: stream,
        duplex: 'half',
      } as RequestInit)
      .catch(() => undefined);
    // The service may cut the connection while the caller still writes.
    if (chunked) expect(chunked.status).toBe(413);
  });
});

describe('other routes and middleware', () => {
  it('describe the model, health and the API', async () => {
    const { body: model } = await open.call('/v1/model');
    expect(model).toMatchObject({ name: 'legible', terms: ['made for tests'], limits: { maxItems: 8 } });
    expect((await open.call('/healthz')).body).toEqual({ status: 'ok' });
    expect((await open.call('/readyz')).body).toEqual({ status: 'ready', processes: 1 });
    const { body: page, headers } = await open.call('/docs');
    expect(page).toContain('/v1/recognize');
    // Nothing on the page is fetched: no address but the page's own document.
    expect(page.match(/(?:src|href)="[^"]*"/g)).toEqual(['href="openapi.json"']);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await fetch(`${open.url}/`, { redirect: 'manual' })).headers.get('location')).toBe('/docs');
  });

  it('have a valid OpenAPI document with valid examples', async () => {
    const { body: document } = await open.call('/openapi.json');
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    const { examples } = document.paths['/v1/recognize'].post.requestBody.content['application/json'];
    for (const { value } of Object.values<{ value: unknown }>(examples))
      expect((await open.recognize(value)).status).toBe(200);
    expect(document.components.schemas.RecognizeRequest.properties.items.maxItems).toBe(8);
  });

  it('respond 404 and 405 for unknown paths and methods', async () => {
    const missing = await open.call('/v3/recognize');
    expect([missing.status, missing.body.error.code]).toEqual([404, 'not-found']);
    const method = await open.call('/v1/recognize');
    expect([method.status, method.body.error.code]).toEqual([405, 'method-not-allowed']);
    expect(method.headers.get('allow')).toBe('POST');
  });

  it('keep a request ID, and log no content of users', async () => {
    const secret = 'anger at grandmother';
    const { headers } = await open.recognize(
      { items: [{ id: secret, text: secret }] },
      { 'x-request-id': 'mine-1' },
    );
    expect(headers.get('x-request-id')).toBe('mine-1');
    const odd = await open.recognize({ items: [{ text: secret, [secret]: 1 }] }, { 'x-request-id': 'a b"c' });
    expect(odd.headers.get('x-request-id')).not.toBe('a b"c');
    expect(open.lines.find(({ id }) => id === 'mine-1')).toMatchObject({
      level: 'info',
      event: 'request',
      method: 'POST',
      route: '/v1/recognize',
      status: 200,
      items: 1,
    });
    expect(JSON.stringify(open.lines)).not.toContain('grandmother');
  });

  it('count for Prometheus', async () => {
    const { body, headers } = await open.call('/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    expect(body).toMatch(/mien_http_requests_total\{route="\/v1\/recognize",method="POST",status="200"\} \d/);
    expect(body).toMatch(/mien_http_requests_total\{route="other",method="GET",status="404"\} 1/);
    expect(body).toMatch(/mien_items_total\{outcome="undecodable-image"\} \d/);
    expect(body).toMatch(/mien_http_request_duration_seconds_bucket\{le="0.1",route="\/v1\/recognize"\} \d/);
    expect(body).toContain('mien_queue_items 0');
    expect(body).toContain('mien_inference_processes 1');
    expect(body).toMatch(/mien_batch_items_count \d/);
  });

  it('allow pages of the configured origins only', async () => {
    const preflight = (origin: string) =>
      fetch(`${open.url}/v1/recognize`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
    const allowed = await preflight(ORIGIN);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(allowed.headers.get('access-control-allow-headers')).toContain('Authorization');
    expect((await preflight('https://other.example')).headers.get('access-control-allow-origin')).toBeNull();
    const refused = await open.recognize({}, { origin: ORIGIN });
    expect(refused.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  });

  it('respond 503 for requests of a killed process, and restart it', async () => {
    const pid = open.lines.findLast(({ event }) => event === 'process-ready')!['pid'] as number;
    const image = base64(await fileOf('joy', 'png', 1500));
    process.kill(pid, 'SIGSTOP');
    const caught = open.recognize({ items: Array(4).fill({ image }), faces: 'cropped' });
    await until(async () => /mien_batch_items_sum [1-9]/.test((await open.call('/metrics')).body));
    await until(async () => /mien_queue_items 0/.test((await open.call('/metrics')).body));
    process.kill(pid, 'SIGKILL');
    const { status, body, headers } = await caught;
    expect([status, body.error.code, headers.get('retry-after')]).toEqual([503, 'inference-crashed', '1']);
    // What comes while it starts waits for it.
    const after = await open.recognize({ items: [{ text: 'joy' }] });
    expect([after.status, after.body.error?.code]).toEqual([200, undefined]);
    expect(outcomes(after.body)).toEqual(['joy']);
    expect(open.lines).toContainEqual(
      expect.objectContaining({ event: 'process-ended', pid, how: 'SIGKILL' }),
    );
    expect((await open.call('/readyz')).body).toEqual({ status: 'ready', processes: 1 });
    expect((await open.call('/metrics')).body).toContain('mien_inference_process_ends_total 1');
  });
});

it('kills a process that does not respond for too long', async () => {
  const ended: (string | undefined)[] = [];
  let pid: number | undefined;
  const pool = await startPool({ bundle: folder, threads: 1 }, 1, {
    patience: 200,
    onEvent: (event) => void (event.kind === 'ended' ? ended.push(event.how) : (pid ??= event.pid)),
  });
  process.kill(pid!, 'SIGSTOP');
  await expect(pool.recognize({ text: 'joy' })).rejects.toMatchObject({ code: 'crashed' });
  expect(ended).toEqual(['SIGKILL']);
  await pool.dispose();
});
