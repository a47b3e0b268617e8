// The service under stress: overload, deadlines, disconnecting clients, shutdown; with a recogniser that waits.
import { describe, expect, it, onTestFinished } from 'vitest';
import { MienError } from 'mien-engine/base';
import type { ServerSettings } from '../../src/server/settings.js';
import { gate, recognised, serveFunction, until, type Compute, type TestService } from './support.js';

async function serve(compute: Compute, settings: Partial<ServerSettings> = {}): Promise<TestService> {
  const service = await serveFunction(compute, settings);
  onTestFinished(async () => void (await service.stop()));
  return service;
}

const item = { items: [{ text: 'joy' }] };
const of = (n: number) => ({ items: Array(n).fill({ text: 'joy' }) });

describe('overload', () => {
  it('accepts what fits the queue and responds 429 to the rest, while /healthz responds', async () => {
    const { compute, calls, open, reached } = gate();
    // Two batches of two are computed, four more items wait.
    const service = await serve(compute, { maxBatch: 2, queue: 4, maxItems: 4 });
    const accepted = [service.recognize(of(2)), service.recognize(of(2))];
    await reached(2);
    accepted.push(service.recognize(of(3)), service.recognize(of(1)));
    await until(async () => /mien_queue_items 4/.test((await service.call('/metrics')).body));
    const refused = await Promise.all([service.recognize(item), service.recognize(of(4))]);
    for (const { status, body, headers } of refused) {
      expect([status, body.error.code]).toEqual([429, 'queue-full']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    }
    expect((await service.call('/healthz')).status).toBe(200);
    expect((await service.call('/readyz')).status).toBe(200);
    open();
    for (const { status } of await Promise.all(accepted)) expect(status).toBe(200);
    expect(calls.map(({ length }) => length)).toEqual([2, 2, 2, 2]);
  });

  it('holds at most sixteen bodies of maximum size', async () => {
    const { compute } = gate();
    const service = await serve(compute, { maxBody: 1000, requestTimeout: 60_000 });
    const head = 'POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    const slow = Array.from({ length: 16 }, () => service.raw());
    for (const { send } of slow) send(`${head}Content-Length: 1000\r\n\r\n{`);
    const inFlight = /mien_http_requests_in_flight 17/;
    await until(async () => inFlight.test((await service.call('/metrics')).body));
    expect((await service.recognize(item)).status).toBe(429);
    for (const { socket } of slow) socket.destroy();
    await until(async () => (await service.recognize({})).status === 400);
  });

  it('responds 504 at the deadline, and computes nothing for the request afterwards', async () => {
    const { compute, calls, open, reached } = gate();
    const service = await serve(compute, { deadline: 50, maxBatch: 1 });
    const late = [service.recognize(item), service.recognize(item)];
    await reached(2);
    late.push(service.recognize({ items: [{ text: 'never' }] }));
    for (const { status, body } of await Promise.all(late))
      expect([status, body.error.code]).toEqual([504, 'deadline-exceeded']);
    open();
    expect((await service.recognize(item)).status).toBe(200);
    expect(calls.flat().map(({ text }) => text)).toEqual(['joy', 'joy', 'joy']);
  });
});

describe('misbehaving clients', () => {
  it('ends a request that does not arrive in time, and serves others meanwhile', async () => {
    const service = await serve(async (items) => items.map(() => recognised()), { requestTimeout: 100 });
    const raw = [service.raw(), service.raw(), service.raw()];
    raw[1]!.send('POST /v1/recogn');
    raw[2]!.send(
      'POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    expect((await service.recognize(item)).status).toBe(200);
    for (const { ended } of raw.slice(1)) expect(await ended).toMatch(/^HTTP\/1\.1 408/);
    await raw[0]!.ended;
  });

  it('drops the queued items of a client that disconnected, and only those', async () => {
    const { compute, calls, open, reached } = gate();
    const service = await serve(compute, { maxBatch: 1 });
    const busy = [service.recognize(item), service.recognize(item)];
    await reached(2);
    const abort = new AbortController();
    const hungUp = fetch(`${service.url}/v1/recognize`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      signal: abort.signal,
      body: JSON.stringify({ items: [{ text: 'hung up' }] }),
    }).catch(() => 'aborted');
    await until(async () => /mien_queue_items 1/.test((await service.call('/metrics')).body));
    const stays = service.recognize({ items: [{ text: 'stays' }] });
    await until(async () => /mien_queue_items 2/.test((await service.call('/metrics')).body));
    abort.abort();
    expect(await hungUp).toBe('aborted');
    await until(async () => /mien_queue_items 1/.test((await service.call('/metrics')).body));
    open();
    for (const { status } of await Promise.all([...busy, stays])) expect(status).toBe(200);
    expect(calls.flat().map(({ text }) => text)).toEqual(['joy', 'joy', 'stays']);
    expect(service.lines).toContainEqual(expect.objectContaining({ status: 499, code: 'client-closed' }));
  });

  it('survives a body that ends half-way', async () => {
    const service = await serve(async (items) => items.map(() => recognised()));
    for (let i = 0; i < 5; i++) {
      const { socket, send, ended } = service.raw();
      send(
        'POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"items":',
      );
      await new Promise((resolve) => setTimeout(resolve, 10));
      socket.destroy();
      await ended;
    }
    expect((await service.recognize(item)).status).toBe(200);
    await until(async () => /in_flight 1/.test((await service.call('/metrics')).body));
    expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('failures', () => {
  it('fails only the item of a batch that causes the error', async () => {
    const service = await serve(async (items) => {
      if (items.some(({ text }) => text === 'bad')) throw new Error('about the user’s words');
      return items.map(() => recognised());
    });
    const { status, body } = await service.recognize({
      items: [{ text: 'joy' }, { text: 'bad' }, { text: 'joy' }],
    });
    expect(status).toBe(200);
    expect(body.results.map(({ error }: { error?: { code: string } }) => error?.code)).toEqual([
      undefined,
      'internal',
      undefined,
    ]);
    expect(service.lines).toContainEqual(expect.objectContaining({ event: 'item-failed', kind: 'Error' }));
    expect(JSON.stringify(service.lines)).not.toContain('words');
  });

  it('reports that a process crashed, and that none is left', async () => {
    let state = { ready: 0, lost: 0 };
    const crash: Compute = () => Promise.reject(new MienError('crashed', 'it ended'));
    const service = await serveFunction(crash, {}, () => state);
    onTestFinished(async () => void (await service.stop()));
    const { status, body } = await service.recognize(item);
    expect([status, body.error.code]).toEqual([503, 'inference-crashed']);
    expect((await service.call('/readyz')).body).toEqual({ status: 'not-ready', processes: 0 });
    expect((await service.call('/healthz')).status).toBe(200);
    state = { ready: 0, lost: 1 };
    expect((await service.recognize(item)).body.error.code).toBe('not-ready');
    expect((await service.call('/healthz')).status).toBe(503);
  });
});

describe('shutdown', () => {
  it('reports not ready, finishes accepted requests, and accepts no further ones', async () => {
    const { compute, open, reached } = gate();
    const service = await serveFunction(compute, { drainDelay: 300 });
    const accepted = [service.recognize(item), service.recognize(item)];
    await reached(2);
    const stopped = service.stop();
    const { status, body, headers } = await service.call('/readyz');
    expect([status, body.status, headers.get('connection')]).toEqual([503, 'draining', 'close']);
    const during = service.recognize(item);
    await reached(2);
    await until(() => service.lines.some(({ event }) => event === 'draining'));
    await until(() =>
      fetch(`${service.url}/healthz`).then(
        () => false,
        () => true,
      ),
    );
    open();
    for (const { status: answered } of await Promise.all([...accepted, during])) expect(answered).toBe(200);
    expect(await stopped).toEqual({ cut: 0 });
  });

  it('cuts off requests after the timeout, and reports how many', async () => {
    const { compute, reached } = gate();
    const service = await serveFunction(compute, { drainTimeout: 50 });
    const lost = service.recognize(item).catch(() => 'cut');
    await reached(1);
    expect(await service.stop()).toEqual({ cut: 1 });
    expect(await lost).toBe('cut');
  });
});

describe('the token', () => {
  it('is required for results and metrics, and nowhere else', async () => {
    const service = await serve(async (items) => items.map(() => recognised()), { token: 'open-sesame.1' });
    const { call, recognize } = service;
    for (const authorization of [
      '',
      'Bearer',
      'Bearer wrong',
      'Bearer open-sesame.12',
      'Basic b3Blbg==',
      'open-sesame.1',
    ]) {
      const headers = authorization === '' ? {} : { authorization };
      const { status, body, headers: answer } = await recognize(item, headers as Record<string, string>);
      expect([status, body.error.code]).toEqual([401, 'unauthorized']);
      expect(answer.get('www-authenticate')).toContain('Bearer');
    }
    expect((await call('/v1/model')).status).toBe(401);
    expect((await call('/metrics')).status).toBe(401);
    const headers = { authorization: 'Bearer open-sesame.1' };
    expect((await recognize(item, headers)).status).toBe(200);
    expect((await call('/v1/model', { headers })).status).toBe(200);
    expect((await call('/metrics', { headers })).status).toBe(200);
    for (const path of ['/healthz', '/readyz', '/openapi.json', '/docs'])
      expect((await call(path)).status).toBe(200);
    const { body } = await call('/openapi.json');
    expect(body.paths['/v1/recognize'].post.security).toEqual([{ bearer: [] }]);
    expect(JSON.stringify(service.lines)).not.toContain('sesame');
  });
});
