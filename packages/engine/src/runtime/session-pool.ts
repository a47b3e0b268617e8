// A model in several processes: ONNX Runtime blocks JavaScript while it runs, and a small network has a higher throughput
// in several processes with a thread each than in one process with several threads.
import { packageFiles } from '../base/package.js';
import { startProcessPool, threadsPerProcess } from '../base/process-pool.js';
import type { Tensor, Tensors } from '../base/tensor.js';
import { createSession, type Session, type SessionOptions } from './session.js';

export interface OpenSessionOptions extends SessionOptions {
  /** Number of child processes that each hold the model; 0 (the default) runs it in this process. */
  readonly processes?: number;
}

/** A session, and how many runs it computes at the same time. */
export interface OpenSession extends Session {
  readonly parallel: number;
}

/** What a child needs to open the model. */
export interface SessionSetup {
  readonly model: Uint8Array;
  readonly options: SessionOptions;
}

export interface SessionTask {
  readonly feeds: Tensors;
  readonly outputs: readonly string[] | undefined;
}

export type SessionInfo = Pick<Session, 'inputs' | 'outputs'>;

const files = packageFiles('mien-engine', import.meta.url);

/**
 * Opens a model in this process or in child processes. Runs of a session in child processes go to the least busy one; by
 * default these divide the cores among themselves.
 * @throws MienError as `createSession` and `startProcessPool` do; `crashed` for runs of a child that ends, which is
 *   restarted.
 */
export async function openSession(
  model: Uint8Array,
  { processes = 0, ...options }: OpenSessionOptions = {},
): Promise<OpenSession> {
  if (processes === 0) return { ...(await createSession(model, options)), parallel: 1 };
  const threads = options.threads ?? threadsPerProcess(processes);
  const pool = await startProcessPool<SessionSetup, SessionTask, Record<string, Tensor>, SessionInfo>({
    module: files.module('runtime/session-child'),
    setup: { model, options: { ...options, threads } },
    processes,
  });
  return {
    ...pool.info,
    parallel: processes,
    run: (feeds, outputs) => pool.run({ feeds, outputs }) as never,
    dispose: () => pool.close(),
  };
}
