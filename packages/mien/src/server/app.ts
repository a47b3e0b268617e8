// The service's routes and their middleware: request IDs, logs, metrics, limits, the token and cross-origin rules.
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { cors } from 'hono/cors';
import { HTTPException } from 'hono/http-exception';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { defined, MienError } from 'mien-engine/base';
import { checkPrior } from '../recognizer/prior.js';
import type { Item, RecognizerInfo, Result } from '../recognizer/types.js';
import { bodyReader } from './body.js';
import { ServiceError } from './errors.js';
import type { Inference, ItemOptions } from './inference.js';
import { limitBodies } from './limits.js';
import { errorFields, type Log } from './log.js';
import type { Metrics } from './metrics.js';
import { openApiDocument } from './openapi.js';
import { documentationPage } from './page.js';
import { INPUTS, type RecognizeResponse } from './schemas.js';
import type { ServerSettings } from './settings.js';

export interface ServiceParts {
  readonly settings: ServerSettings;
  readonly inference: Inference;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Version of mien. */
  readonly version: string;
  /** Whether the service is shutting down. */
  readonly draining: () => boolean;
}

interface Env {
  readonly Variables: {
    readonly requestId: string;
    /** Number of items in the request. */
    items?: number;
    /** Code of the error that was sent. */
    code?: string;
  };
}

export function createApp(parts: ServiceParts): Hono<Env> {
  const { settings, inference, metrics, version, draining } = parts;
  const app = new Hono<Env>();
  const document = openApiDocument(settings, { version, secured: settings.token !== '' });
  const { page, policy } = documentationPage(document);
  const { name, labels, terms, files } = inference.info;
  const { maxItems, maxText, maxBody, maxPixels, maxAudio, maxSeconds } = settings;

  app.onError((error, c) =>
    error instanceof HTTPException
      ? error.getResponse()
      : errorResponse(c, asServiceError(error, c, parts.log)),
  );
  app.notFound((c) => errorResponse(c, new ServiceError('not-found', `no resource at ${c.req.path}`)));

  app.use(requestId({ limitLength: 128 }));
  app.use(observe(parts));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        c.header('Allow', methods.join(', '));
        return errorResponse(
          c,
          new ServiceError('method-not-allowed', `${c.req.path} accepts ${methods.join(', ')}`),
        );
      },
    }),
  );
  if (settings.cors.length > 0)
    app.use(
      '/v1/*',
      cors({
        origin: settings.cors.includes('*') ? '*' : settings.cors,
        allowMethods: ['GET', 'POST'],
        allowHeaders: ['Authorization', 'Content-Type', 'X-Request-Id'],
        exposeHeaders: ['X-Request-Id', 'Retry-After'],
        maxAge: 600,
      }),
    );
  if (settings.token !== '')
    for (const path of ['/v1/*', '/metrics']) app.use(path, requireToken(settings.token));

  app.post('/v1/recognize', limitBodies(maxBody), recognition(parts));
  app.get('/v1/model', (c) =>
    c.json({
      name,
      version,
      labels,
      terms,
      files,
      limits: { maxItems, maxText, maxBody, maxPixels, maxAudio, maxSeconds },
    }),
  );
  app.get('/healthz', (c) =>
    inference.processes().lost < settings.processes
      ? c.json({ status: 'ok' })
      : c.json({ status: 'failed' }, 503),
  );
  app.get('/readyz', (c) => {
    const processes = inference.processes().ready;
    const status = draining() ? 'draining' : processes > 0 ? 'ready' : 'not-ready';
    return c.json({ status, processes }, status === 'ready' ? 200 : 503);
  });
  app.get('/metrics', async (c) =>
    c.body(await metrics.registry.metrics(), 200, { 'Content-Type': metrics.registry.contentType }),
  );
  app.get('/openapi.json', (c) => c.json(document));
  app.get('/docs', (c) => c.html(page, 200, { 'Content-Security-Policy': policy }));
  app.get('/', (c) => c.redirect('/docs'));
  metrics.build.set({ version, model: name }, 1);
  return app;
}

/** @throws ServiceError `invalid-request` if `coverage` or `risk` is requested of a model without certainty data. */
function checkCertainty({ name, certainty }: RecognizerInfo, { coverage, risk }: ItemOptions): void {
  const path = coverage !== undefined ? 'coverage' : 'risk';
  if (certainty || (coverage === undefined && risk === undefined)) return;
  const message = `the model ${name} has no certainty data`;
  throw new ServiceError('invalid-request', `${path}: ${message}`, { issues: [{ path, message }] });
}

