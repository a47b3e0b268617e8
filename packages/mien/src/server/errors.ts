// Errors of the service: a stable code, the HTTP status, and what the client can do.
import { quoted } from 'mien-engine/base';

/** Error codes with their HTTP status and their description in the API documentation. */
export const SERVICE_ERRORS = {
  'malformed-body': [
    400,
    'The body is not JSON, not multipart/form-data, or not as long as its headers say.',
  ],
  'invalid-request': [400, 'The body does not match the schema; `issues` lists where.'],
  unauthorized: [401, 'The bearer token is missing or wrong.'],
  'not-found': [404, 'No resource at this path.'],
  'method-not-allowed': [405, 'The path does not accept this method; `Allow` lists those it accepts.'],
  'body-too-large': [413, 'The body has more bytes, or the form more parts, than the service accepts.'],
  'unsupported-media-type': [
    415,
    'Send application/json or multipart/form-data, uncompressed (without `Content-Encoding`).',
  ],
  'queue-full': [429, 'The queue is full; try again after `Retry-After` seconds.'],
  'client-closed': [499, 'The client closed the connection before the response; only in logs and metrics.'],
  internal: [500, 'Internal error; see the log entry with the request ID.'],
  'inference-crashed': [503, 'An inference process ended unexpectedly and is being restarted; try again.'],
  'not-ready': [503, 'No inference process is available.'],
  'deadline-exceeded': [504, 'No response within the deadline.'],
} as const satisfies Record<string, readonly [number, string]>;

export type ServiceErrorCode = keyof typeof SERVICE_ERRORS;

/** Something wrong with the request, and where. */
export interface Issue {
  /** For instance `items[0].text`; empty for the body as a whole. */
  readonly path: string;
  readonly message: string;
}

/** In UTF-16 units; longer messages, which quote a request, are shortened in the middle. */
const LONGEST_MESSAGE = 400;

/** An error that is sent as the response to a request. */
export class ServiceError extends Error {
  readonly status: number;
  /** Seconds after which to try again. */
  readonly retryAfter: number | undefined;
  readonly issues: readonly Issue[] | undefined;

  constructor(
    readonly code: ServiceErrorCode,
    message: string,
    options: {
      readonly retryAfter?: number;
      readonly issues?: readonly Issue[];
      readonly cause?: unknown;
    } = {},
  ) {
    super(
      quoted(message, LONGEST_MESSAGE),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'ServiceError';
    this.status = SERVICE_ERRORS[code][0];
    this.retryAfter = options.retryAfter;
    this.issues = options.issues?.map((issue) => ({
      path: quoted(issue.path),
      message: quoted(issue.message, LONGEST_MESSAGE),
    }));
  }
}

/** The error for a body that does not have the format of its content type. */
export const malformed = (message: string, cause?: unknown): ServiceError =>
  new ServiceError('malformed-body', message, { cause });
