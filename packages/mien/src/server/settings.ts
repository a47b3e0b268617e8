// The settings of the service, with defaults and bounds.
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { MienError } from 'mien-engine/base';
import { threadsPerProcess } from 'mien-engine/node';
import { defineSettings } from '../base/settings.js';

/** Maximum of the default number of processes: each holds a copy of the model in memory. */
const MOST_PROCESSES = 4;
const MIB = 2 ** 20;

const milliseconds = z.number().min(0).max(3_600_000);

const schema = z.strictObject({
  /** Address to listen on. */
  host: z.string().min(1).default('127.0.0.1'),
  /** 0 picks a free one. */
  port: z.int().min(0).max(65_535).default(8080),
  /** Number of inference processes; 0: one per core, at most four. */
  processes: z.int().min(0).max(64).default(0),
  /** Threads of each process; 0 divides the cores among the processes. */
  threads: z.int().min(0).max(256).default(0),
  /** Maximum number of items in a batch. */
  maxBatch: z.int().min(1).max(1024).default(16),
  /** Milliseconds that an item waits for its batch to fill while all processes compute; 0: it never waits for company. */
  maxWait: milliseconds.default(0),
  /** Maximum number of items in the queue. */
  queue: z.int().min(1).default(256),
  /** Milliseconds from a request's arrival to its response. */
  deadline: milliseconds.min(1).default(15_000),
  /** Maximum bytes of a request's body. */
  maxBody: z
    .int()
    .min(1)
    .default(16 * MIB),
  /** Maximum pixels of an image. */
  maxPixels: z.int().min(1).default(25_000_000),
  /** Maximum bytes of a recording. */
  maxAudio: z
    .int()
    .min(1)
    .default(8 * MIB),
  /** Maximum seconds of a recording. */
  maxSeconds: z.number().min(1).max(3600).default(120),
  /** Maximum UTF-16 units (JavaScript's characters) of a text. */
  maxText: z.int().min(1).default(20_000),
  /** Maximum items of a request. */
  maxItems: z.int().min(1).default(64),
  /** Bearer token that `/v1` and `/metrics` require; empty: none is required. */
  token: z
    .string()
    .regex(/^([A-Za-z0-9._~+/-]+=*)?$/, 'must consist of letters, digits and ._~+/- (RFC 6750)')
    .default(''),
  /** Allowed origins of web pages; `*` allows all. */
  cors: z.array(z.string()).default([]),
  /** Milliseconds within which a whole request must have arrived. */
  requestTimeout: milliseconds.min(1).default(15_000),
  /** Milliseconds that a stopping service still accepts connections, not ready, so that load balancers notice. */
  drainDelay: milliseconds.default(500),
  /** Milliseconds after which a stopping service cuts off requests in progress. */
  drainTimeout: milliseconds.default(25_000),
});

const settings = defineSettings(schema);

export type ServerSettings = z.output<typeof schema>;

/**
 * Settings over defaults.
 * @throws MienError `config` that names the setting and, for an unknown one, the most similar known one.
 */
export function serverSettings(given: Partial<ServerSettings>): ServerSettings {
  const all = settings.parse(given);
  if (all.queue < all.maxItems)
    throw new MienError(
      'config',
      `a queue of ${all.queue} items is too small for requests of ${all.maxItems} items`,
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
  const processes = all.processes || Math.min(availableParallelism(), MOST_PROCESSES);
  return { ...all, processes, threads: all.threads || threadsPerProcess(processes) };
}

function originOf(text: string): string | undefined {
  try {
    return new URL(text).origin;
  } catch {
    return undefined;
  }
}
