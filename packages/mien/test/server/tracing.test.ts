// Traces: when they are on, which spans a request has, and that none holds what users sent.
import * as api from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { NO_TRACING, startTracing, tracingBy, wantsTraces } from '../../src/server/tracing.js';
import { gate, serveFunction, until, type Compute } from './support.js';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

/** Of W3C's header, as `@opentelemetry/core` has it. */
const propagator: api.TextMapPropagator = {
  inject: () => undefined,
  fields: () => ['traceparent'],
  extract: (context, carrier, getter) => {
    const [, traceId = '', spanId = ''] = String(getter.get(carrier, 'traceparent')).split('-');
    return api.trace.setSpanContext(context, { traceId, spanId, traceFlags: 1, isRemote: true });
  },
};

/** Registers provider and propagator for all of this process, until the test ends. */
function register(): void {
  api.trace.setGlobalTracerProvider(provider);
  api.propagation.setGlobalPropagator(propagator);
  onTestFinished(() => {
    api.trace.disable();
    api.propagation.disable();
  });
}
beforeEach(() => exporter.reset());
afterAll(() => provider.shutdown());

async function serve(compute: Compute) {
  register();
  const service = await serveFunction(compute, { maxItems: 4, maxBatch: 4 }, undefined, {}, tracingBy(api));
  onTestFinished(async () => void (await service.stop()));
  return service;
}

const named = (name: string): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === name);
const idOf = (span: ReadableSpan | undefined): string => span!.spanContext().spanId;
const REQUEST = 'POST /v1/recognize';

describe('spans', () => {
  it('of a request continue the client’s trace and hold queue, batch and model', async () => {
    const { compute, open } = gate();
    open();
    const service = await serve(compute);
    const [traceId, parent] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
    await service.recognize(
      { items: [{ text: 'a' }, { text: 'b' }] },
      {
        traceparent: `00-${traceId}-${parent}-01`,
      },
    );
    const spans = exporter.getFinishedSpans();
    expect(spans.map(({ name }) => name).sort()).toEqual([REQUEST, 'mien.batch', 'mien.model', 'mien.queue']);
    expect(spans.map((span) => span.spanContext().traceId)).toEqual(Array(4).fill(traceId));
    const only = (name: string): ReadableSpan => named(name)[0]!;
    const [request, batch] = [only(REQUEST), only('mien.batch')];
    const [queue, model] = [only('mien.queue'), only('mien.model')];
    expect(request.parentSpanContext!.spanId).toBe(parent);
    expect([batch, queue].map((span) => span.parentSpanContext!.spanId)).toEqual(
      Array(2).fill(idOf(request)),
    );
    expect(model.parentSpanContext!.spanId).toBe(idOf(batch));
    expect(request.kind).toBe(api.SpanKind.SERVER);
    expect(request.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/v1/recognize',
      'http.response.status_code': 200,
      'mien.items': 2,
    });
    expect(batch.attributes).toEqual({ 'mien.batch.items': 2, 'mien.batch.requests': 1 });
    // The queue ends as the batch starts.
    expect(queue.endTime).toEqual(batch.startTime);
    for (const { startTime, endTime } of spans) {
      const milliseconds = startTime[0] * 1000 + startTime[1] / 1e6;
      expect(Math.abs(milliseconds - Date.now())).toBeLessThan(600_000);
      expect(endTime[0] - startTime[0]).toBeLessThan(600);
    }
  });

  it('of a batch of several requests belong to the first and link to the others', async () => {
    const { compute, open, reached } = gate();
    const service = await serve(compute);
    const one = { items: [{ text: 'joy' }] };
    // Two batches are computed while the next two requests wait for one.
    const requests = [service.recognize(one), service.recognize(one)];
    await reached(2);
    requests.push(service.recognize(one), service.recognize(one));
    await until(async () => /mien_queue_items 2/.test((await service.call('/metrics')).body));
    open();
    await Promise.all(requests);
    const shared = named('mien.batch').find(({ attributes }) => attributes['mien.batch.requests'] === 2)!;
    expect(shared.attributes['mien.batch.items']).toBe(2);
    const owners = [shared.parentSpanContext!.spanId, shared.links[0]!.context.spanId];
    expect(new Set(owners).size).toBe(2);
    const ids = named(REQUEST).map(idOf);
    for (const owner of owners) expect(ids).toContain(owner);
    expect(named('mien.queue')).toHaveLength(4);
  });

  it('hold nothing that users sent, also if it is wrong or fails', async () => {
    const secret = 'geheimnis';
    const service = await serve(async (items) => {
      throw new TypeError(`cannot read ${JSON.stringify(items)}`);
    });
    const headers = { 'x-request-id': secret, cookie: secret, 'user-agent': secret };
    await service.recognize({ items: [{ id: secret, text: secret }, { text: secret }] }, headers);
    await service.recognize({ [secret]: 1, items: [{ text: secret }] }, headers);
    await service.recognize({ items: [{ text: secret }], faces: secret }, headers);
    await fetch(`${service.url}/v1/recognize?q=${secret}`, { method: 'POST', body: secret, headers });
    await fetch(`${service.url}/v2/models/${secret}/infer`, { method: 'POST', body: secret, headers });
    await fetch(`${service.url}/v1/${secret}`, { headers });
    expect(named(REQUEST)).toHaveLength(4);
    expect(named('POST /v2/models/{name}/infer')).toHaveLength(1);
    const written = exporter
      .getFinishedSpans()
      .map(({ name, attributes, events, status, links }) =>
        JSON.stringify({ name, attributes, events, status, links }),
      );
    expect(written.filter((span) => span.includes(secret))).toEqual([]);
    // The whole batch, then its two items one by one.
    expect(named('mien.model').map(({ attributes }) => attributes['error.type'])).toEqual(
      Array(3).fill('TypeError'),
    );
  });

  it('are not made of probes and metrics', async () => {
    const { compute } = gate();
    const service = await serve(compute);
    for (const path of ['/healthz', '/readyz', '/metrics', '/v2/health/live', '/v2/models/function/ready'])
      await service.call(path);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });
});