/** @throws ServiceError `invalid-request` if the model cannot apply the prior. */
function checkPriorOf({ labels }: RecognizerInfo, options: ItemOptions): void {
  try {
    checkPrior(labels, options);
  } catch (cause) {
    if (!(cause instanceof MienError)) throw cause;
    // The issue names the field in its path.
    const { message } = cause;
    const issue = { path: 'prior', message: message.replace(/^prior: /, '') };
    throw new ServiceError('invalid-request', message, { issues: [issue] });
  }
}

/** Handles `POST /v1/recognize`. */
function recognition({ settings, inference, metrics }: ServiceParts): MiddlewareHandler<Env> {
  const read = bodyReader(settings);
  return async (c) => {
    if (inference.processes().lost >= settings.processes)
      throw new ServiceError('not-ready', 'no inference process is left; the service must be restarted');
    const { items, ...options } = await read(c);
    checkCertainty(inference.info, options);
    checkPriorOf(inference.info, options);
    c.set('items', items.length);
    const valid = items.filter(({ error }) => !error);
    const plain = valid.map(({ inputs }): Item =>
      Object.fromEntries(INPUTS.map(({ name }) => [name, inputs[name] ?? null])),
    );
    const computed = await withinDeadline(settings.deadline, c.req.raw.signal, (signal) =>
      inference.recognize(plain, options, signal),
    );
    const remaining = computed.values();
    const results = items.map(({ id, error }): Result => {
      const result = error ? { error, warnings: [] } : (remaining.next().value as Result);
      return id === undefined ? result : { id, ...result };
    });
    for (const { error } of results) metrics.items.inc({ outcome: error?.code ?? 'recognised' });
    const response: RecognizeResponse = { model: inference.info.name, results };
    return c.json(response);
  };
}

/** Runs `work` with a signal that is aborted at the deadline or when the client disconnects. */
async function withinDeadline<T>(
  milliseconds: number,
  client: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const disconnected = (): void =>
    controller.abort(new ServiceError('client-closed', 'the client closed the connection'));
  const timer = setTimeout(
    () =>
      controller.abort(
        new ServiceError('deadline-exceeded', `no response within ${milliseconds} milliseconds`),
      ),
    milliseconds,
  );
  if (client.aborted) disconnected();
  client.addEventListener('abort', disconnected, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    client.removeEventListener('abort', disconnected);
  }
}

/** Paths with metrics of their own; all others share the route `other`. */
const ROUTES = [
  '/v1/recognize',
  '/v1/model',
  '/healthz',
  '/readyz',
  '/metrics',
  '/openapi.json',
  '/docs',
  '/',
];

function observe({ metrics, log, draining }: ServiceParts): MiddlewareHandler<Env> {
  return async (c, next) => {
    const start = performance.now();
    metrics.inFlight.inc();
    await next();
    metrics.inFlight.dec();
    const { method, path } = c.req;
    const { status } = c.res;
    const route = ROUTES.includes(path) ? path : 'other';
    const milliseconds = performance.now() - start;
    metrics.requests.inc({ route, method, status });
    metrics.requestSeconds.observe({ route }, milliseconds / 1000);
    // A connection kept alive would be cut when the service ends.
    if (draining()) c.res.headers.set('Connection', 'close');
    if (!route.startsWith('/v1') && status < 500) return;
    const [items, code] = [c.get('items'), c.get('code')];
    log(status >= 500 ? 'error' : 'info', 'request', {
      id: c.get('requestId'),
      method,
      route,
      status,
      code,
      items,
      milliseconds: Math.round(milliseconds * 10) / 10,
    });
  };
}

function requireToken(token: string): MiddlewareHandler<Env> {
  const message = (c: Context<Env>): Response =>
    errorResponse(c, new ServiceError('unauthorized', 'send the header Authorization: Bearer TOKEN'));
  return bearerAuth({
    token,
    noAuthenticationHeader: { message },
    invalidAuthenticationHeader: { message },
    invalidToken: { message },
  }) as MiddlewareHandler<Env>;
}

function asServiceError(error: unknown, c: Context<Env>, log: Log): ServiceError {
  if (c.req.raw.signal.aborted) return new ServiceError('client-closed', 'the client closed the connection');
  if (error instanceof ServiceError) return error;
  const id = c.get('requestId');
  log('error', 'request-failed', { id, ...errorFields(error) });
  return new ServiceError('internal', 'internal error; see the log entry with this request ID');
}

/** The response for an error. */
function errorResponse(
  c: Context<Env>,
  { code, status, message, issues, retryAfter }: ServiceError,
): Response {
  c.set('code', code);
  if (retryAfter !== undefined) c.header('Retry-After', String(retryAfter));
  if (code === 'unsupported-media-type') c.header('Accept-Encoding', 'identity');
  const requestId = c.get('requestId');
  return c.json(
    { error: { code, message, requestId, ...defined({ issues }) } },
    status as ContentfulStatusCode,
  );
}
