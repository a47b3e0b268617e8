// Limits the size of a request's body, and the memory that all bodies take.
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { ServiceError } from './errors.js';

/** Number of bodies of maximum size that are held in memory at a time, from arrival to response. */
const BODIES = 16;

/**
 * Rejects bodies of more than `maxBody` bytes, by their `Content-Length` or while reading them, and bodies for which no
 * memory is left.
 * @throws ServiceError `body-too-large`, `queue-full`.
 */
export function limitBodies(maxBody: number): MiddlewareHandler {
  const tooLarge = (): never => {
    throw new ServiceError('body-too-large', `the body has more than ${maxBody} bytes`);
  };
  const whileReading = bodyLimit({ maxSize: maxBody, onError: tooLarge });
  let held = 0;
  return async (c, next) => {
    const length = c.req.header('content-length');
    const chunked = c.req.header('transfer-encoding') !== undefined || length === undefined;
    const bytes = chunked ? maxBody : Number(length);
    if (bytes > maxBody) tooLarge();
    if (held + bytes > BODIES * maxBody)
      throw new ServiceError('queue-full', 'no memory is left for the body', { retryAfter: 1 });
    held += bytes;
    try {
      // With a known length nothing needs to be counted: the HTTP parser enforces it.
      await (chunked ? whileReading(c, next) : next());
    } finally {
      held -= bytes;
    }
  };
}
