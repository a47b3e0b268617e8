// Computes the items of a request, whatever protocol it came by: checks of its options, the deadline, metrics.
import type { Context } from 'hono';
import { MienError } from 'mien-engine/base';
import { checkPrior } from '../recognizer/prior.js';
import type { Item, RecognizerInfo, Result } from '../recognizer/types.js';
import type { CheckedItem } from './body.js';
import { ServiceError } from './errors.js';
import type { Inference, RequestOptions } from './inference.js';
import type { Log } from './log.js';
import type { Metrics } from './metrics.js';
import { INPUTS } from './schemas.js';
import type { ServerSettings } from './settings.js';
import type { RequestTrace, Tracing } from './tracing.js';

export interface ServiceParts {
  readonly settings: ServerSettings;
  readonly inference: Inference;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly tracing: Tracing;
  /** Version of mien. */
  readonly version: string;
  /** Whether the service is shutting down. */
  readonly draining: () => boolean;
}

export interface Env {
  readonly Variables: {
    readonly requestId: string;
    /** Number of items in the request. */
    items?: number;
    /** Code of the error that was sent. */
    code?: string;
    trace?: RequestTrace | undefined;
  };
}

/** @throws ServiceError `not-ready` if no inference process is left: before a body is read. */
export function checkProcesses({ inference, settings }: ServiceParts): void {
  if (inference.processes().lost >= settings.processes)
    throw new ServiceError('not-ready', 'no inference process is left; the service must be restarted');
}

/**
 * Results in the order of the items; those of invalid items are their errors.
 * @throws ServiceError `invalid-request` for options that the model cannot apply, `deadline-exceeded`, and as
 *   `Inference.recognize`.
 */
export async function answer(
  { settings, inference, metrics }: ServiceParts,
  c: Context<Env>,
  items: readonly CheckedItem[],
  options: RequestOptions,
): Promise<Result[]> {
  checkCertainty(inference.info, options);
  checkPriorOf(inference.info, options);
  checkWords(inference.info, options);
  c.set('items', items.length);
  const valid = items.filter(({ error }) => !error);
  const plain = valid.map(({ inputs }): Item =>
    Object.fromEntries(INPUTS.map(({ name }) => [name, inputs[name] ?? null])),
  );
  const computed = await withinDeadline(settings.deadline, c.req.raw.signal, (signal) =>
    inference.recognize(plain, options, signal, c.get('trace')?.context),
  );
  const remaining = computed.values();
  const results = items.map(({ id, error }): Result => {
    const result = error ? { error, warnings: [] } : (remaining.next().value as Result);
    return id === undefined ? result : { id, ...result };
  });
  for (const { error } of results) metrics.items.inc({ outcome: error?.code ?? 'recognised' });
  return results;
}

/** @throws ServiceError `invalid-request` if `coverage` or `risk` is requested of a model without certainty data. */
function checkCertainty({ name, certainty }: RecognizerInfo, { coverage, risk }: RequestOptions): void {
  const path = coverage !== undefined ? 'coverage' : 'risk';
  if (certainty || (coverage === undefined && risk === undefined)) return;
  const message = `the model ${name} has no certainty data`;
  throw new ServiceError('invalid-request', `${path}: ${message}`, { issues: [{ path, message }] });
}

/** @throws ServiceError `invalid-request` if `transcribe` is requested of a model without the files for it. */
function checkWords({ name, words }: RecognizerInfo, { transcribe }: RequestOptions): void {
  if (words || !transcribe) return;
  const message = `the model ${name} has no files for words`;
  throw new ServiceError('invalid-request', `transcribe: ${message}`, {
    issues: [{ path: 'transcribe', message }],
  });
}

/** @throws ServiceError `invalid-request` if the model cannot apply the prior. */
function checkPriorOf({ labels }: RecognizerInfo, options: RequestOptions): void {
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
