// The OpenAPI document: paths by hand, every schema from those that check requests and describe responses.
// By hand rather than with `@hono/zod-openapi`: it would read whole bodies itself, where items are checked one by one and
// forms are bounded (body.ts), needs four more packages than zod, which converts schemas as well, and does not check
// responses, which the tests do.
import { defined } from 'mien-engine/base';
import { z } from 'zod';
import { SERVICE_ERRORS, type ServiceErrorCode } from './errors.js';
import { answerSchemas, base64Image, formSchema, itemSchema, requestSchema, type Limits } from './schemas.js';

type Json = Readonly<Record<string, unknown>>;

export interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Readonly<Record<string, { schema: Json; examples?: Json }>>;
  };
  /** There where the token is asked for. */
  readonly security?: unknown;
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Json }>>;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
    readonly license?: Json;
  };
  readonly servers: readonly Json[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> } & Json;
}

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const json = (name: string, example?: unknown): Json => ({
  'application/json': { schema: ref(name), ...defined({ example }) },
});

const RETRY = { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } };
/** Headers of errors, by status. */
const HEADERS: Readonly<Record<number, Json>> = {
  415: {
    'Accept-Encoding': { description: 'Encodings of a body that are read.', schema: { type: 'string' } },
  },
  429: RETRY,
  503: RETRY,
};

/** Answers that are errors, by status. */
function problems(codes: readonly ServiceErrorCode[]): Operation['responses'] {
  const statusOf = (code: ServiceErrorCode): number => SERVICE_ERRORS[code][0];
  return Object.fromEntries(
    [...new Set(codes.map(statusOf))].map((status) => [
      String(status),
      {
        description: codes
          .filter((code) => statusOf(code) === status)
          .map((code) => `\`${code}\`: ${SERVICE_ERRORS[code][1]}`)
          .join(' '),
        ...(HEADERS[status] ? { headers: HEADERS[status] } : {}),
        content: json('Error'),
      },
    ]),
  );
}

function componentsOf(limits: Limits): Record<string, Json> {
  const requests = z.registry<{ id: string }>();
  requests.add(requestSchema(limits, itemSchema(limits, base64Image)), { id: 'RecognizeRequest' });
  requests.add(formSchema(limits), { id: 'RecognizeForm' });
  const answers = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(answerSchemas)) answers.add(schema, { id });
  const convert = (registry: typeof requests, io: 'input' | 'output') =>
    z.toJSONSchema(registry, { io, uri: (id) => `#/components/schemas/${id}` }).schemas;
  const all = { ...convert(requests, 'input'), ...convert(answers, 'output') };
  return Object.fromEntries(
    Object.entries(all).map(([id, { $schema: _dialect, $id: _id, ...schema }]) => [id, schema as Json]),
  );
}

const EXAMPLE = { items: [{ id: 'a', text: 'At last we won!' }], faces: 'detect' };
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** @returns the document of a service with these limits; with `secured`, it asks for a token. */
export function openApiDocument(
  limits: Limits,
  { version, secured }: { readonly version: string; readonly secured: boolean },
): OpenApiDocument {
  const protect: Json = secured ? { security: [{ bearer: [] }] } : {};
  const denied: readonly ServiceErrorCode[] = secured ? ['unauthorized'] : [];
  const recognize: Operation = {
    summary: 'Recognise emotion in texts, faces, or both',
    description:
      `Up to ${limits.maxItems} items; results come in their order. An item that cannot be recognised has an ` +
      '`error` in its place and does not touch its neighbours; so does one that is not what the schema says.',
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: ref('RecognizeRequest'),
          examples: {
            text: { summary: 'A sentence', value: EXAMPLE },
            fine: {
              summary: 'A sentence, in finer labels too',
              value: { items: [{ id: 'a', text: 'Thank you, you are the best!' }], fine: true },
            },
            face: { summary: 'A face', value: { items: [{ image: PNG }], faces: 'cropped' } },
          },
        },
        'multipart/form-data': { schema: ref('RecognizeForm') },
      },
    },
    responses: {
      200: { description: 'A result for each item.', content: json('Answer') },
      ...problems([
        'malformed-body',
        'invalid-request',
        ...denied,
        'body-too-large',
        'unsupported-media-type',
        'queue-full',
        'internal',
        'inference-crashed',
        'not-ready',
        'deadline-exceeded',
      ]),
    },
    ...protect,
  };
  const get = (summary: string, responses: Operation['responses'], more: Json = {}) => ({
    get: { summary, responses, ...more },
  });
  const ok = (description: string, content: Json): Operation['responses'] => ({
    200: { description, content },
  });
  return {
    openapi: '3.1.0',
    info: {
      title: 'mien',
      version,
      description: 'Emotion recognition from text and faces.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: {
      '/v1/recognize': { post: recognize },
      '/v1/model': get(
        'The model and the limits of requests',
        { ...ok('What is served.', json('Model')), ...problems(denied) },
        protect,
      ),
      '/healthz': get('Whether the service lives', {
        ...ok('It does.', json('Health')),
        503: { description: 'Every process that computes has ended for good.', content: json('Health') },
      }),
      '/readyz': get('Whether the service takes requests', {
        ...ok('It does.', json('Readiness')),
        503: { description: 'It is stopping, or no process can compute.', content: json('Readiness') },
      }),
      '/metrics': get(
        'Counts and times for Prometheus',
        {
          ...ok('Prometheus text format.', { 'text/plain': { schema: { type: 'string' } } }),
          ...problems(denied),
        },
        protect,
      ),
      '/openapi.json': get(
        'This document',
        ok('OpenAPI 3.1.', { 'application/json': { schema: { type: 'object' } } }),
      ),
      '/docs': get('This document as a page', ok('HTML.', { 'text/html': { schema: { type: 'string' } } })),
    },
    components: {
      schemas: componentsOf(limits),
      ...(secured ? { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } } : {}),
    },
  };
}
