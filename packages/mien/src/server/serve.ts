// Runs the service: inference processes, a listening socket, and a shutdown that loses no request.
import { createServer, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { MienError } from 'mien-engine/base';
import { packageVersion } from '../base/package.js';
import type { ServiceParts } from './answer.js';
import { createApp } from './app.js';
import { startInference } from './inference.js';
import type { Log } from './log.js';
import { createMetrics } from './metrics.js';
import { serverSettings, type ServerSettings } from './settings.js';
import { startTracing } from './tracing.js';

/**
 * Milliseconds that an idle connection is kept open: longer than load balancers keep theirs (60 s), which might otherwise
 * send a request into a connection that is being closed.
 */
const KEEP_ALIVE = 65_000;

export interface ServeOptions extends Partial<ServerSettings> {
  /** Folder or address of a bundle; the bundled model by default. */
  readonly bundle?: string | undefined;
  readonly log: Log;
}

export interface Service {
  /** For instance `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly settings: ServerSettings;
  /** Name of the model. */
  readonly model: string;
  /**
   * Shuts down: reports not ready at once, accepts no connections after `drainDelay`, and ends when all accepted requests
   * have been answered, or after `drainTimeout`.
   * @returns the number of requests that were cut off.
   */
  stop(): Promise<{ readonly cut: number }>;
}

/**
 * Starts the service.
 * @throws MienError `config` for an invalid setting, `usage` if the service cannot listen on the address, and as loading
 *   the bundle does.
 */
export async function startService({ bundle, log, ...given }: ServeOptions): Promise<Service> {
  const settings = serverSettings(given);
  const metrics = createMetrics();
  const tracing = await startTracing(process.env, log);
  const inference = await startInference(settings, { bundle, log, metrics, tracing });
  return openService({ settings, inference, metrics, log, tracing }).catch(async (error: unknown) => {
    await inference.dispose();
    throw error;
  });
}

/** Starts listening with the given inference, which `stop` disposes of. @throws MienError `usage` as `startService`. */
export async function openService(
  parts: Pick<ServiceParts, 'settings' | 'inference' | 'metrics' | 'log' | 'tracing'>,
): Promise<Service> {
  const { settings, inference, metrics, log, tracing } = parts;
  const { requestTimeout, host, token, processes, drainDelay, drainTimeout } = settings;
  let draining = false;
  const app = createApp({ ...parts, version: packageVersion(), draining: () => draining });
  const respond = getRequestListener(app.fetch);
  const server = createServer(
    {
      requestTimeout,
      keepAliveTimeout: KEEP_ALIVE,
      headersTimeout: requestTimeout,
      connectionsCheckingInterval: Math.min(1000, requestTimeout / 2),
    },
    (request, response) => {
      // It responds to errors itself; if it fails nevertheless, only this connection ends.
      respond(request, response).catch(() => response.destroy());
    },
  );
  await listening(server, settings);
  const url = urlOf(server, host);
  const model = inference.info.name;
  log('info', 'listening', { url, model, processes });
  if (token === '' && !isLoopback(host))
    log('warn', 'open', {
      message: 'the service is reachable from other machines and requires no MIEN_TOKEN',
    });

  const inFlight = async (): Promise<number> => (await metrics.inFlight.get()).values[0]?.value ?? 0;
  const stop = async (): Promise<{ cut: number }> => {
    draining = true;
    log('info', 'draining', { requests: await inFlight() });
    // Requests that arrive meanwhile are answered with Connection: close, so that none is in use when the socket closes.
    await delay(drainDelay);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const late = new AbortController();
    const time = delay(drainTimeout, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([closed, time]);
    late.abort();
    const cut = await inFlight();
    server.closeAllConnections();
    await closed;
    await inference.dispose();
    await tracing.stop();
    log(cut > 0 ? 'error' : 'info', 'stopped', { cut });
    return { cut };
  };
  let stopping: ReturnType<typeof stop> | undefined;
  return { url, settings, model, stop: () => (stopping ??= stop()) };
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

/** Why the service cannot listen on an address, and what to do. */
const REFUSALS: Readonly<Record<string, readonly [string, string]>> = {
  EADDRINUSE: [
    'is in use',
    'Stop the program that uses it, or choose another port with --port (0 picks a free one).',
  ],
  EACCES: ['is not permitted', 'Ports below 1024 need special rights; choose another with --port.'],
  EADDRNOTAVAIL: ['is not an address of this machine', 'Choose another with --host, for instance 127.0.0.1.'],
  ENOTFOUND: ['cannot be resolved', 'Choose another with --host, for instance 127.0.0.1.'],
};

function listening(server: Server, { host, port }: ServerSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const [reason, hint] = REFUSALS[cause.code ?? ''] ?? [`cannot be used (${cause.message})`, undefined];
      reject(new MienError('usage', `${host} port ${port} ${reason}`, { hint, cause }));
    });
    server.listen(port, host, () => resolve());
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as { port: number };
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