describe('OpenTelemetry’s variables', () => {
  it('turn traces on and off', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    for (const [env, on] of [
      [{}, false],
      [{ OTEL_SERVICE_NAME: 'x' }, false],
      [{ OTEL_TRACES_EXPORTER: '' }, false],
      [{ OTEL_TRACES_EXPORTER: 'none', ...endpoint }, false],
      [{ OTEL_SDK_DISABLED: 'TRUE', ...endpoint }, false],
      [{ OTEL_SDK_DISABLED: 'false', ...endpoint }, true],
      [{ OTEL_TRACES_EXPORTER: 'console' }, true],
      [endpoint, true],
      [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' }, true],
    ] as const)
      expect([env, wantsTraces(env)]).toEqual([env, on]);
  });

  it('start the SDK, unless a provider is there or nothing is asked for', async () => {
    const calls: string[] = [];
    const packages = {
      api: async () => api,
      sdk: async () => ({
        NodeSDK: class {
          constructor({ serviceName }: { serviceName: string }) {
            calls.push(serviceName);
          }
          start = () => void calls.push('start');
          shutdown = () => Promise.reject(new Error('no collector'));
        },
      }),
    };
    const lines: string[] = [];
    const log = (_level: string, event: string): void => void lines.push(event);
    expect(await startTracing({}, log, packages)).toBe(NO_TRACING);
    expect(calls).toEqual([]);
    const env = { OTEL_TRACES_EXPORTER: 'otlp' };
    await (await startTracing(env, log, packages)).stop();
    expect([calls.splice(0), lines.splice(0)]).toEqual([['mien', 'start'], ['traces-lost']]);
    await startTracing({ ...env, OTEL_SERVICE_NAME: 'faces' }, log, packages);
    expect(calls.splice(0)).toEqual(['faces', 'start']);
    register();
    const tracing = await startTracing(env, log, packages);
    expect(calls).toEqual([]);
    tracing.request('GET', new Headers())!.end({ route: '/', status: 200 });
    expect(named('GET /')).toHaveLength(1);
  });

  it('do not keep the service from starting if the packages are missing', async () => {
    const lines: unknown[] = [];
    const missing = { api: async () => api, sdk: () => Promise.reject(new Error('no such package')) };
    const log = (level: string, event: string): void => void lines.push([level, event]);
    expect(await startTracing({ OTEL_TRACES_EXPORTER: 'otlp' }, log, missing)).toBe(NO_TRACING);
    expect(lines).toEqual([['warn', 'no-traces']]);
  });
});
