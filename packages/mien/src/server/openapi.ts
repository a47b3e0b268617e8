// The OpenAPI document: paths by hand, every schema from those that check requests and describe responses.
// By hand rather than with `@hono/zod-openapi`: it would read whole bodies itself, where items are checked one by one and
// forms are bounded (body.ts), needs four more packages than zod, which converts schemas as well, and does not check
// responses, which the tests do.
import { defined } from 'mien-engine/base';
import { z } from 'zod';
import { JSON_LENGTH } from './infer-body.js';
import { inferRequestSchema, openInferenceSchemas } from './open-inference-schemas.js';
import { SERVICE_ERRORS, type ServiceErrorCode } from './errors.js';
import {
  responseSchemas,
  base64File,
  formSchema,
  itemSchema,
  requestSchema,
  type Limits,
} from './schemas.js';

type Json = Readonly<Record<string, unknown>>;

export interface Operation {
  readonly summary: string;
  readonly description?: string;
  /** Of the path and the headers. */
  readonly parameters?: readonly Json[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Readonly<Record<string, { schema: Json; examples?: Json }>>;
  };
  /** If the operation requires the token. */
  readonly security?: unknown;
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly headers?: Json; readonly content?: Json }>
  >;
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

const RETRY = {
  'Retry-After': { description: 'Seconds after which to try again.', schema: { type: 'integer' } },
};
/** Headers of error responses, by status. */
const HEADERS: Readonly<Record<number, Json>> = {
  415: {
    'Accept-Encoding': { description: 'Accepted encodings of a body.', schema: { type: 'string' } },
  },
  429: RETRY,
  503: RETRY,
};

/** Error responses, by status. */
function errorResponses(codes: readonly ServiceErrorCode[], schema = 'Error'): Operation['responses'] {
  const statusOf = (code: ServiceErrorCode): number => SERVICE_ERRORS[code][0];
  return Object.fromEntries(
    [...new Set(codes.map(statusOf))].map((status) => [
      String(status),
      {
        description: codes
          .filter((code) => statusOf(code) === status)
          .map((code) => `\`${code}\`: ${SERVICE_ERRORS[code][1]}`)
          .join(' '),
        ...defined({ headers: HEADERS[status] }),
        content: json(schema),
      },
    ]),
  );
}

function componentsOf(limits: Limits): Record<string, Json> {
  const requests = z.registry<{ id: string }>();
  requests.add(requestSchema(limits, itemSchema(limits, base64File(limits))), {
    id: 'RecognizeRequest',
  });
  requests.add(formSchema(limits), { id: 'RecognizeForm' });
  requests.add(inferRequestSchema(limits), { id: 'InferRequest' });
  const responses = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries({ ...responseSchemas, ...openInferenceSchemas }))
    responses.add(schema, { id });
  const convert = (registry: typeof requests, io: 'input' | 'output') =>
    z.toJSONSchema(registry, { io, uri: (id) => `#/components/schemas/${id}` }).schemas;
  const all = { ...convert(requests, 'input'), ...convert(responses, 'output') };
  return Object.fromEntries(
    Object.entries(all).map(([id, { $schema: _dialect, $id: _id, ...schema }]) => [id, schema as Json]),
  );
}

const EXAMPLE = { items: [{ id: 'a', text: 'At last we won!' }], faces: 'detect' };
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const JSON_LENGTH_HEADER = {
  description: 'Bytes of JSON before the binary tensors, if there are any.',
  schema: { type: 'integer' },
};

/** Errors of requests with items to compute. */
const COMPUTING: readonly ServiceErrorCode[] = [
  'malformed-body',
  'invalid-request',
  'body-too-large',
  'unsupported-media-type',
  'queue-full',
  'internal',
  'inference-crashed',
  'not-ready',
  'deadline-exceeded',
];

