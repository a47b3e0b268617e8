// Sends every response of the OpenAPI document, and checks it against the document.
import { expect, test } from 'vitest';
import type { Result } from '../../src/recognizer/types.js';
import type { ServiceParts } from '../../src/server/answer.js';
import { createApp } from '../../src/server/app.js';
import { ServiceError } from '../../src/server/errors.js';
import type { Inference } from '../../src/server/inference.js';
import { createMetrics } from '../../src/server/metrics.js';
import { openApiDocument } from '../../src/server/openapi.js';
import { serverSettings } from '../../src/server/settings.js';
import { NO_TRACING } from '../../src/server/tracing.js';
import { checkResponse, pathIn } from './documented.js';

const posterior = { label: 'joy', probabilities: { joy: 0.9, fear: 0.1 }, logits: { joy: 2, fear: 0 } };
const face = {
  ...posterior,
  place: { box: { x: 1, y: 2, width: 30, height: 40 }, keyPoints: { mouth: { x: 9, y: 20 } }, score: 0.9 },
};
/** With every optional field, then with none, then a failure. */
const RESULTS: readonly Result[] = [
  {
    ...posterior,
    from: 'both',
    text: { ...posterior, read: 1, fine: { joy: 0.5, love: 0.5 } },
    face,
    others: [{ ...face, place: null }],
    set: ['joy'],
    abstained: false,
    gate: { mean: 0.4, values: [0.3, 0.5] },
    disagreement: 0.1,
    agreement: 0.9,
    warnings: [{ code: 'several-faces', message: 'the largest of 2 faces decides' }],
  },
  { ...posterior, from: 'text', warnings: [] },
  {
    ...posterior,
    from: 'both',
    voice: { ...posterior, seconds: 40, segments: [{ ...posterior, start: 1, end: 16 }] },
    transcript: {
      text: 'At last.',
      segments: [{ start: 0, end: 0.8, text: 'At last.', logProbability: -0.4, noSpeech: 0.1 }],
    },
    warnings: [{ code: 'unclear-words', message: 'the words of the recording are uncertain' }],
  },
  { error: { code: 'no-face', message: 'no face was found' }, warnings: [] },
];

const TOKEN = 'secret';
const settings = serverSettings({ processes: 1, maxBody: 1000, deadline: 50, token: TOKEN });
const document = openApiDocument(settings, { version: '1.2.3', secured: true });

function appWith(
  recognize: Inference['recognize'] = async () => [...RESULTS],
  { lost = 0, draining = false } = {},
): ReturnType<typeof createApp> {
  const inference: Inference = {
    info: {
      name: 'test',
      labels: { text: ['fear', 'joy'], face: ['fear', 'joy'], fused: ['fear', 'joy'], fine: ['joy', 'love'] },
      priors: {},
      words: true,
      certainty: true,
      terms: ['made for tests'],
      files: { 'text.onnx': { sha256: 'f'.repeat(64), bytes: 9 } },
    },
    recognize,
    processes: () => ({ ready: 1 - lost, lost }),
    dispose: async () => undefined,
  };
  const parts: ServiceParts = {
    settings,
    inference,
    metrics: createMetrics(),
    log: () => undefined,
    tracing: NO_TRACING,
    version: '1.2.3',
    draining: () => draining,
  };
  return createApp(parts);
}

const failing = (error: Error): ReturnType<typeof createApp> =>
  appWith(async () => {
    throw error;
  });
const untilAborted = appWith(
  (_items, _options, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    }),
);

const authorization = { authorization: `Bearer ${TOKEN}` };
const items = JSON.stringify({ items: RESULTS.map((_, i) => ({ id: `${i}`, text: 'joy' })) });
const tensors = JSON.stringify({
  inputs: [{ name: 'text', shape: [RESULTS.length], datatype: 'BYTES', data: RESULTS.map(() => 'joy') }],
});
const post = (body: string, type = 'application/json', headers: Record<string, string> = authorization) => ({
  method: 'POST',
  headers: { ...headers, 'content-type': type },
  body,
});
const get = { headers: authorization };

