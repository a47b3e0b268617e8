// Every setting of the service, with its default and its bounds; the command line only passes them on.
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { MienError } from 'mien-engine/base';
import { defineSettings } from '../base/settings.js';

/** Processes by default, at most: each holds the model in memory once more. */
const MOST_PROCESSES = 4;
const MIB = 2 ** 20;

const milliseconds = z.number().min(0).max(3_600_000);

const schema = z.strictObject({
  /** Address to listen at. */
  host: z.string().min(1).default('127.0.0.1'),
  /** 0 takes a free one. */
  port: z.int().min(0).max(65_535).default(8080),
  /** Processes that compute; 0 shares out the cores, at most four processes. */
  processes: z.int().min(0).max(64).default(0),
  /** Threads of each; 0 shares out the cores. */
  threads: z.int().min(0).max(256).default(0),
  /** Items that are computed together, at most. */
  maxBatch: z.int().min(1).max(1024).default(16),
  /** Milliseconds that an item waits for company while a process is free and others compute. */
  maxWait: milliseconds.default(2),
  /** Items that may wait for a process. */
  queue: z.int().min(1).default(256),
  /** Milliseconds from a request's arrival to its answer. */
  deadline: milliseconds.min(1).default(15_000),
  /** Bytes of a request's body. */
  maxBody: z
    .int()
    .min(1)
    .default(16 * MIB),
  /** Pixels of an image. */
  maxPixels: z.int().min(1).default(25_000_000),
  /** UTF-16 units (JavaScript's characters) of a text. */
  maxText: z.int().min(1).default(20_000),
  /** Items of a request. */
  maxItems: z.int().min(1).default(64),
  /** Bearer token that `/v1` and `/metrics` ask for; empty asks for none. */
  token: z
    .string()
    .regex(/^([A-Za-z0-9._~+/-]+=*)?$/, 'must consist of letters, digits and ._~+/- (RFC 6750)')
    .default(''),
  /** Origins whose pages may call; `*` is all. */
  cors: z.array(z.string()).default([]),
  /** Milliseconds within which a whole request must have arrived. */
  requestTimeout: milliseconds.min(1).default(15_000),
  /** Milliseconds that a service told to stop goes on accepting, not ready, so that a load balancer can notice. */
  drainDelay: milliseconds.default(500),
  /** Milliseconds after which a service told to stop cuts off what is not answered. */
  drainTimeout: milliseconds.default(25_000),
});

const settings = defineSettings(schema);

export type ServerSettings = z.output<typeof schema>;

/**
 * Complete settings from some of them.
 * @throws MienError `config` that names the setting, and for an unknown one the nearest there is.
 */
export function serverSettings(given: Partial<ServerSettings>): ServerSettings {
  const all = settings.parse(given);
  if (all.queue < all.maxItems)
    throw new MienError(
      'config',
      `a queue of ${all.queue} has no room for a request of ${all.maxItems} items`,
      {
        field: 'queue',
        hint: 'Raise queue, or lower maxItems.',
      },
    );
  for (const origin of all.cors)
    if (origin !== '*' && originOf(origin) !== origin)
      throw new MienError('config', `"${origin}" is not an origin`, {
        field: 'cors',
        hint: 'Write scheme and host, for instance https://example.org, or *.',
      });
  const cores = availableParallelism();
  const processes = all.processes || Math.min(cores, MOST_PROCESSES);
  return { ...all, processes, threads: all.threads || Math.max(1, Math.floor(cores / processes)) };
}

function originOf(text: string): string | undefined {
  try {
    return new URL(text).origin;
  } catch {
    return undefined;
  }
}