/** Paths of the Open Inference Protocol; those of the model with and without its version. */
function openInferencePaths(protect: Json, denied: readonly ServiceErrorCode[]): OpenApiDocument['paths'] {
  const errors = (codes: readonly ServiceErrorCode[]) => errorResponses(codes, 'InferError');
  const ok = (name: string): Operation['responses'] => ({ 200: { description: 'OK.', content: json(name) } });
  const either = (name: string): Operation['responses'] => ({
    ...ok(name),
    503: { description: 'It is not.', content: json(name) },
  });
  const inPath = (name: string): Json => ({ name, in: 'path', required: true, schema: { type: 'string' } });
  const binary = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };
  const infer: Operation = {
    summary: 'Recognise emotion, by the Open Inference Protocol',
    description:
      'KServe V2, with the binary tensor extension. An item that cannot be recognised has a code in the output `error`; other items are not affected.',
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: ref('InferRequest'),
          examples: {
            text: {
              value: {
                inputs: [{ name: 'text', shape: [1], datatype: 'BYTES', data: ['At last we won!'] }],
              },
            },
          },
        },
        ...binary,
      },
    },
    responses: {
      200: {
        description: 'The outputs; binary ones follow the JSON.',
        headers: { [JSON_LENGTH]: JSON_LENGTH_HEADER },
        content: { ...json('InferResponse'), ...binary },
      },
      ...errors([...COMPUTING, ...denied, 'not-found']),
    },
    ...protect,
  };
  const length = { name: JSON_LENGTH, in: 'header', required: false, ...JSON_LENGTH_HEADER };
  const ofModel = (path: string, names: readonly string[]): OpenApiDocument['paths'] => {
    const parameters = names.map(inPath);
    return {
      [path]: {
        get: {
          summary: 'Inputs and outputs of the model',
          parameters,
          responses: { ...ok('ModelMetadata'), ...errors([...denied, 'not-found']) },
          ...protect,
        },
      },
      [`${path}/ready`]: {
        get: {
          summary: 'Whether the model is ready',
          parameters,
          responses: { ...either('ModelReady'), ...errors(['not-found']) },
        },
      },
      [`${path}/infer`]: { post: { ...infer, parameters: [...parameters, length] } },
    };
  };
  return {
    '/v2': {
      get: {
        summary: 'The server, by the Open Inference Protocol',
        responses: { ...ok('ServerMetadata'), ...errors(denied) },
        ...protect,
      },
    },
    '/v2/health/live': { get: { summary: 'Whether the server is alive', responses: either('Live') } },
    '/v2/health/ready': {
      get: { summary: 'Whether the server accepts requests', responses: either('Ready') },
    },
    ...ofModel('/v2/models/{name}', ['name']),
    ...ofModel('/v2/models/{name}/versions/{version}', ['name', 'version']),
  };
}

/** The OpenAPI document of a service with these limits; if `secured`, it requires a token. */
export function openApiDocument(
  limits: Limits,
  { version, secured }: { readonly version: string; readonly secured: boolean },
): OpenApiDocument {
  const protect: Json = secured ? { security: [{ bearer: [] }] } : {};
  const denied: readonly ServiceErrorCode[] = secured ? ['unauthorized'] : [];
  const recognize: Operation = {
    summary: 'Recognise emotion in texts, faces, voices, or several of them',
    description:
      `Up to ${limits.maxItems} items; results are in the same order. The result of an item that cannot be recognised, or ` +
      'does not match the schema, is an `error`; other items are not affected.',
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: ref('RecognizeRequest'),
          examples: {
            text: { summary: 'A sentence', value: EXAMPLE },
            fine: {
              summary: 'A sentence, with finer labels',
              value: { items: [{ id: 'a', text: 'Thank you, you are the best!' }], fine: true },
            },
            face: { summary: 'A face', value: { items: [{ image: PNG }], faces: 'cropped' } },
          },
        },
        'multipart/form-data': { schema: ref('RecognizeForm') },
      },
    },
    responses: {
      200: { description: 'One result per item.', content: json('RecognizeResponse') },
      ...errorResponses([...COMPUTING, ...denied]),
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
      description: 'Emotion recognition from text, faces and voices.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: {
      '/v1/recognize': { post: recognize },
      '/v1/model': get(
        'The model, and limits of requests',
        { ...ok('The model that is served.', json('Model')), ...errorResponses(denied) },
        protect,
      ),
      '/healthz': get('Whether the service is alive', {
        ...ok('It is.', json('Health')),
        503: { description: 'No inference process is left.', content: json('Health') },
      }),
      '/readyz': get('Whether the service accepts requests', {
        ...ok('It does.', json('Readiness')),
        503: {
          description: 'It is shutting down, or no inference process is ready.',
          content: json('Readiness'),
        },
      }),
      '/metrics': get(
        'Prometheus metrics',
        {
          ...ok('Prometheus text format.', { 'text/plain': { schema: { type: 'string' } } }),
          ...errorResponses(denied),
        },
        protect,
      ),
      ...openInferencePaths(protect, denied),
      '/openapi.json': get(
        'This document',
        ok('OpenAPI 3.1.', { 'application/json': { schema: { type: 'object' } } }),
      ),
      '/docs': get('This document as a page', ok('HTML.', { 'text/html': { schema: { type: 'string' } } })),
    },
    components: {
      schemas: componentsOf(limits),
      ...defined({ securitySchemes: secured ? { bearer: { type: 'http', scheme: 'bearer' } } : undefined }),
    },
  };
}
