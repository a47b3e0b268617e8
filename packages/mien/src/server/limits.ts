// How large a request's body may be, and how much of all of them is held in memory.
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { ServiceError } from './errors.js';

/** Bodies of the greatest size that are held at a time, from their arrival to their answer. */
const BODIES = 16;

/**
 * Refuses bodies of more than `maxBody` bytes, by their `Content-Length` before they are read, or while they are read;
 * and any body for which there is no memory left.
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
      // A length that is known needs no counting: the connection's parser holds the body to it.
      await (chunked ? whileReading(c, next) : next());
    } finally {
      held -= bytes;
    }
  };
}
