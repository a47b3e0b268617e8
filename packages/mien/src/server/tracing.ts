// Traces of the service: a span for each request, its time in the queue, its batch and the model; never what users sent.
// By `@opentelemetry/api` alone: the middleware `@hono/otel` records whole URLs and the messages of errors, which quote
// requests, and knows nothing of batches, whose spans belong to several requests.
import { setTimeout as delay } from 'node:timers/promises';
import type * as Api from '@opentelemetry/api';
import type { Log } from './log.js';

/** A request that is traced. */
export interface RequestTrace {
  /** Of the request's span. */
  readonly context: Api.Context;
  end(outcome: {
    /** A template, not the path that was sent. */
    readonly route: string;
    readonly status: number;
    readonly code?: string | undefined;
    readonly items?: number | undefined;
  }): void;
}

export interface BatchTrace {
  /** Runs the model within a span of its own. */
  model<T>(items: number, run: () => Promise<T>): Promise<T>;
  end(): void;
}

/** An item that was in the queue. */
interface Queued {
  /** Of its request's span. */
  readonly trace?: Api.Context | undefined;
  /** Time of arrival, as `performance.now()`. */
  readonly since: number;
}

export interface Tracing {
  /** Starts the span of a request, within the trace that its headers name; undefined if nothing is traced. */
  request(method: string, headers: Headers): RequestTrace | undefined;
  /** Ends the items' time in the queue and starts the span of their batch. */
  batch(items: readonly Queued[]): BatchTrace;
  /** Sends what has not been sent yet. */
  stop(): Promise<void>;
}

export const NO_TRACING: Tracing = {
  request: () => undefined,
  batch: () => ({ model: (_items, run) => run(), end: () => undefined }),
  stop: async () => undefined,
};

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether OpenTelemetry's variables ask for traces: an exporter, or an address to export to.
 * Source: OpenTelemetry specification, "Environment Variable Specification"; an empty variable is like an unset one.
 */
export function wantsTraces(env: Environment): boolean {
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return false;
  const exporter = env['OTEL_TRACES_EXPORTER']?.trim();
  if (exporter) return exporter !== 'none';
  return [env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'], env['OTEL_EXPORTER_OTLP_ENDPOINT']].some(Boolean);
}

/** The part of `@opentelemetry/sdk-node` that is used; it reads all other variables by itself. */
interface NodeSdk {
  readonly NodeSDK: new (options: { readonly serviceName: string }) => {
    start(): void;
    shutdown(): Promise<void>;
  };
}

/** Milliseconds to send the last spans in. */
const FLUSH = 3000;

/** Loads the optional packages. */
const PACKAGES = {
  api: (): Promise<typeof Api> => import('@opentelemetry/api'),
  sdk: async (): Promise<NodeSdk> => {
    // Without the types of some sixty packages.
    const name: string = '@opentelemetry/sdk-node';
    return (await import(name)) as NodeSdk;
  },
};

/**
 * Tracing as OpenTelemetry's variables say, by default none. If the packages are missing, a warning is logged: variables are
 * often set for all programs of a cluster.
 */
export async function startTracing(
  env: Environment,
  log: Log,
  packages: typeof PACKAGES = PACKAGES,
): Promise<Tracing> {
  if (!wantsTraces(env)) return NO_TRACING;
  try {
    const api = await packages.api();
    // A program that was started with `--import` of an SDK has a provider already.
    if (hasProvider(api)) return tracingBy(api);
    const { NodeSDK } = await packages.sdk();
    const sdk = new NodeSDK({ serviceName: env['OTEL_SERVICE_NAME'] || 'mien' });
    sdk.start();
    return {
      ...tracingBy(api),
      stop: async () => {
        // A collector that cannot be reached must not keep the service from ending, and ending well.
        const late = delay(FLUSH, 'late', { ref: false });
        const outcome = await Promise.race([sdk.shutdown().catch(() => 'failed'), late]);
        if (outcome !== undefined) log('warn', 'traces-lost', { outcome });
      },
    };
  } catch (error) {
    log('warn', 'no-traces', {
      message:
        'OpenTelemetry asks for traces, but its packages cannot be loaded: npm install @opentelemetry/api @opentelemetry/sdk-node',
      kind: (error as NodeJS.ErrnoException).code,
    });
    return NO_TRACING;
  }
}

/** A span without a provider has no valid context; a span that is never ended is never exported. */
const hasProvider = ({ trace, isSpanContextValid }: typeof Api): boolean =>
  isSpanContextValid(trace.getTracer('mien').startSpan('probe').spanContext());

/** Tracing by the global provider and propagator of the API. */
export function tracingBy(api: typeof Api): Tracing {
  const { trace, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode } = api;
  const tracer = trace.getTracer('mien');
  const carrier: Api.TextMapGetter<Headers> = {
    keys: (headers) => [...headers.keys()],
    get: (headers, key) => headers.get(key) ?? undefined,
  };
  const fail = (span: Api.Span, type: string): void => {
    span.setAttribute('error.type', type);
    span.setStatus({ code: SpanStatusCode.ERROR });
  };
  return {
    request(method, headers) {
      const parent = propagation.extract(ROOT_CONTEXT, headers, carrier);
      const attributes = { 'http.request.method': method };
      const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
      return {
        context: trace.setSpan(parent, span),
        end({ route, status, code, items }) {
          span.updateName(`${method} ${route}`);
          span.setAttributes({ 'http.route': route, 'http.response.status_code': status });
          if (items !== undefined) span.setAttribute('mien.items', items);
          if (status >= 500) fail(span, code ?? String(status));
          span.end();
        },
      };
    },
    batch(items) {
      const now = performance.timeOrigin + performance.now();
      // Items of a request arrive together.
      const requests = new Map<Api.Context, number>();
      for (const { trace: context, since } of items) if (context) requests.set(context, since);
      for (const [context, since] of requests)
        tracer.startSpan('mien.queue', { startTime: performance.timeOrigin + since }, context).end(now);
      const [first = ROOT_CONTEXT, ...others] = requests.keys();
      const links = others.flatMap((context) => {
        const linked = trace.getSpanContext(context);
        return linked ? [{ context: linked }] : [];
      });
      const attributes = { 'mien.batch.items': items.length, 'mien.batch.requests': requests.size };
      const span = tracer.startSpan('mien.batch', { startTime: now, attributes, links }, first);
      const context = trace.setSpan(first, span);
      return {
        async model(count, run) {
          const model = tracer.startSpan('mien.model', { attributes: { 'mien.items': count } }, context);
          try {
            return await run();
          } catch (error) {
            fail(model, error instanceof Error ? error.name : typeof error);
            throw error;
          } finally {
            model.end();
          }
        },
        end: () => span.end(),
      };
    },
    stop: async () => undefined,
  };
}