type Sent = readonly [ReturnType<typeof createApp>, string, RequestInit, number];
const requests: readonly Sent[] = [
  [appWith(), '/v1/recognize', post(items), 200],
  [appWith(), '/v1/recognize', post('{'), 400],
  [appWith(), '/v1/recognize', post('{"items":[]}'), 400],
  [appWith(), '/v1/recognize', post(items, 'application/json', {}), 401],
  [appWith(), '/v1/recognize', post(' '.repeat(1001)), 413],
  [appWith(), '/v1/recognize', post(items, 'text/plain'), 415],
  [failing(new ServiceError('queue-full', 'full', { retryAfter: 2 })), '/v1/recognize', post(items), 429],
  [failing(new Error('broken')), '/v1/recognize', post(items), 500],
  [failing(new ServiceError('inference-crashed', 'ended')), '/v1/recognize', post(items), 503],
  [appWith(undefined, { lost: 1 }), '/v1/recognize', post(items), 503],
  [untilAborted, '/v1/recognize', post(items), 504],
  [appWith(), '/v1/model', get, 200],
  [appWith(), '/v1/model', {}, 401],
  [appWith(), '/healthz', {}, 200],
  [appWith(undefined, { lost: 1 }), '/healthz', {}, 503],
  [appWith(), '/readyz', {}, 200],
  [appWith(undefined, { lost: 1 }), '/readyz', {}, 503],
  [appWith(undefined, { draining: true }), '/readyz', {}, 503],
  [appWith(), '/metrics', get, 200],
  [appWith(), '/metrics', {}, 401],
  ...['/v2/models/test', '/v2/models/test/versions/1'].flatMap((path): Sent[] => [
    [appWith(), `${path}/infer`, post(tensors), 200],
    [
      appWith(),
      `${path}/infer`,
      post(tensors.replace('"inputs"', '"parameters":{"binary_data_output":true},"inputs"')),
      200,
    ],
    [appWith(), `${path}/infer`, post('{'), 400],
    [appWith(), `${path}/infer`, post(tensors, 'application/json', {}), 401],
    [appWith(), path.replace('test', 'other') + '/infer', post(tensors), 404],
    [appWith(), `${path}/infer`, post(' '.repeat(1001)), 413],
    [
      appWith(),
      `${path}/infer`,
      post(tensors, 'application/json', { ...authorization, 'content-encoding': 'gzip' }),
      415,
    ],
    [failing(new ServiceError('queue-full', 'full', { retryAfter: 2 })), `${path}/infer`, post(tensors), 429],
    [failing(new Error('broken')), `${path}/infer`, post(tensors), 500],
    [appWith(undefined, { lost: 1 }), `${path}/infer`, post(tensors), 503],
    [untilAborted, `${path}/infer`, post(tensors), 504],
    [appWith(), path, get, 200],
    [appWith(), path, {}, 401],
    [appWith(), path.replace('test', 'other'), get, 404],
    [appWith(), `${path}/ready`, {}, 200],
    [appWith(), `${path.replace('test', 'other')}/ready`, {}, 404],
    [appWith(undefined, { draining: true }), `${path}/ready`, {}, 503],
  ]),
  [appWith(), '/v2', get, 200],
  [appWith(), '/v2', {}, 401],
  [appWith(), '/v2/health/live', {}, 200],
  [appWith(undefined, { lost: 1 }), '/v2/health/live', {}, 503],
  [appWith(), '/v2/health/ready', {}, 200],
  [appWith(undefined, { draining: true }), '/v2/health/ready', {}, 503],
  [appWith(), '/openapi.json', {}, 200],
  [appWith(), '/docs', {}, 200],
];

test('every documented response is sent, and as documented', async () => {
  const sent = new Set<string>();
  for (const [app, path, init, status] of requests) {
    const response = await app.request(path, init);
    const method = init.method ?? 'GET';
    const contentType = response.headers.get('content-type') ?? '';
    const body: unknown = contentType.startsWith('application/json')
      ? await response.json()
      : await response.text();
    expect([path, response.status]).toEqual([path, status]);
    checkResponse(document, { method, path, status, contentType, body });
    sent.add(`${method} ${pathIn(document, path)} ${status}`);
  }
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { responses }]) =>
      Object.keys(responses).map((status) => `${method.toUpperCase()} ${path} ${status}`),
    ),
  );
  expect([...sent].sort()).toEqual(documented.sort());
});

test('the check rejects undocumented statuses, content types, fields and values', () => {
  const good = {
    method: 'GET',
    path: '/readyz',
    status: 200,
    contentType: 'application/json',
    body: { status: 'ready', processes: 1 },
  };
  expect(() => checkResponse(document, good)).not.toThrow();
  for (const wrong of [
    { status: 404 },
    { contentType: 'text/plain' },
    { body: { ...good.body, more: 1 } },
    { body: { ...good.body, processes: 0.5 } },
    { body: { status: 'ready' } },
  ])
    expect(() => checkResponse(document, { ...good, ...wrong })).toThrow();
});
