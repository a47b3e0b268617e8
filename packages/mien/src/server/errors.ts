// What the service answers when it does not answer: a stable code, its status, and what the caller can do.
import { quoted } from 'mien-engine/base';

/** Codes of errors, each with the status it is sent with and what it means; the documentation lists them. */
export const SERVICE_ERRORS = {
  'malformed-body': [400, 'The body is not JSON, or not multipart/form-data.'],
  'invalid-request': [400, 'The body is not what the schema asks for; `issues` names the places.'],
  unauthorized: [401, 'The bearer token is missing or wrong.'],
  'not-found': [404, 'There is nothing at this path.'],
  'method-not-allowed': [405, 'The path does not know the method; `Allow` names those it knows.'],
  'body-too-large': [413, 'The body has more bytes, or the form more parts, than the service takes.'],
  'unsupported-media-type': [
    415,
    'Send application/json or multipart/form-data, not compressed (no `Content-Encoding`).',
  ],
  'queue-full': [429, 'More is waiting than the service takes on; try again after `Retry-After` seconds.'],
  'client-closed': [499, 'The caller hung up before the answer; seen in logs and metrics only.'],
  internal: [500, 'A mistake of the service; its log has it under the request’s id.'],
  'inference-crashed': [503, 'The process that computed ended and is started again; try again.'],
  'not-ready': [503, 'No process can compute at present.'],
  'deadline-exceeded': [504, 'There was no answer within the deadline.'],
} as const satisfies Record<string, readonly [number, string]>;

export type ServiceErrorCode = keyof typeof SERVICE_ERRORS;

/** A place in the request and what is wrong there. */
export interface Issue {
  /** Such as `items[0].text`; empty for the body as a whole. */
  readonly path: string;
  readonly message: string;
}

/** In UTF-16 units; what quotes more of a request than that is cut in the middle. */
const LONGEST_MESSAGE = 400;

/** An error that is the answer to a request. */
export class ServiceError extends Error {
  readonly status: number;
  /** Seconds. */
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

/** The error of a body that cannot be read as what it says it is. */
export const malformed = (message: string, cause?: unknown): ServiceError =>
  new ServiceError('malformed-body', message, { cause });
