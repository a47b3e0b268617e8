// The service's routes and their middleware: request IDs, logs, metrics, limits, the token and cross-origin rules.
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { cors } from 'hono/cors';
import { HTTPException } from 'hono/http-exception';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { defined } from 'mien-engine/base';
import { answer, checkProcesses, type Env, type ServiceParts } from './answer.js';
import { bodyReader } from './body.js';
import { ServiceError } from './errors.js';
import { limitBodies } from './limits.js';
import { errorFields, type Log } from './log.js';
import { openApiDocument } from './openapi.js';
import { addOpenInference, openInferenceRoute, SECURED_PATHS } from './open-inference.js';
import { JSON_LENGTH } from './infer-body.js';
import { documentationPage } from './page.js';
import type { RecognizeResponse } from './schemas.js';

export function createApp(parts: ServiceParts): Hono<Env> {
  const { settings, inference, metrics, version, draining } = parts;
  const app = new Hono<Env>();
  const document = openApiDocument(settings, { version, secured: settings.token !== '' });
  const { page, policy } = documentationPage(document);
  const { name, labels, words, terms, files } = inference.info;
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
    for (const path of ['/v1/*', '/v2/*'])
      app.use(
        path,
        cors({
          origin: settings.cors.includes('*') ? '*' : settings.cors,
          allowMethods: ['GET', 'POST'],
          allowHeaders: ['Authorization', 'Content-Type', 'X-Request-Id', JSON_LENGTH],
          exposeHeaders: ['X-Request-Id', 'Retry-After', JSON_LENGTH],
          maxAge: 600,
        }),
      );
  if (settings.token !== '')
    for (const path of ['/v1/*', '/metrics', ...SECURED_PATHS]) app.use(path, requireToken(settings.token));

  app.post('/v1/recognize', limitBodies(maxBody), recognition(parts));
  app.get('/v1/model', (c) =>
    c.json({
      name,
      version,
      labels,
      words,
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
  addOpenInference(app, parts);
  app.get('/openapi.json', (c) => c.json(document));
  app.get('/docs', (c) => c.html(page, 200, { 'Content-Security-Policy': policy }));
  app.get('/', (c) => c.redirect('/docs'));
  metrics.build.set({ version, model: name }, 1);
  return app;
}

/** Handles `POST /v1/recognize`. */
function recognition(parts: ServiceParts): MiddlewareHandler<Env> {
  const read = bodyReader(parts.settings);
  return async (c) => {
    checkProcesses(parts);
    const { items, ...options } = await read(c);
    const results = await answer(parts, c, items, options);
    const response: RecognizeResponse = { model: parts.inference.info.name, results };
    return c.json(response);
  };
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

function observe({ metrics, log, tracing, draining }: ServiceParts): MiddlewareHandler<Env> {
  return async (c, next) => {
    const start = performance.now();
    const { method, path } = c.req;
    const route = ROUTES.includes(path) ? path : (openInferenceRoute(path) ?? 'other');
    const named = route.startsWith('/v1') || route.endsWith('/infer');
    const trace = named ? tracing.request(method, c.req.raw.headers) : undefined;
    c.set('trace', trace);
    metrics.inFlight.inc();
    await next();
    metrics.inFlight.dec();
    const { status } = c.res;
    const milliseconds = performance.now() - start;
    metrics.requests.inc({ route, method, status });
    metrics.requestSeconds.observe({ route }, milliseconds / 1000);
    // A connection kept alive would be cut when the service ends.
    if (draining()) c.res.headers.set('Connection', 'close');
    const [items, code] = [c.get('items'), c.get('code')];
    trace?.end({ route, status, code, items });
    if (!named && status < 500) return;
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
  // The Open Inference Protocol knows only the message.
  if (/^\/v2(\/|$)/.test(c.req.path)) return c.json({ error: message }, status as ContentfulStatusCode);
  const requestId = c.get('requestId');
  return c.json(
    { error: { code, message, requestId, ...defined({ issues }) } },
    status as ContentfulStatusCode,
  );
}
