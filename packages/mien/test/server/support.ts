// A service over real sockets for tests, with child processes that compute or with a function that a test controls.
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import type { Item, Recognizer, RecognizerInfo, Result } from '../../src/recognizer/types.js';
import { batched, type Inference } from '../../src/server/inference.js';
import { createLog } from '../../src/server/log.js';
import { createMetrics } from '../../src/server/metrics.js';
import { openApiDocument } from '../../src/server/openapi.js';
import { openService, startService, type Service } from '../../src/server/serve.js';
import { serverSettings, type ServerSettings } from '../../src/server/settings.js';
import { NO_TRACING } from '../../src/server/tracing.js';
import { checkResponse } from './documented.js';

interface Line extends Record<string, unknown> {
  readonly level: string;
  readonly event: string;
}

export interface TestService extends Service {
  /** Lines of the log. */
  readonly lines: readonly Line[];
  /** A response, read and checked against the OpenAPI document. */
  call(path: string, init?: RequestInit): Promise<Called>;
  recognize(body: unknown, headers?: Record<string, string>): Promise<Called>;
  /** A connection that writes raw bytes. */
  raw(): Raw;
}

export interface Called {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

const QUICK: Partial<ServerSettings> = {
  port: 0,
  processes: 1,
  threads: 1,
  drainDelay: 0,
  drainTimeout: 5000,
};

function collect(): { lines: Line[]; log: ReturnType<typeof createLog> } {
  const lines: Line[] = [];
  return { lines, log: createLog((line) => void lines.push(JSON.parse(line) as Line)) };
}

/** A service with a child process that loads the bundle. */
export async function serveBundle(
  bundle: string,
  settings: Partial<ServerSettings> = {},
): Promise<TestService> {
  const { lines, log } = collect();
  const service = await startService({ ...QUICK, ...settings, bundle, log });
  return { ...service, ...clientOf(service), lines };
}

export type Compute = (items: readonly Item[]) => Promise<Result[]>;

/** A service around a function. */
export async function serveFunction(
  compute: Compute,
  given: Partial<ServerSettings> = {},
  processes: Inference['processes'] = () => ({ ready: 1, lost: 0 }),
  labels: RecognizerInfo['labels'] = {},
  tracing = NO_TRACING,
): Promise<TestService> {
  const { lines, log } = collect();
  const settings = serverSettings({ ...QUICK, ...given });
  const metrics = createMetrics();
  const recognizer = {
    info: { name: 'function', labels, words: false, certainty: false, terms: [], files: {} },
    recognize: compute,
    dispose: async () => undefined,
  } as unknown as Recognizer;
  const inference = { ...batched(recognizer, settings, { log, metrics, tracing }), processes };
  const service = await openService({ settings, inference, metrics, log, tracing });
  return { ...service, ...clientOf(service), lines };
}

/** The result of a recognised item. */
export const recognised = (label = 'joy'): Result => ({
  label,
  probabilities: { [label]: 1 },
  logits: { [label]: 6 },
  from: 'text' as const,
  warnings: [],
});

/** A `compute` function that returns when a test opens the gate. */
export function gate(): {
  compute: Compute;
  calls: (readonly Item[])[];
  open(): void;
  reached(n: number): Promise<void>;
} {
  const calls: (readonly Item[])[] = [];
  const waiting: (() => void)[] = [];
  let opened = false;
  return {
    calls,
    compute: (items) =>
      new Promise((resolve) => {
        calls.push(items);
        const answer = (): void => resolve(items.map(() => recognised()));
        if (opened) answer();
        else waiting.push(answer);
      }),
    open: () => {
      opened = true;
      for (const answer of waiting.splice(0)) answer();
    },
    reached: (n) => until(() => calls.length >= n),
  };
}

/** Waits until a condition holds, at most until the test times out. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

interface Raw {
  readonly socket: Socket;
  /** Everything received until the server closed the connection. */
  readonly ended: Promise<string>;
  send(text: string): void;
}

function clientOf({ url, settings }: Service): Pick<TestService, 'call' | 'recognize' | 'raw'> {
  const document = openApiDocument(settings, { version: '', secured: settings.token !== '' });
  const call: TestService['call'] = async (path, init) => {
    const response = await fetch(url + path, init);
    const { status, headers } = response;
    const contentType = headers.get('content-type') ?? '';
    const json = contentType.startsWith('application/json');
    const body: unknown = json ? await response.json() : await response.text();
    checkResponse(document, { method: init?.method ?? 'GET', path, status, contentType, body });
    expect(headers.get('x-request-id')).toMatch(/^[\w-]+$/);
    return { status, headers, body };
  };
  return {
    call,
    recognize: (body, headers = {}) =>
      call('/v1/recognize', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    raw: () => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      let received = '';
      socket.on('data', (piece) => (received += piece.toString()));
      const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(received)));
      socket.on('error', () => undefined);
      return { socket, ended, send: (text) => void socket.write(text) };
    },
  };
}
